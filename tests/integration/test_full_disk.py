"""A disk without room at the matcher, a camera or an owner, as real processes: nothing false, nothing lost, it passes.

Their databases meet a full disk through SQLite's own interface (``filling_disk``); other files through the limit that
the kernel sets on the size of what a process writes (RLIMIT_FSIZE, lowered and lifted while it runs). Each time: the
error is a StorageError, nothing is acknowledged meanwhile, the process goes on, and with room again every hit comes.
"""

from __future__ import annotations

import io
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import pytest

from blindplate.cli.demonstration.in_force import wait_until_in_force
from blindplate.cli.demonstration.processes import Process, Processes
from blindplate.cli.deployment import Deployment, create_deployment
from blindplate.cli.deployment.plan import SERVERS
from blindplate.client.owner import commands, roster
from blindplate.client.owner.entries import Details
from blindplate.client.owner.listfile import listed_vehicle
from blindplate.client.owner.settings import OwnerSettings
from blindplate.client.owner.store import Store
from blindplate.core.errors import StorageError
from blindplate.edge.settings import load
from tests.integration.camera.site import marks, plain_events
from tests.integration.conftest import small_plan

ROOT = Path(__file__).parents[2]
MATCHER, CAMERA, OWNER = "matcher", "camera-1", "owner-police"
TICK_SECONDS = 0.25
WAIT_SECONDS = 60.0
# Less than a segment, more than everything else that is written outside the databases.
FILE_BYTES = 2 << 20

pytestmark = pytest.mark.timeout(300)


@dataclass
class Plant:
    """Everything running; ``expected`` counts the listed vehicles that were read."""

    deployment: Deployment
    running: dict[str, Process]
    events: IO[bytes]
    listed: list[str]
    expected: int = 0

    def read(self, number: int) -> None:
        """Let listed vehicles pass that have not passed before."""
        self.events.write(plain_events([self.listed.pop() for _ in range(number)]))
        self.events.flush()
        self.expected += number

    @contextmanager
    def full(self, party: str) -> Generator[None]:
        """Inside the block the databases of ``party`` cannot grow."""
        flag = _flag(self.deployment, party)
        flag.touch()
        try:
            yield
        finally:
            flag.unlink()

    @contextmanager
    def small_files(self, party: str, size: int) -> Generator[None]:
        """Inside the block ``party`` can write no file beyond ``size`` bytes."""
        pid = self.running[party].popen.pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

    def hits(self) -> int:
        return self._count(self.deployment.folder / OWNER / "state" / "owner.sqlite", "hits")

    def taken(self) -> int:
        return self._count(self.database, "receipts")

    def all_hits(self) -> int:
        """The hits once they are as many as expected, and one more look a little later."""
        wait_until(lambda: self.hits() >= self.expected)
        time.sleep(3 * TICK_SECONDS)
        return self.hits()

    def wait_for_log(self, party: str, since: int, **fields: Any) -> None:
        """Wait for a line of the log after the first ``since`` that has these fields."""

        def written() -> bool:
            lines = list(self.running[party].events())[since:]
            return any(all(_field(line, name) == value for name, value in fields.items()) for line in lines)

        wait_until(written)

    def lines(self, party: str) -> int:
        """How many lines the log has."""
        return len(list(self.running[party].events()))

    def settings(self) -> OwnerSettings:
        return load(OwnerSettings, self.deployment.settings(OWNER))

    def segments(self) -> int:
        return self._count(self.database, "segments")

    def require_published(self, segments: int, plate: str) -> None:
        """There come to be more segments than so many, and a read of this vehicle is a hit."""
        wait_until(lambda: self.segments() > segments)
        self.listed.append(plate)
        self.read(1)
        assert self.all_hits() == self.expected
        self.require_running()

    def require_running(self) -> None:
        assert {party for party, process in self.running.items() if process.popen.poll() is not None} == set()

    @property
    def database(self) -> Path:
        return self.deployment.folder / MATCHER / "state" / "matcher.db"

    @staticmethod
    def _count(path: Path, table: str) -> int:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def wait_until(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not come to pass."
        time.sleep(0.1)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    folder = tmp_path_factory.mktemp("full-disk")
    # A day: no upload but those the tests ask for.
    plan = small_plan(epoch_seconds=86_400)
    plan = replace(plan, cameras=plan.cameras[:1], lists=(replace(plan.lists[1], tick_seconds=TICK_SECONDS),))
    deployment = create_deployment(folder / "deployment", plan)
    listed = marks(60)
    csv = folder / "police.csv"
    csv.write_text("\n".join(["vrm,country,reason", *(f"{plate},GB,sought" for plate in listed)]) + "\n")
    with ExitStack() as stack:
        processes = stack.enter_context(Processes(deployment))
        servers = [processes.serve(party) for party in SERVERS if party != MATCHER]
        commands_of = {MATCHER: ("matcher", "serve"), OWNER: ("owner", "run"), CAMERA: ("camera", "run")}
        running = {party: _start(deployment, party, *command) for party, command in commands_of.items()}
        for process in running.values():
            stack.callback(process.stop)
        for process in (*servers, *running.values()):
            process.wait_for("ready")
        wait_until_in_force(deployment, WAIT_SECONDS)
        commands.submit(load(OwnerSettings, deployment.settings(OWNER)), csv)
        events = stack.enter_context(running[CAMERA].popen.stdin or io.BytesIO())
        yield Plant(deployment, running, events, listed)


def test_a_matcher_without_room_acknowledges_nothing_and_goes_on(plant: Plant) -> None:
    plant.read(1)
    assert plant.all_hits() == plant.expected
    taken, written = plant.taken(), plant.lines(CAMERA)
    with plant.full(MATCHER):
        plant.read(3)
        plant.wait_for_log(CAMERA, written, event="hand-in-failed", code="storage")
        plant.wait_for_log(MATCHER, 0, event="storage")
        assert plant.taken() == taken
    assert plant.all_hits() == plant.expected
    plant.require_running()


def test_a_matcher_that_can_write_nothing_at_all_goes_on(plant: Plant) -> None:
    """Not even its log: the disk is gone."""
    taken, written = plant.taken(), plant.lines(CAMERA)
    with plant.small_files(MATCHER, 0):
        plant.read(2)
        plant.wait_for_log(CAMERA, written, event="hand-in-failed", code="storage")
        assert plant.taken() == taken
    assert plant.all_hits() == plant.expected
    plant.require_running()


def test_a_camera_without_room_keeps_reads_and_goes_on(plant: Plant) -> None:
    taken, written = plant.taken(), plant.lines(CAMERA)
    with plant.full(CAMERA):
        plant.read(2)
        plant.wait_for_log(CAMERA, written, event="sealing-waits", code="storage")
        assert plant.taken() == taken
    assert plant.all_hits() == plant.expected
    plant.require_running()


def test_an_owner_without_room_acknowledges_nothing_and_goes_on(plant: Plant) -> None:
    written, hits = plant.lines(OWNER), plant.hits()
    with plant.full(OWNER):
        plant.read(2)
        plant.wait_for_log(OWNER, written, event="waiting", loop="answers", code="storage")
        with closing(sqlite3.connect(plant.database, timeout=30)) as connection:
            unacknowledged = connection.execute("SELECT sum(acknowledged_ms IS NULL) FROM answers").fetchone()
        assert unacknowledged != (0,)
        assert plant.hits() == hits
    assert plant.all_hits() == plant.expected
    plant.require_running()


def test_a_segment_that_finds_no_room_at_the_matcher_is_refused_and_taken_later(plant: Plant) -> None:
    [plate], segments = marks(1, start=200), plant.segments()
    with plant.small_files(MATCHER, FILE_BYTES), pytest.raises(StorageError):
        commands.add(plant.settings(), plate, country="GB", details=Details(reason="sought"))
    assert list((plant.deployment.folder / MATCHER / "state" / "segments").glob("*.part")) == []
    plant.require_published(segments, plate)


def test_an_owner_that_cannot_write_a_segment_goes_on(plant: Plant) -> None:
    [plate], segments = marks(1, start=201), plant.segments()
    written = plant.lines(OWNER)
    with plant.small_files(OWNER, FILE_BYTES):
        store = Store(plant.settings().data)
        with store.writing() as connection:
            vehicle = listed_vehicle(plate, "GB", Details(reason="sought"))
            roster.add_vehicle(connection, vehicle, time.time(), 1_000)
        store.close()
        plant.wait_for_log(OWNER, written, event="waiting", loop="publishing", code="storage")
    plant.require_published(segments, plate)


def _field(line: dict[str, Any], name: str) -> Any:
    return line.get("error", {}).get("code") if name == "code" else line.get(name)


def _flag(deployment: Deployment, party: str) -> Path:
    return deployment.folder / f"{party}-is-full"


def _start(deployment: Deployment, party: str, *command: str) -> Process:
    arguments = [
        sys.executable,
        "-m",
        "tests.integration.filling_disk",
        str(_flag(deployment, party)),
        *command,
    ]
    log = deployment.folder / party / "log.jsonl"
    with log.open("ab") as file:
        popen = subprocess.Popen(
            [*arguments, str(deployment.settings(party))],
            cwd=ROOT,
            stdin=subprocess.PIPE if party == CAMERA else subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    return Process(party, log, popen)
