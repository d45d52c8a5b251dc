"""The life of a read: every rule of the state machine, and no path around them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from blindplate.core.errors import GoneError, NotFoundError
from blindplate.server.matcher import lifecycle
from blindplate.server.matcher.lifecycle import Erasure, Read, State

BASE, DELTA, LATE = b"base", b"delta", b"late"


def answered(*segments: bytes) -> Read:
    read = lifecycle.receive(1000, segments)
    for sequence, segment in enumerate(segments, 1):
        read = lifecycle.answer(read, segment, sequence, 0)
    return read


def test_an_acknowledged_answer_erases_what_was_not_claimed() -> None:
    read = lifecycle.acknowledge(answered(BASE), 1)
    assert (read.state, read.erasure) == (State.ERASED, Erasure.ACKNOWLEDGED)


def test_a_read_is_kept_while_a_live_segment_has_not_answered_it() -> None:
    read = lifecycle.answer(lifecycle.receive(1000, [BASE, DELTA]), BASE, 1, 0)
    read = lifecycle.acknowledge(read, 1)
    assert read.state is State.ANSWERED
    assert lifecycle.acknowledge(lifecycle.answer(read, DELTA, 2, 0), 2).state is State.ERASED


def test_a_read_is_kept_while_another_answer_that_holds_it_is_not_acknowledged() -> None:
    read = lifecycle.acknowledge(answered(BASE, DELTA), 2)
    assert read.state is State.ANSWERED
    assert lifecycle.acknowledge(read, 1).state is State.ERASED


def test_a_read_without_a_segment_waits_until_its_window_ends() -> None:
    read = lifecycle.receive(1000, [])
    assert lifecycle.acknowledge(read, 7).state is State.RECEIVED
    assert lifecycle.expire(read, 999).state is State.RECEIVED
    assert lifecycle.expire(read, 1000).erasure is Erasure.WINDOW_ENDED


def test_a_late_segment_matches_a_read_that_is_still_here() -> None:
    read = lifecycle.join(answered(BASE), LATE)
    assert read.waiting == {LATE}
    assert lifecycle.acknowledge(read, 1).state is State.ANSWERED


def test_a_segment_answers_a_read_once() -> None:
    read = answered(BASE)
    assert lifecycle.join(read, BASE) == read
    with pytest.raises(NotFoundError):
        lifecycle.answer(read, BASE, 2, 0)


def test_a_claimed_read_is_kept_through_acknowledgement_and_needs_no_secret() -> None:
    read = lifecycle.claim(lifecycle.answer(lifecycle.receive(1000, [BASE, DELTA]), BASE, 1, 0), 1)
    assert (read.state, read.waiting) == (State.CLAIMED, frozenset())
    assert lifecycle.claim(read, 1) == read
    assert lifecycle.join(read, LATE) == read
    read = lifecycle.acknowledge(read, 1)
    assert read.state is State.CLAIMED
    assert lifecycle.expire(read, 1000).erasure is Erasure.WINDOW_ENDED


def test_nothing_is_claimed_under_an_answer_that_was_acknowledged() -> None:
    read = lifecycle.acknowledge(lifecycle.join(answered(BASE), LATE), 1)
    with pytest.raises(GoneError):
        lifecycle.claim(read, 1)


def test_nothing_is_claimed_under_an_answer_that_never_held_the_read() -> None:
    with pytest.raises(GoneError):
        lifecycle.claim(answered(BASE), 9)


def test_a_superseded_segment_lets_go_of_a_read() -> None:
    read = lifecycle.leave(lifecycle.receive(1000, [BASE]), BASE)
    assert read.state is State.RECEIVED
    read = lifecycle.acknowledge(lifecycle.answer(lifecycle.receive(1000, [BASE, DELTA]), BASE, 1, 0), 1)
    assert lifecycle.leave(read, DELTA).erasure is Erasure.ACKNOWLEDGED


def test_nothing_happens_to_an_erased_read() -> None:
    erased = lifecycle.expire(answered(BASE), 1000)
    assert (erased.waiting, erased.offered, erased.answered) == (frozenset(), frozenset(), frozenset())
    attempts: list[Callable[[], Read]] = [
        lambda: lifecycle.join(erased, LATE),
        lambda: lifecycle.leave(erased, BASE),
        lambda: lifecycle.answer(erased, BASE, 1, 0),
        lambda: lifecycle.claim(erased, 1),
        lambda: lifecycle.acknowledge(erased, 1),
        lambda: lifecycle.expire(erased, 2000),
    ]
    for attempt in attempts:
        with pytest.raises(GoneError):
            attempt()


SEGMENTS = st.sampled_from([BASE, DELTA, LATE])
SEQUENCES = st.integers(1, 6)


class ReadLives(RuleBasedStateMachine):
    """Whatever is tried in whatever order, the rules hold."""

    read: Read
    acknowledged: set[int]
    was_claimed: bool
    time: int

    @initialize(segments=st.sets(SEGMENTS))
    def begin(self, segments: set[bytes]) -> None:
        self.read = lifecycle.receive(10, segments)
        self.acknowledged, self.was_claimed, self.time = set(), False, 0

    @rule(segment=SEGMENTS)
    def join(self, segment: bytes) -> None:
        with suppress(GoneError):
            self.read = lifecycle.join(self.read, segment)

    @rule(segment=SEGMENTS)
    def leave(self, segment: bytes) -> None:
        with suppress(GoneError):
            self.read = lifecycle.leave(self.read, segment)

    @rule(segment=SEGMENTS, sequence=SEQUENCES)
    def answer(self, segment: bytes, sequence: int) -> None:
        # The database never gives a sequence number out twice.
        if sequence in self.read.offered or sequence in self.acknowledged:
            return
        with suppress(GoneError, NotFoundError):
            self.read = lifecycle.answer(self.read, segment, sequence, 0)

    @rule(sequence=SEQUENCES)
    def claim(self, sequence: int) -> None:
        with suppress(GoneError):
            self.read = lifecycle.claim(self.read, sequence)
            assert sequence not in self.acknowledged
            self.was_claimed = True

    @rule(sequence=SEQUENCES)
    def acknowledge(self, sequence: int) -> None:
        held = sequence in self.read.offered
        with suppress(GoneError):
            self.read = lifecycle.acknowledge(self.read, sequence)
            if held:
                self.acknowledged.add(sequence)

    @rule(step=st.integers(0, 4))
    def pass_time(self, step: int) -> None:
        self.time += step
        with suppress(GoneError):
            self.read = lifecycle.expire(self.read, self.time)

    @invariant()
    def nothing_outlives_its_window(self) -> None:
        if self.read.state is not State.ERASED:
            # Time is looked at in pass_time alone.
            assert self.time < self.read.expires_ms

    @invariant()
    def an_unclaimed_read_is_erased_early_only_if_its_owner_saw_it_and_said_so(self) -> None:
        if self.read.erasure is Erasure.ACKNOWLEDGED:
            assert not self.was_claimed
            assert self.acknowledged

    @invariant()
    def a_claimed_read_waits_for_nothing_and_stays(self) -> None:
        if self.was_claimed:
            assert not self.read.waiting
            assert self.read.state is State.CLAIMED or self.read.erasure is Erasure.WINDOW_ENDED

    @invariant()
    def no_segment_both_answered_and_waits(self) -> None:
        assert not self.read.waiting & self.read.answered

    @invariant()
    def nothing_settled_is_left_lying(self) -> None:
        read = self.read
        if read.state is State.ANSWERED:
            assert read.waiting or read.offered


TestReadLives = ReadLives.TestCase
TestReadLives.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)


def test_states_are_told_apart() -> None:
    read = Read(10)
    assert read.state is State.RECEIVED
    assert replace(read, answered=frozenset([BASE])).state is State.ANSWERED
    assert replace(read, claimed=True).state is State.CLAIMED
    assert replace(read, claimed=True, erasure=Erasure.WINDOW_ENDED).state is State.ERASED
