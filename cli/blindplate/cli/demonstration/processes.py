"""Start, watch and stop the processes of a deployment.

Each process is the command a person would type, with its log in its own folder. Guarantees that none outlives
``Processes``, and that a process that ends early is noticed with the last lines of its log.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from blindplate.cli.deployment import Deployment
from blindplate.core.errors import UnavailableError

_STOP_SECONDS: Final = 20.0
_PAUSE_SECONDS: Final = 0.05


def command(*arguments: str | Path) -> list[str]:
    """The command line of ``blindplate ARGUMENTS`` in this interpreter's environment."""
    return [sys.executable, "-m", "blindplate.cli.main", *map(str, arguments)]


@dataclass(slots=True)
class Process:
    """One running process of a party and its log."""

    party: str
    log: Path
    popen: subprocess.Popen[bytes]

    def events(self) -> Iterator[dict[str, Any]]:
        """The lines of its log so far, as objects."""
        for line in self.log.read_text(errors="replace").splitlines():
            if line.startswith("{"):
                yield json.loads(line)

    def wait_for(self, event: str, seconds: float = 120.0) -> dict[str, Any]:
        """The first log line with this event. Raises UnavailableError when it ends or does not come in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ended = self.popen.poll() is not None
            for line in self.events():
                if line.get("event") == event:
                    return line
            if ended:
                break
            time.sleep(_PAUSE_SECONDS)
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])
        raise UnavailableError(
            f"The process {self.party} did not come to '{event}'.", f"Its log ends:\n{tail}"
        )

    def stop(self) -> None:
        """Ask it to end, and end it if it does not."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.popen.kill()
        self.popen.wait()


class Processes(AbstractContextManager["Processes"]):
    """The running processes of one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self._running: list[Process] = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop them, last started first."""
        for process in reversed(self._running):
            process.stop()

    def serve(self, party: str) -> Process:
        """Start a custodian, the ledger or the matcher."""
        return self.start(party, party.split("-")[0], "serve", self.deployment.settings(party))

    def own(self, party: str) -> Process:
        """Start a list owner's daemon."""
        return self.start(party, "owner", "run", self.deployment.settings(party))

    def camera(self, party: str, events: Path | None, *options: str) -> Process:
        """Start a camera that reads ``events``, or its standard input when None, which ``Process.popen.stdin`` feeds."""
        source = ("--input", str(events)) if events else ("--input", "-")
        settings = self.deployment.settings(party)
        return self.start(party, "camera", "run", settings, *source, *options, pipe=events is None)

    def start(self, party: str, *arguments: str | Path, pipe: bool = False) -> Process:
        """Start ``blindplate ARGUMENTS``; its log is appended to ``log.jsonl`` in the party's folder."""
        log = self.deployment.home(party) / "log.jsonl"
        with log.open("ab") as file:
            popen = _spawn(command(*arguments), file, pipe=pipe)
        process = Process(party, log, popen)
        self._running.append(process)
        return process

    def run(self, *arguments: str | Path, seconds: float = 120.0) -> str:
        """Run ``blindplate ARGUMENTS`` to its end; its standard output. Raises UnavailableError when it fails."""
        done = subprocess.run(  # noqa: S603  our own command line, no shell
            command(*arguments), capture_output=True, text=True, timeout=seconds, check=False
        )
        if done.returncode:
            raise UnavailableError(f"The command 'blindplate {arguments[0]}' failed.", done.stderr.strip())
        return done.stdout


def _spawn(arguments: Sequence[str], log: IO[bytes], *, pipe: bool) -> subprocess.Popen[bytes]:
    stdin = subprocess.PIPE if pipe else subprocess.DEVNULL
    return subprocess.Popen(arguments, stdin=stdin, stdout=log, stderr=log)  # noqa: S603  our own command line, no shell
