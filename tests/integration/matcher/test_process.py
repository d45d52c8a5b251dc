"""The matcher as a process: workers that die, a matcher that is killed, what it serves beside, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from blindplate.core.errors import UnavailableError
from blindplate.core.statements.erasures import Place
from blindplate.psi.owner import open_answer
from blindplate.v1 import answers_pb2
from tests.integration.matcher.conftest import World, pseudonym

_PROGRAM = """
import sys
from pathlib import Path
from blindplate.edge.settings import load
from blindplate.server.matcher.process import run
from blindplate.server.matcher.settings import MatcherSettings
if __name__ == "__main__":
    run(load(MatcherSettings, Path(sys.argv[1])))
"""


@dataclass
class Running:
    """A matcher in a process of its own, and the file its log goes to."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int = 0

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its log lines so far."""
        whole, _, _unfinished = self.log.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def workers(self) -> list[int]:
        """Its spawned worker processes, whichever of its threads started them."""
        lists = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = [int(pid) for path in lists for pid in path.read_text().split()]
        return [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def wait_for(self, event: str) -> dict[str, Any]:
        until(lambda: any(line["event"] == event for line in self.events))
        return next(line for line in self.events if line["event"] == event)


@pytest.fixture
def start(world: World, tmp_path: Path) -> Iterator[Callable[[], Running]]:
    """Start the deployment's matcher as a process, in place of the one in this process."""
    program = tmp_path / "serve.py"
    program.write_text(_PROGRAM)
    started: list[Running] = []
    world.served.stop()
    world.clock.time = time.time()

    def begin(**environment: str) -> Running:
        log = tmp_path / f"matcher-{len(started)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, str(program), str(world.deployment.settings("matcher"))],
                stderr=file,
                env=os.environ
                | {f"BLINDPLATE_{name}": value for name, value in environment.items()}
                | {"BLINDPLATE_LISTEN": "127.0.0.1:0", "BLINDPLATE_WINDOW_KEYS_AHEAD": "2"},
            )
        running = Running(process, log)
        started.append(running)
        running.port = running.wait_for("ready")["port"]
        world.served.port = running.port
        for party in (world.camera, world.owner):
            party.close()
        return running

    yield begin
    for running in started:
        running.process.kill()
        running.process.wait()


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def next_answer(world: World, after: int = 0) -> answers_pb2.Answer:
    response = world.owner.next(world.port, "police", after, wait_ms=10_000)
    for _ in range(5):
        if response.HasField("answer"):
            break
        response = world.owner.next(world.port, "police", after, wait_ms=10_000)
    return response.answer


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_worker_and_a_killed_matcher_lose_nothing(
    world: World, start: Callable[[], Running]
) -> None:
    running = start()
    sought = pseudonym()
    segment = world.owner.build(world.police, world.epoch(), [sought], now=time.time())
    world.owner.upload(world.port, segment)
    [worker] = running.workers()
    os.kill(worker, signal.SIGKILL)
    reads = world.reads([sought, pseudonym()], moment=time.time())
    world.camera.submit(world.port, [read.wire for read in reads])
    answer = next_answer(world)
    [hit] = open_answer(segment.secret, answer.body)
    assert hit.match_secret == reads[0].s
    assert running.wait_for("worker-died")["level"] == "error"

    workers = running.workers()
    assert workers
    more = world.reads([sought], moment=time.time())
    world.camera.submit(world.port, [read.wire for read in more])
    running.process.kill()
    running.process.wait()
    until(lambda: not any(map(alive, workers)))

    start()
    assert next_answer(world) == answer
    [claimed] = world.owner.claim(world.port, "police", answer.sequence, [(hit.slot, hit.match_secret)])
    assert claimed.record.header.record_id == reads[0].record_id
    [later] = open_answer(segment.secret, next_answer(world, answer.sequence).body)
    assert later.match_secret == more[0].s


def test_sigterm_ends_it_and_its_workers(world: World, start: Callable[[], Running]) -> None:
    running = start()
    workers = running.workers()
    assert workers
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(30) == 0
    assert not any(map(alive, workers))
    with pytest.raises(UnavailableError):
        world.owner.segments(world.port, "police")


def test_health_and_metrics_are_served(world: World, start: Callable[..., Running]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    start(METRICS=address)
    stub = health_pb2_grpc.HealthStub(world.owner.connect(world.port))
    assert stub.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
    with urllib.request.urlopen(f"http://{address}/metrics") as response:
        text = response.read().decode()
    assert "blindplate_matcher_held_records" in text
    assert "blindplate_refusals" in text


def test_an_absent_owner_is_reported(world: World, start: Callable[[], Running]) -> None:
    running = start()
    line = running.wait_for("owner-absent")
    assert (line["level"], line["begun"]) == ("warning", True)
    assert {line["list"] for line in running.events if line["event"] == "owner-absent"} >= {"police"}


def test_its_retention_is_checked_by_hand_while_it_runs(world: World, start: Callable[[], Running]) -> None:
    running = start()

    def asked() -> tuple[int, dict[str, int]]:
        main = "from blindplate.cli.main import main; main()"
        command = [sys.executable, "-c", main, "matcher", "retention", "--json"]
        done = subprocess.run(
            [*command, str(world.deployment.settings("matcher"))], capture_output=True, check=False
        )
        return done.returncode, {one["place"]: one["overdue"] for one in json.loads(done.stdout)["places"]}

    status, overdue = asked()
    assert (status, set(overdue), set(overdue.values())) == (0, {place.value for place in Place}, {0})
    # What a broken delivery left, and nothing sweeps before the next start.
    left = world.data / "media" / "something.part"
    left.touch()
    os.utime(left, (0, 0))
    status, overdue = asked()
    assert status == 1
    assert {place for place, number in overdue.items() if number} == {"temporary-files"}
    assert running.process.poll() is None
