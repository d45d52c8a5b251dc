"""The custodian as a process of its own: ready, stopped, killed, started again, and nothing left behind."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blindplate.cli.deployment import Deployment, Plan
from blindplate.core.domains import Domain
from blindplate.core.pseudonyms import Blinding
from blindplate.edge.settings import TlsFiles
from blindplate.edge.tls import open_channel
from blindplate.v1 import pseudonyms_pb2, types_pb2
from blindplate.v1.pseudonyms_pb2_grpc import PseudonymsStub
from tests.integration.ledger_site import MovedClock, RunningLedger

from .conftest import Custodians

_PROGRAM = """
import sys
from pathlib import Path
from blindplate.edge.settings import load
from blindplate.server.custodian.process import run
from blindplate.server.custodian.settings import CustodianSettings
if __name__ == "__main__":
    run(load(CustodianSettings, Path(sys.argv[1])))
"""
# Put before the program: the keeper's thread ends in its second round.
_KEEPER_DIES = """
from blindplate.server.custodian.keeper import Keeper
rounds = []
def dying(self, first=Keeper.round):
    rounds.append(None)
    if len(rounds) > 1:
        raise SystemExit
    first(self)
Keeper.round = dying
"""
DOMAIN = Domain("police", "inner", 1)


class Process:
    """A custodian's process and the lines of its log."""

    def __init__(self, deployment: Deployment, log: Path, before: str = "") -> None:
        self.deployment = deployment
        program = deployment.folder / "serve.py"
        program.write_text(before + _PROGRAM)
        self.log = log
        with log.open("a") as stream:
            self.popen = subprocess.Popen(
                [sys.executable, str(program), str(deployment.settings("custodian-a"))], stderr=stream
            )

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    def ready(self, count: int = 1) -> int:
        """Its port, once it has logged ``ready`` for the ``count``-th time."""
        deadline = time.monotonic() + 60
        while len(self.events("ready")) < count:
            assert self.popen.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return int(self.events("ready")[-1]["port"])

    def evaluate(self, port: int, size: int) -> int:
        folder = self.deployment.folder / "owner-police"
        files = TlsFiles(certificate=folder / "tls.crt", key=folder / "tls.key", authority=folder / "ca.crt")
        with open_channel(f"127.0.0.1:{port}", "custodian-a", files) as channel:
            request = pseudonyms_pb2.EvaluateRequest(
                domain=types_pb2.Domain(list_id="police", zone="inner", generation=1),
                blinded=Blinding.blind([b"x"]).blinded * size,
            )
            answer = PseudonymsStub(channel).Evaluate(request, timeout=30, wait_for_ready=True)
        return len(answer.evaluated)

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children").read_text()
        return [int(child) for child in listed.split()]


def ended(process: int) -> bool:
    """Whether a process is gone, or only waits to be reaped."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def wait_until_ended(processes: list[int]) -> None:
    deadline = time.monotonic() + 20
    while not all(ended(process) for process in processes):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def start(plan: Plan, templates: Callable[[Plan], Path], tmp_path: Path) -> Iterator[Callable[..., Process]]:
    deployment = Deployment(Path(shutil.copytree(templates(plan), tmp_path / "deployment")), plan)
    # The grants are witnessed, and all processes stopped: what the custodian knows of them is in its folder.
    clock = MovedClock()
    both = Custodians(deployment, clock, RunningLedger(deployment, clock))
    both.begin()
    both.close()
    started: list[Process] = []

    def begin(before: str = "") -> Process:
        started.append(Process(deployment, tmp_path / "log", before))
        return started[-1]

    yield begin
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
        process.popen.wait()


def test_serves_and_stops_on_sigterm_with_every_child(start: Callable[[], Process]) -> None:
    process = start()
    port = process.ready()
    assert process.evaluate(port, 300) == 300
    children = process.children()
    assert children
    process.popen.send_signal(signal.SIGTERM)
    assert process.popen.wait(30) == 0
    wait_until_ended(children)
    assert process.events("failed") == []


def test_killed_it_leaves_no_process_and_starts_again(start: Callable[[], Process]) -> None:
    first = start()
    first.evaluate(first.ready(), 300)
    children = first.children()
    first.popen.kill()
    first.popen.wait()
    wait_until_ended(children)
    second = start()
    assert second.evaluate(second.ready(2), 1) == 1


def test_it_does_not_serve_on_without_its_keeper(start: Callable[..., Process]) -> None:
    """Release keys would outlive their time, and nobody would notice."""
    process = start(_KEEPER_DIES)
    assert process.popen.wait(60) != 0
    assert process.events("housekeeping-ended")


def test_no_secret_in_arguments_or_environment(start: Callable[[], Process]) -> None:
    process = start()
    process.ready()
    folder = process.deployment.folder / "custodian-a"
    secrets = [(folder / name).read_bytes() for name in ("signing.key", "pseudonyms.seed", "witness.key")]
    for one in (process.popen.pid, *process.children()):
        shown = Path(f"/proc/{one}/cmdline").read_bytes() + Path(f"/proc/{one}/environ").read_bytes()
        for secret in secrets:
            assert secret not in shown
            assert secret.hex().encode() not in shown
