"""Which uploads are due: played against the matcher's own rules, every entry matches when it should and only then."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.client.owner.coverage import (
    MAX_DELTAS,
    Covering,
    Due,
    Removal,
    Version,
    delta_lead,
    epochs_due,
    segments_due,
)
from blindplate.core.domains import CHARGING_DAY, HOURLY, Epoch, EpochRule

EPOCH = HOURLY.at(1_700_000_000)
START = int(EPOCH.start())


def additions(*times: float) -> list[Version]:
    """Versions that each list something, taking effect at these times: witnessed the second before."""
    return [Version(number, at - 1, lists=True) for number, at in enumerate(times, start=1)]


def shapes(due: list[Due]) -> list[tuple[bool, int, int, int]]:
    return [(one.base, one.first_version, one.last_version, one.matches_from - START) for one in due]


def test_what_was_listed_before_the_epoch_is_one_base_from_its_beginning() -> None:
    due = segments_due(EPOCH, START + 10, additions(START - 500, START - 5), [], [])
    assert shapes(due) == [(True, 1, 2, 0)]


def test_a_list_witnessed_during_the_epoch_matches_from_the_next_whole_second_on() -> None:
    for witnessed, begins in ((90, 91), (90.2, 92)):
        versions = [Version(1, START + witnessed, lists=True)]
        assert shapes(segments_due(EPOCH, START + 100, versions, [], [])) == [(True, 1, 1, begins)]


def test_a_version_witnessed_in_the_second_before_the_epoch_begins_with_it() -> None:
    versions = [Version(1, START - 1, lists=True), Version(2, START, lists=True)]
    assert shapes(segments_due(EPOCH, START + 100, versions, [], [])) == [(True, 1, 1, 0), (False, 2, 2, 1)]


def test_versions_witnessed_together_are_one_segment() -> None:
    versions = [Version(number, START + 60, lists=True) for number in (2, 3, 4)]
    current = [Covering(1, 1, 1, START)]
    due = segments_due(EPOCH, START + 70, versions, [], current)
    assert shapes(due) == [(False, 2, 4, 61)]


def test_a_version_witnessed_in_the_last_second_of_an_epoch_is_none_of_it() -> None:
    versions = [*additions(START - 5), Version(2, EPOCH.end() - 1, lists=True)]
    due = segments_due(EPOCH, EPOCH.end() + 1, versions, [], [Covering(1, 1, 1, START)])
    assert due == []


def test_an_addition_after_the_base_is_a_delta_of_its_own() -> None:
    current = [Covering(1, 1, 1, START)]
    due = segments_due(EPOCH, START + 100, additions(START - 5, START + 90), [], current)
    assert shapes(due) == [(False, 2, 2, 90)]


def test_one_addition_too_many_becomes_a_base_of_all() -> None:
    times = [START - 5, *(START + 10 * number for number in range(1, MAX_DELTAS + 2))]
    due = segments_due(EPOCH, START + 300, additions(*times), [], [])
    assert [one.base for one in due] == [True, *MAX_DELTAS * [False], True]
    assert (due[-1].first_version, due[-1].last_version) == (1, len(times))


def test_a_removal_calls_for_a_base_from_its_effect_on() -> None:
    versions = [*additions(START - 5), Version(2, START + 59, lists=False)]
    current = [Covering(1, 1, 1, START)]
    due = segments_due(EPOCH, START + 61, versions, [Removal(1, 2)], current)
    assert shapes(due) == [(True, 1, 2, 60)]


def test_a_removal_the_segment_already_left_out_calls_for_nothing() -> None:
    versions = [*additions(START - 5), Version(2, START + 60, lists=False)]
    assert segments_due(EPOCH, START + 61, versions, [Removal(1, 2)], [Covering(1, 2, 2, START)]) == []


def test_a_removal_that_is_not_witnessed_calls_for_nothing_yet() -> None:
    current = [Covering(1, 1, 1, START)]
    assert segments_due(EPOCH, START + 61, additions(START - 5), [Removal(1, 2)], current) == []


def test_nothing_is_taken_out_of_an_epoch_that_is_over() -> None:
    versions = [*additions(START - 5), Version(2, EPOCH.end() + 60, lists=False)]
    current = [Covering(1, 1, 1, START)]
    assert segments_due(EPOCH, EPOCH.end() + 61, versions, [Removal(1, 2)], current) == []


def test_a_past_epoch_never_covered_gets_what_was_listed_in_its_time() -> None:
    versions = additions(START - 5, START + 60, EPOCH.end() + 5)
    due = segments_due(EPOCH, EPOCH.end() + 10, versions, [], [])
    assert shapes(due) == [(True, 1, 1, 0), (False, 2, 2, 60)]


def test_a_coming_epoch_is_brought_up_to_date_only_shortly_before_it_begins() -> None:
    versions, current = additions(START - 1000, START - 900), [Covering(1, 1, 1, START)]
    early = START - delta_lead(EPOCH) - 1
    assert segments_due(EPOCH, early, versions, [], current) == []
    assert shapes(segments_due(EPOCH, early + 2, versions, [], current)) == [(True, 1, 2, 0)]


@pytest.mark.parametrize("rule", [HOURLY, CHARGING_DAY])
def test_due_epochs_reach_from_the_last_read_that_may_come_to_those_ahead(rule: EpochRule) -> None:
    now = 1_700_000_000.0
    current = rule.at(now)
    length = current.end() - current.start()
    due = epochs_due(rule, now, ahead=2, hold_seconds=int(2 * length), begins=0, ends=1e12)
    assert due[:3] == [current, current.next(), current.next().next()]
    assert all(epoch.end() + 2 * length > now for epoch in due)
    assert min(due).start() <= now - 2 * length


def test_epochs_outside_the_grant_are_not_due() -> None:
    due = epochs_due(HOURLY, START + 10, ahead=1, hold_seconds=7200, begins=START, ends=EPOCH.end())
    assert due == [EPOCH]


@dataclass
class World:
    """A list, its commitments and its uploads for one epoch, kept as the owner and the matcher keep them."""

    # How many versions there are, and when each commitment (a version covered by it and all before) was witnessed.
    made: int = 0
    witnessed: dict[int, float] = field(default_factory=dict)
    # Entry to (version that listed it, version that removed it or None).
    entries: dict[int, tuple[int, int | None]] = field(default_factory=dict)
    current: list[tuple[Covering, frozenset[int]]] = field(default_factory=list)
    # Whatever was in force: from, until, entries.
    past: list[tuple[int, int, frozenset[int]]] = field(default_factory=list)

    def change(self, added: list[int], removed: list[int]) -> None:
        self.made += 1
        for entry in removed:
            self.entries[entry] = (self.entries[entry][0], self.made)
        for entry in added:
            self.entries[entry] = (self.made, None)

    def witness(self, at: float) -> None:
        """The list as it stands is committed to and witnessed at once."""
        if self.made > max(self.witnessed, default=0):
            self.witnessed[self.made] = at

    def witnessed_at(self, version: int) -> float | None:
        return next((at for one, at in sorted(self.witnessed.items()) if one >= version), None)

    def begins(self, version: int) -> float:
        at = self.witnessed_at(version)
        return math.inf if at is None else math.ceil(at) + 1

    def upload(self, epoch: Epoch, now: float) -> None:
        standing = {listed for listed, removed in self.entries.values() if removed is None}
        versions = [
            Version(one, at, one in standing)
            for one in range(1, self.made + 1)
            if (at := self.witnessed_at(one)) is not None
        ]
        removals = [Removal(listed, gone) for listed, gone in self.entries.values() if gone is not None]
        for due in segments_due(epoch, now, versions, removals, [one for one, _ in self.current]):
            held = frozenset(
                entry
                for entry, (listed, removed) in self.entries.items()
                if due.first_version <= listed <= due.last_version and removed is None
            )
            segment = Covering(due.first_version, due.last_version, self.made, due.matches_from)
            if due.base:
                self.past += [(one.matches_from, due.matches_from, inside) for one, inside in self.current]
                self.current = []
            else:
                assert due.matches_from >= self.current[0][0].matches_from
            self.current.append((segment, held))

    def matched(self, second: int) -> set[int]:
        """The entries a read captured in that second matches."""
        found = [inside for one, inside in self.current if one.matches_from <= second]
        found += [inside for begins, ends, inside in self.past if begins <= second < ends]
        return set().union(*found)


CHANGES = st.lists(
    st.tuples(
        st.integers(-200, 3400),
        st.lists(st.integers(0, 9), max_size=3),
        st.lists(st.integers(0, 9), max_size=2),
        # How long until it is witnessed; None for one that waits for the next commitment.
        st.none() | st.floats(0, 100),
        # Whether the owner uploads then, or is away and catches up later.
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)
Changes = list[tuple[int, list[int], list[int], float | None, bool]]


def played(changes: Changes) -> World:
    """A world in which these changes were made, witnessed and uploaded; the last look is at the end of the epoch."""
    world = World()
    standing: set[int] = set()
    earliest = 0.0
    for offset, wanted, unwanted, delay, uploads in sorted(changes, key=lambda change: change[0]):
        leaving = [entry for entry in dict.fromkeys(unwanted) if entry in standing]
        added = [entry for entry in dict.fromkeys(wanted) if entry not in world.entries]
        if not added and not leaving:
            continue
        standing = (standing | set(added)) - set(leaving)
        world.change(added, leaving)
        if delay is not None:
            # One commitment is witnessed before the next is made.
            earliest = max(earliest, START + offset + delay)
            world.witness(earliest)
        if uploads:
            world.upload(EPOCH, max(earliest, START + offset))
    world.upload(EPOCH, START + 3500)
    return world


@settings(max_examples=100)
@given(CHANGES)
def test_no_entry_is_ever_matched_before_its_version_was_witnessed(changes: Changes) -> None:
    world = played(changes)
    for second in seconds_to_look_at(world):
        for entry in world.matched(second):
            assert world.begins(world.entries[entry][0]) <= second


@settings(max_examples=100)
@given(CHANGES)
def test_every_standing_entry_is_matched_from_when_its_version_takes_effect(changes: Changes) -> None:
    world = played(changes)
    for second in seconds_to_look_at(world):
        matched = world.matched(second)
        for entry, (listed, removed) in world.entries.items():
            if removed is None and world.begins(listed) <= second:
                assert entry in matched


@settings(max_examples=100)
@given(CHANGES)
def test_no_entry_is_matched_once_its_removal_took_effect(changes: Changes) -> None:
    world = played(changes)
    for second in seconds_to_look_at(world):
        matched = world.matched(second)
        for entry, (_, removed) in world.entries.items():
            if removed is not None and world.begins(removed) <= second:
                assert entry not in matched


@settings(max_examples=50)
@given(CHANGES)
def test_nothing_more_is_due_once_all_is_uploaded(changes: Changes) -> None:
    world = played(changes)
    before = list(world.current)
    world.upload(EPOCH, START + 3501)
    assert world.current == before


def seconds_to_look_at(world: World) -> list[int]:
    """Evenly through the epoch, and around every moment at which something was witnessed."""
    around = [int(at) + step for at in world.witnessed.values() for step in range(-1, 4)]
    return [second for second in [*range(START, START + 3600, 50), *around] if START <= second < START + 3600]
