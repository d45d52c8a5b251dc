"""Custodians, ledger and matcher as processes of their own whose clocks can be moved together, since a charging day takes days.

Each is built by the code that serves it otherwise, under its own settings, over mutual TLS; only its clock is another. The
matcher evaluates in its own process. Processor time is taken for each, by what the kernel says of its process.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path
from types import TracebackType
from typing import Final

from blindplate.cli.deployment import Deployment
from blindplate.cli.deployment.plan import SERVERS
from blindplate.core.errors import UnavailableError
from blindplate.edge.logs import configure
from blindplate.edge.settings import load

_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 30.0
_EVALUATOR_BYTES: Final = 1 << 30


class MovedClock:
    """The machine's clock, moved by as many seconds in every process that shares ``moved``."""

    def __init__(self, moved: Synchronized[float]) -> None:
        self._moved = moved

    def now(self) -> float:
        """Seconds since 1970, UTC, as moved."""
        return time.time() + self._moved.value

    def move_to(self, moment: float) -> None:
        """Let it be ``moment`` now, everywhere."""
        self._moved.value = moment - time.time()


class Parties(AbstractContextManager["Parties"]):
    """Every server of a deployment; ``clock`` is theirs. Each writes its log beside its settings."""

    def __init__(self, deployment: Deployment, moment: float) -> None:
        """Start them, their clocks at ``moment``. Raises UnavailableError when one does not come up."""
        spawned = multiprocessing.get_context("spawn")
        moved: Synchronized[float] = spawned.Value("d", moment - time.time())
        self.clock = MovedClock(moved)
        self._stop = spawned.Event()
        self._processes = {
            party: spawned.Process(
                target=_serve, args=(party, deployment.settings(party), moved, self._stop), daemon=True
            )
            for party in SERVERS
        }
        for process in self._processes.values():
            process.start()

    def cpu_seconds(self) -> dict[str, float]:
        """User and system time of each party so far, after proc(5): fields 14 and 15 of its stat."""
        return {party: _cpu_seconds(process.pid) for party, process in self._processes.items()}

    def require_running(self) -> None:
        """Raise UnavailableError when a party has ended."""
        for party, process in self._processes.items():
            if process.exitcode is not None:
                raise UnavailableError(f"The {party} of the benchmark has ended.", "Look at its log.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop them all."""
        self._stop.set()
        for process in self._processes.values():
            process.join(_STOP_SECONDS)
            if process.is_alive():
                process.kill()


def _cpu_seconds(pid: int | None) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _serve(party: str, settings: Path, moved: Synchronized[float], stop: Event) -> None:
    """In the spawned process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    descriptor = os.open(settings.with_name("bench.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 2)
    configure(party)
    begin: Callable[[Path, MovedClock, ExitStack], None] = {
        "matcher": _matcher,
        "ledger": _ledger,
    }.get(party, _custodian)
    with ExitStack() as opened:
        begin(settings, MovedClock(moved), opened)
        stop.wait()


def _custodian(path: Path, clock: MovedClock, opened: ExitStack) -> None:
    from blindplate.server.custodian.process import build
    from blindplate.server.custodian.settings import CustodianSettings

    running = build(load(CustodianSettings, path), clock)
    opened.callback(running.close)
    running.server.start()
    opened.callback(lambda: running.server.stop(None).wait())


def _ledger(path: Path, clock: MovedClock, opened: ExitStack) -> None:
    from blindplate.server.ledger.process import build
    from blindplate.server.ledger.settings import LedgerSettings

    running = build(load(LedgerSettings, path), clock)
    opened.callback(running.close)
    running.start()


def _matcher(path: Path, clock: MovedClock, opened: ExitStack) -> None:
    from blindplate.server.matcher.evaluator import LocalEvaluator
    from blindplate.server.matcher.service import open_matcher
    from blindplate.server.matcher.settings import MatcherSettings
    from blindplate.server.serving import build_server

    settings = load(MatcherSettings, path)
    matcher = open_matcher(settings, LocalEvaluator(_EVALUATOR_BYTES), clock)
    opened.callback(matcher.close)
    server, _ = build_server(settings.listen, settings.tls, matcher.services)
    server.start()
    opened.callback(lambda: server.stop(None).wait())
    matcher.start()


def wait_until(
    look: Callable[[], bool], what: str, parties: Parties, seconds: float = _START_SECONDS
) -> None:
    """Wait for what must come to pass. Raises UnavailableError when it does not, or a party has ended."""
    until = time.monotonic() + seconds
    waiting = threading.Event()
    while True:
        with suppress(UnavailableError):
            if look():
                return
        parties.require_running()
        if time.monotonic() > until:
            raise UnavailableError(f"It did not come to pass in time: {what}.", "Try on a quieter machine.")
        waiting.wait(0.05)
