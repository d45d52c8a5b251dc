"""Epochs end while a party is away: through real processes, no hit is lost, and each falls into its own epoch.

Police epochs of a few seconds; everything else as small as it may be. A camera is cut off from the matcher across two
boundaries; an owner is absent when an epoch begins and comes back when it is over. What decides whether a read is
matched is when the list's version was made, not when it was uploaded (protocol section 5, guarantees G4 and G8).
"""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import IO

import pytest

from blindplate.cli.demonstration.in_force import wait_until_in_force
from blindplate.cli.demonstration.processes import Process, Processes
from blindplate.cli.deployment import create_deployment
from blindplate.cli.deployment.plan import SERVERS
from blindplate.client.owner import commands
from blindplate.client.owner.entries import Details
from blindplate.client.owner.hits import hits_after
from blindplate.client.owner.settings import OwnerSettings
from blindplate.client.owner.store import Store
from blindplate.core.domains import Epoch, EpochKind, EpochRule
from blindplate.edge.settings import load
from blindplate.server.matcher.epochs import epoch_name
from tests.integration.camera.site import marks, plain_events
from tests.integration.conftest import small_plan

RULE = EpochRule(EpochKind.SPAN, 3)
OWNER = "owner-police"
TICK_SECONDS = 0.25
WAIT_SECONDS = 60.0

pytestmark = [pytest.mark.timeout(300)]


@dataclass
class Scene:
    """Custodians, matcher, owner and one camera, all running; ``captured`` counts listed vehicles read, by epoch."""

    processes: Processes
    matcher: Process
    owner: Process
    events: IO[bytes]
    listed: Iterator[str]
    captured: Counter[int] = field(default_factory=Counter[int])

    def read(self, *plates: str) -> Epoch:
        """Let vehicles pass, all in one epoch that has just begun."""
        epoch = wait_for_epoch(self.epoch().next())
        self.events.write(plain_events(plates))
        self.events.flush()
        assert RULE.at(time.time()) == epoch
        return epoch

    def read_listed(self, number: int) -> Epoch:
        """Let listed vehicles pass that have not passed before."""
        epoch = self.read(*(next(self.listed) for _ in range(number)))
        self.captured[epoch.index] += number
        return epoch

    def hits(self) -> Counter[int]:
        """The owner's hits by epoch."""
        store = Store(self.settings().data)
        try:
            with store.reading() as connection:
                return Counter(hit.epoch.index for hit in hits_after(connection, 0))
        finally:
            store.close()

    def all_hits(self) -> Counter[int]:
        """The hits once there are as many as there must be, and one more look a little later."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self.hits().total() < self.captured.total() and time.monotonic() < deadline:
            time.sleep(0.2)
        # Whatever should not come would come with the next ticks.
        time.sleep(3 * TICK_SECONDS)
        return self.hits()

    def settings(self) -> OwnerSettings:
        return load(OwnerSettings, self.processes.deployment.settings(OWNER))

    def wait_for_alarm(self, epoch: Epoch) -> None:
        """The matcher says that no list was uploaded for an epoch that has begun."""
        alarm = {"event": "owner-absent", "list": "police", "begun": True, "epoch": epoch_name(epoch)}
        deadline = time.monotonic() + WAIT_SECONDS
        while not any(alarm.items() <= line.items() for line in self.matcher.events()):
            assert time.monotonic() < deadline, "no alarm"
            time.sleep(0.1)

    @staticmethod
    def epoch() -> Epoch:
        return RULE.at(time.time())


def wait_for_epoch(epoch: Epoch) -> Epoch:
    time.sleep(max(0.0, epoch.start() + 0.2 - time.time()))
    return epoch


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    plan = small_plan(epoch_seconds=RULE.seconds)
    folder = tmp_path_factory.mktemp("epochs")
    # One list is enough, and one zone.
    plan = replace(plan, cameras=plan.cameras[:1], lists=(replace(plan.lists[1], tick_seconds=TICK_SECONDS),))
    deployment = create_deployment(folder / "deployment", plan)
    camera_settings = deployment.settings("camera-1")
    # One vehicle passes twice, a few epochs apart: that is not one pass.
    camera_settings.write_text(f"pass_seconds = 1.0\n{camera_settings.read_text()}")
    listed = marks(60)
    csv = folder / "police.csv"
    csv.write_text("\n".join(["vrm,country,reason", *(f"{plate},GB,sought" for plate in listed)]) + "\n")
    with Processes(deployment) as processes:
        servers = {party: processes.serve(party) for party in SERVERS}
        owner = processes.own(OWNER)
        camera = processes.camera("camera-1", None)
        for process in (*servers.values(), owner, camera):
            process.wait_for("ready")
        wait_until_in_force(deployment, WAIT_SECONDS)
        commands.submit(load(OwnerSettings, deployment.settings(OWNER)), csv)
        with camera.popen.stdin or io.BytesIO() as events:
            yield Scene(processes, servers["matcher"], owner, events, iter(listed))


def test_hits_of_reads_spooled_across_two_boundaries_all_come_in_their_own_epochs(scene: Scene) -> None:
    before = scene.read_listed(1)
    scene.matcher.stop()
    spooled = [scene.read_listed(number) for number in (2, 3, 4)]
    assert spooled[-1].index - spooled[0].index >= 2
    assert set(scene.hits()) <= {before.index}
    scene.matcher = scene.processes.serve("matcher")
    assert scene.all_hits() == scene.captured


def test_an_owner_absent_at_a_boundary_is_alarmed_and_finds_its_reads_when_it_is_back(scene: Scene) -> None:
    late, stranger = marks(2, start=100)
    scene.owner.stop()
    # It may have uploaded for the epoch after this one: the one after that finds nobody.
    wait_for_epoch(scene.epoch().next())
    missed = scene.read_listed(3)
    assert scene.read(late, stranger).index == missed.index + 1
    scene.wait_for_alarm(missed)
    assert scene.hits()[missed.index] == 0

    # Listed only now: no read of an epoch that was over before may be matched with it.
    wait_for_epoch(scene.epoch().next())
    commands.add(scene.settings(), late, country="GB", details=Details(reason="sought"))
    scene.owner = scene.processes.own(OWNER)
    assert scene.all_hits() == scene.captured
    now = scene.read(late)
    scene.captured[now.index] += 1
    assert scene.all_hits() == scene.captured
