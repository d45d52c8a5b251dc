"""The life of a read under charging terms: kept first, opened when payment has closed, and no way around that."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from blindplate.core.errors import GoneError, NotFoundError, TooEarlyError
from blindplate.core.statements.uploads import Stage
from blindplate.server.matcher import lifecycle
from blindplate.server.matcher.lifecycle import Erasure, Read, State

KEEP, DELTA, OPEN, AGAIN = b"keep", b"delta", b"open", b"again"
OPENS, ENDS = 500, 1000


def offered() -> Read:
    """Answered by a KEEP segment, under sequence number 1."""
    return lifecycle.answer(lifecycle.receive(ENDS, [KEEP], OPENS), KEEP, 1, 0)


def kept(*segments: bytes) -> Read:
    return lifecycle.keep(offered(), 1, segments)


def test_a_read_that_is_not_kept_is_erased_when_its_answer_is_acknowledged() -> None:
    assert lifecycle.acknowledge(offered(), 1).erasure is Erasure.ACKNOWLEDGED


def test_what_is_kept_outlives_the_answer_and_waits_for_who_opens_it() -> None:
    read = kept(OPEN)
    assert (read.state, read.stage) == (State.KEPT, Stage.OPEN)
    assert read.waiting == {OPEN}
    assert not read.offered
    assert lifecycle.acknowledge(read, 1) == read
    assert lifecycle.keep(read, 1, []) == read
    assert lifecycle.expire(read, ENDS).erasure is Erasure.WINDOW_ENDED


def test_nothing_is_claimed_while_it_can_only_be_kept() -> None:
    with pytest.raises(TooEarlyError):
        lifecycle.claim(offered(), 1)
    # Nor later, under the answer of before.
    with pytest.raises(GoneError):
        lifecycle.claim(kept(OPEN), 1)


def test_no_answer_opens_a_read_before_payment_has_closed() -> None:
    with pytest.raises(TooEarlyError):
        lifecycle.answer(kept(OPEN), OPEN, 2, OPENS - 1)
    read = lifecycle.answer(kept(OPEN), OPEN, 2, OPENS)
    assert lifecycle.claim(read, 2).state is State.CLAIMED


def test_what_was_paid_for_is_erased_unopened_with_the_acknowledgement() -> None:
    read = lifecycle.answer(kept(OPEN), OPEN, 2, OPENS)
    assert lifecycle.acknowledge(read, 2).erasure is Erasure.ACKNOWLEDGED
    # But not while another segment is to open it.
    read = lifecycle.answer(kept(OPEN, AGAIN), OPEN, 2, OPENS)
    assert lifecycle.acknowledge(read, 2).state is State.KEPT


def test_a_stage_is_matched_by_its_own_segments_alone() -> None:
    received = lifecycle.receive(ENDS, [], OPENS)
    for read, taken in ((received, Stage.KEEP), (kept(), Stage.OPEN), (Read(ENDS), Stage.MATCH)):
        for stage in Stage:
            assert bool(lifecycle.join(read, AGAIN, stage).waiting) == (stage is taken)


def test_nothing_is_kept_that_was_not_offered_or_is_under_no_charging_terms() -> None:
    with pytest.raises(GoneError):
        lifecycle.keep(lifecycle.receive(ENDS, [KEEP], OPENS), 1, [])
    with pytest.raises(GoneError):
        lifecycle.keep(lifecycle.acknowledge(lifecycle.join(offered(), DELTA, Stage.KEEP), 1), 1, [])
    with pytest.raises(NotFoundError):
        lifecycle.keep(lifecycle.answer(lifecycle.receive(ENDS, [KEEP]), KEEP, 1, 0), 1, [])


def test_only_what_is_kept_and_not_offered_to_be_opened_is_folded() -> None:
    assert lifecycle.fold(kept(OPEN)).erasure is Erasure.FOLDED
    opened = lifecycle.answer(kept(OPEN), OPEN, 2, OPENS)
    for read in (offered(), opened, lifecycle.acknowledge(lifecycle.claim(opened, 2), 2)):
        assert not lifecycle.foldable(read)
        with pytest.raises(GoneError):
            lifecycle.fold(read)


def test_nothing_happens_to_a_folded_read() -> None:
    folded = lifecycle.fold(kept(OPEN))
    attempts: list[Callable[[], Read]] = [
        lambda: lifecycle.join(folded, AGAIN, Stage.OPEN),
        lambda: lifecycle.keep(folded, 1, []),
        lambda: lifecycle.fold(folded),
        lambda: lifecycle.claim(folded, 1),
    ]
    for attempt in attempts:
        with pytest.raises(GoneError):
            attempt()


SEGMENTS = st.sampled_from([(KEEP, Stage.KEEP), (DELTA, Stage.KEEP), (OPEN, Stage.OPEN), (AGAIN, Stage.OPEN)])
SEQUENCES = st.integers(1, 6)
_CLOSES = 5


class ChargedLives(RuleBasedStateMachine):
    """Whatever is tried in whatever order: nothing is claimable that was not kept, and offered after payment closed."""

    read: Read
    given: dict[int, Stage]
    acknowledged: set[int]
    was_kept: bool
    was_claimed: bool
    time: int

    @initialize(segments=st.sets(st.sampled_from([KEEP, DELTA])))
    def begin(self, segments: set[bytes]) -> None:
        self.read = lifecycle.receive(12, segments, _CLOSES)
        self.given, self.acknowledged, self.time = {}, set(), 0
        self.was_kept = self.was_claimed = False

    @rule(segment=SEGMENTS | st.just((b"match", Stage.MATCH)))
    def join(self, segment: tuple[bytes, Stage]) -> None:
        with suppress(GoneError):
            self.read = lifecycle.join(self.read, *segment)

    @rule(segment=SEGMENTS)
    def leave(self, segment: tuple[bytes, Stage]) -> None:
        with suppress(GoneError):
            self.read = lifecycle.leave(self.read, segment[0])

    @rule(segment=SEGMENTS, sequence=SEQUENCES)
    def answer(self, segment: tuple[bytes, Stage], sequence: int) -> None:
        # The database never gives a sequence number out twice.
        if sequence in self.given:
            return
        with suppress(GoneError, NotFoundError, TooEarlyError):
            self.read = lifecycle.answer(self.read, segment[0], sequence, self.time)
            self.given[sequence] = segment[1]
            assert segment[1] is Stage.KEEP or (self.was_kept and self.time >= _CLOSES)

    @rule(sequence=SEQUENCES, opening=st.sets(st.sampled_from([OPEN, AGAIN])))
    def keep(self, sequence: int, opening: set[bytes]) -> None:
        with suppress(GoneError):
            self.read = lifecycle.keep(self.read, sequence, opening)
            assert self.was_kept or self.given.get(sequence) is Stage.KEEP
            self.was_kept = True

    @rule(sequence=SEQUENCES)
    def claim(self, sequence: int) -> None:
        with suppress(GoneError, TooEarlyError):
            self.read = lifecycle.claim(self.read, sequence)
            assert self.given[sequence] is Stage.OPEN
            assert sequence not in self.acknowledged
            assert self.time >= _CLOSES
            self.was_claimed = True

    @rule(sequence=SEQUENCES)
    def acknowledge(self, sequence: int) -> None:
        with suppress(GoneError):
            self.read = lifecycle.acknowledge(self.read, sequence)
            if sequence in self.given:
                self.acknowledged.add(sequence)

    @rule()
    def fold(self) -> None:
        with suppress(GoneError):
            self.read = lifecycle.fold(self.read)

    @rule(step=st.integers(0, 4))
    def pass_time(self, step: int) -> None:
        self.time += step
        with suppress(GoneError):
            self.read = lifecycle.expire(self.read, self.time)

    @invariant()
    def what_is_kept_is_lost_only_as_it_should_be(self) -> None:
        if self.was_kept and self.read.erasure is Erasure.ACKNOWLEDGED:
            opened = {sequence for sequence, stage in self.given.items() if stage is Stage.OPEN}
            assert opened
            assert opened <= self.acknowledged
            assert not self.was_claimed

    @invariant()
    def nothing_outlives_its_window(self) -> None:
        assert self.read.state is State.ERASED or self.time < self.read.expires_ms

    @invariant()
    def a_read_waits_for_its_own_stage_alone(self) -> None:
        of_stage = {Stage.KEEP: {KEEP, DELTA}, Stage.OPEN: {OPEN, AGAIN}}
        assert self.read.waiting <= of_stage.get(self.read.stage, set())


TestChargedLives = ChargedLives.TestCase
TestChargedLives.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
