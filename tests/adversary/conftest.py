"""A whole deployment in one process over real mutual TLS to attack, and a camera that was stolen while it ran."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blindplate.cli import traffic
from blindplate.cli.demonstration.processes import Processes
from blindplate.cli.deployment import Plan, create_deployment, default_plan
from blindplate.cli.deployment.plan import emissions_list, free_addresses, police_list
from blindplate.core.domains import HOURLY, Domain
from blindplate.core.parties import Custodian
from blindplate.core.plates import Format
from blindplate.core.pseudonyms import DomainKey
from blindplate.core.signing import SigningKey
from blindplate.core.statements.policies import PseudonymMode
from blindplate.edge.keyfiles import read_secret
from tests.adversary.ledger_readers import PARTIES, Reader, reader
from tests.adversary.loot import Loot, taken
from tests.adversary.stolen_ledger import StolenLedger, stolen_ledger
from tests.integration.owner.world import World, within

STOLEN_READS = 301
# All but the first, each for two lists.
SPOOLED = 2 * (STOLEN_READS - 1)


def town_plan() -> Plan:
    """Three cameras in two zones, a police list and an emissions list; quotas so small that a test can spend them."""
    plan = default_plan(int(time.time()) - 86_400)
    lists = (
        emissions_list(list_size=200, window_seconds=10_800, max_delay_seconds=0),
        replace(police_list(list_size=200, window_seconds=10_800), daily_releases=4),
    )
    return replace(
        plan,
        addresses=free_addresses(),
        cameras=tuple(replace(camera, evaluations_per_hour=400) for camera in plan.cameras),
        lists=tuple(replace(entry, tick_seconds=0.1) for entry in lists),
    )


def marks(number: int, seed: int = 7) -> list[str]:
    """Different plates of the current format, as vehicles bear them."""
    vehicles = traffic.population(seed, 2 * number)
    return [one.plate.text for one in vehicles if one.plate.format is Format.GB_CURRENT][:number]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Custodians and matcher, all running; ten minutes into an hour, so that no test meets a boundary by chance."""
    world = World(create_deployment(tmp_path_factory.mktemp("world") / "deployment", town_plan()))
    world.clock.move_to(HOURLY.at(time.time()).start() + 600)
    world.start()
    yield world
    world.stop()


@dataclass(frozen=True, slots=True)
class StolenCamera:
    """All files of a camera whose matcher was away, as they lay when its plug was pulled.

    ``others`` are the secrets that are not on it: the matcher's window keys and both custodians' release keys;
    ``domain_secrets`` what local mode hands to it: both custodians' secrets of its zone's domains.
    """

    folder: Path
    plates: tuple[str, ...]
    signing_key: SigningKey
    others: frozenset[bytes]
    domain_secrets: frozenset[bytes]

    @property
    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="session", params=list(PseudonymMode))
def stolen_camera(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StolenCamera:
    """A real camera process, its temporary files included, killed with 600 records of 300 vehicles in its spool."""
    folder = tmp_path_factory.mktemp("street")
    world = World(create_deployment(folder / "deployment", replace(town_plan(), mode=request.param)))
    world.start()
    camera_folder, plates = world.deployment.folder / "camera-1", marks(STOLEN_READS)
    try:
        with Processes(world.deployment) as processes, pytest.MonkeyPatch.context() as patch:
            (camera_folder / "tmp").mkdir()
            patch.setenv("TMPDIR", str(camera_folder / "tmp"))
            camera = processes.camera("camera-1", None)
            assert camera.popen.stdin is not None
            camera.popen.stdin.write(events(plates[:1]))
            camera.popen.stdin.flush()
            # It has keys to seal to once the matcher has its first records.
            assert within(lambda: _received(world), lambda number: number == 2) == 2
            world.stop_matcher()
            camera.popen.stdin.write(events(plates[1:]))
            camera.popen.stdin.flush()
            within(lambda: _spooled(camera_folder), lambda number: number >= SPOOLED)
            camera.kill()
            camera.popen.stdin.close()
        stolen = taken(camera_folder, folder / "stolen")
        taken(world.deployment.public, folder / "stolen")
    finally:
        world.stop()
    parties = world.deployment.folder
    return StolenCamera(
        folder=stolen.parent,
        plates=tuple(plates),
        signing_key=world.signing_key("camera-1"),
        others=frozenset(
            Loot(
                parties / "matcher" / "state" / "window-keys",
                parties / "custodian-a" / "state" / "release-keys",
                parties / "custodian-b" / "state" / "release-keys",
            ).keys
        ),
        domain_secrets=frozenset(
            DomainKey.derive(
                read_secret(parties / f"custodian-{custodian}" / "pseudonyms.seed"),
                Domain(entry.list_id, "inner", 1),
            ).secret
            for custodian in Custodian
            for entry in world.deployment.plan.lists
        ),
    )


def events(plates: Sequence[str]) -> bytes:
    """Plain events of British plates, captured now."""
    now = datetime.fromtimestamp(time.time(), UTC).isoformat()
    lines = [json.dumps({"plate": plate, "country": "GB", "captured_at": now}) for plate in plates]
    return "\n".join(lines).encode() + b"\n"


def _spooled(camera_folder: Path) -> int:
    """How many records a copy of a running camera's spool shows."""
    with tempfile.TemporaryDirectory() as folder:
        copy = taken(camera_folder / "state", Path(folder))
        try:
            with closing(sqlite3.connect(copy / "spool.sqlite")) as database:
                return int(database.execute("SELECT count(*) FROM wires").fetchone()[0])
        except sqlite3.DatabaseError:
            # Copied in the middle of a write.
            return 0


def _received(world: World) -> int:
    assert world.matcher is not None
    with world.matcher.database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM records").scalar_one())


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StolenLedger]:
    """A ledger in an attacker's hands, which grows as a file's tests go on; both custodians are honest."""
    with stolen_ledger(tmp_path_factory.mktemp("stolen")) as stolen:
        yield stolen


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[StolenLedger]:
    """Another, for attacks that work."""
    with stolen_ledger(tmp_path) as stolen:
        yield stolen


@pytest.fixture(params=PARTIES)
def follower(request: pytest.FixtureRequest, ledger: StolenLedger, tmp_path: Path) -> Iterator[Reader]:
    """An owner, or the matcher, that has read everything so far."""
    ledger.goes_on(ledger.honest)
    with reader(request.param, ledger, tmp_path / "reader") as opened:
        opened.refresh()
        yield opened
