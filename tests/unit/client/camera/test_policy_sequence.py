"""Policies that follow each other: each read is sealed under the one of its capture, and none is lost at the change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.client.camera.backlog import Backlog
from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.keys import SealingKeys
from blindplate.client.camera.media.store import MediaStore
from blindplate.client.camera.pipeline import Batching, Pipeline
from blindplate.client.camera.policy import PolicyFile, next_path
from blindplate.client.camera.policy_sequence import GRACE_SECONDS, PolicySequence
from blindplate.client.camera.policy_serials import PolicySerials
from blindplate.client.camera.pseudonymise import EvaluationScope
from blindplate.client.camera.reads import CameraRead
from blindplate.client.camera.spool import Spool
from blindplate.core.errors import GrantError, SettingsError
from blindplate.core.records.wire import Wire
from blindplate.core.statements.policies import PseudonymMode, ZonePolicy
from tests.unit.client.camera.samples import NOW, ZONE, MovedClock, Parties, police, read

PARTIES = Parties()
CHANGE = int(NOW) + 100


def policy(serial: int, generation: int, begins: int) -> ZonePolicy:
    entry = police().model_copy(update={"generation": generation})
    return PARTIES.policy(entry, serial=serial).model_copy(update={"not_before": begins})


FIRST, SECOND = policy(1, 1, int(NOW) - 1000), policy(2, 2, CHANGE)


@dataclass
class Custodians:
    """Evaluate the generation in force by their clock, and the one before for a while."""

    clock: MovedClock
    behind: float = 0.0
    grace: float = GRACE_SECONDS

    def evaluate(self, scope: EvaluationScope, reads: Sequence[CameraRead], now: float) -> list[bytes]:
        del now
        moment = self.clock.now() - self.behind
        generations = {2} if moment >= CHANGE else {1}
        if moment < CHANGE + self.grace:
            generations.add(1)
        if scope.domain.generation not in generations:
            raise GrantError("Not in force.")
        return [one.plate.ljust(64, b"\0")[:64] for one in reads]


class Keys:
    def at(self, moment: float) -> SealingKeys:
        del moment
        return PARTIES.sealing_keys()


@dataclass
class Camera:
    clock: MovedClock
    counts: Counts
    custodians: Custodians
    spool: Spool
    backlog: Backlog
    path: Path
    pipeline: Pipeline = field(init=False)

    def see(self, *captured: float) -> None:
        self.backlog.add([read(captured_at=one) for one in captured], ["police"])

    def generations(self) -> dict[int, int]:
        """How many records were sealed under each generation."""
        wires = [Wire.from_bytes(one.wire) for one in self.spool.due(NOW + 1e6, 1000, 1 << 30)]
        found = [wire.record.header.domain.generation for wire in wires]
        return {one: found.count(one) for one in sorted(set(found))}


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Camera]:
    clock, counts, path = MovedClock(), Counts(), tmp_path / "policy.json"
    PARTIES.write(path, FIRST)
    PARTIES.write(next_path(path), SECOND)
    spool = Spool(tmp_path / "spool.sqlite", limit=1000)
    made = Camera(clock, counts, Custodians(clock), spool, Backlog(100, counts, drop_oldest=True), path)
    made.pipeline = Pipeline(
        PARTIES.identity(),
        opened(path),
        {PseudonymMode.OBLIVIOUS: made.custodians},
        Keys(),
        spool,
        made.backlog,
        Batching(10, 0),
        clock,
        counts,
        MediaStore(tmp_path / "media", 1 << 20, counts),
        3600.0,
    )
    yield made
    spool.close()


def opened(path: Path) -> PolicyFile:
    return PolicyFile(path, PARTIES.trust(), ZONE, PolicySerials(path.with_name("serials.json")))


def work(camera: Camera, seconds: int = 40) -> None:
    for _ in range(2 * seconds):
        camera.pipeline.step()
        camera.clock.moment += 0.5


def test_the_policy_that_follows_takes_its_place_by_itself(camera: Camera) -> None:
    file = opened(camera.path)
    assert next_path(camera.path).name == "policy.next.json"
    assert file.current(CHANGE - 0.001).serial == 1
    assert file.current(CHANGE).serial == 2
    # Started again, with the old file still there: it is for what was captured before.
    again = opened(camera.path)
    assert again.current(CHANGE + 1).serial == 2
    assert again.sequence.at(CHANGE - 1).serial == 1


def test_the_file_that_was_followed_may_be_replaced_by_its_successor(camera: Camera) -> None:
    file = opened(camera.path)
    file.current(CHANGE)
    next_path(camera.path).rename(camera.path)
    assert file.current(CHANGE + 1).serial == 2
    assert file.sequence.at(CHANGE - 1).serial == 1
    assert opened(camera.path).current(CHANGE + 1).serial == 2


def test_a_successor_taken_away_after_it_began_stops_a_camera_that_starts(camera: Camera) -> None:
    opened(camera.path).current(CHANGE)
    next_path(camera.path).unlink()
    with pytest.raises(SettingsError, match="older"):
        opened(camera.path)
    # Nor does another one that is still to come make the old one good.
    PARTIES.write(next_path(camera.path), policy(3, 3, CHANGE + 5_000))
    with pytest.raises(SettingsError, match="older"):
        opened(camera.path).current(CHANGE + 1)


def test_a_successor_that_does_not_hold_is_left_alone(camera: Camera) -> None:
    next_path(camera.path).write_text("{}")
    assert opened(camera.path).current(CHANGE + 1).serial == 1


def test_reads_at_the_change_are_sealed_under_the_policy_of_their_capture(camera: Camera) -> None:
    camera.clock.moment = CHANGE - 0.2
    camera.see(CHANGE - 1, CHANGE - 0.001, CHANGE, CHANGE + 0.1, CHANGE - 0.5)
    work(camera)
    assert camera.generations() == {1: 3, 2: 2}
    assert len(camera.backlog) == 0


def test_custodians_whose_clocks_are_behind_cost_no_read_and_little_time(camera: Camera) -> None:
    camera.custodians.behind = 2.0
    camera.clock.moment = CHANGE + 0.0
    camera.see(CHANGE + 0.0)
    work(camera, 4)
    assert camera.generations() == {2: 1}


def test_what_waited_in_memory_too_long_is_counted_and_holds_up_nothing(camera: Camera) -> None:
    camera.see(CHANGE - 1)
    camera.clock.moment = CHANGE + GRACE_SECONDS + 40
    camera.see(CHANGE + 30)
    work(camera)
    assert camera.generations() == {2: 1}
    assert camera.counts[Counted.UNSEALABLE] == 1
    assert len(camera.backlog) == 0


def test_a_refusal_right_after_the_change_loses_nothing(camera: Camera) -> None:
    camera.custodians.grace = 0.0
    camera.clock.moment = CHANGE + 1.0
    camera.see(CHANGE - 1)
    work(camera)
    assert len(camera.backlog) == 1
    camera.custodians.grace = GRACE_SECONDS
    work(camera)
    assert camera.generations() == {1: 1}


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 50)), min_size=1, max_size=6), st.integers(0, 60))
def test_the_newest_that_has_begun_governs(made: list[tuple[int, int]], moment: int) -> None:
    policies = [policy(serial, serial, begins) for serial, begins in made]
    sequence = PolicySequence((policies[0],)).with_policies(policies[1:])
    begun = [one.serial for one in sequence.policies if one.not_before <= moment]
    assert sequence.at(moment).serial == (max(begun) if begun else sequence.policies[0].serial)
    assert sequence.held(moment)[0] == sequence.at(moment)
    assert not sequence.is_over(sequence.at(moment), moment)
