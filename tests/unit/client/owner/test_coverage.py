"""Which uploads are due: played against the matcher's own rules, every entry matches when it should and only then."""

from __future__ import annotations

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
    return [Version(number, at, lists=True) for number, at in enumerate(times, start=1)]


def shapes(due: list[Due]) -> list[tuple[bool, int, int, int]]:
    return [(one.base, one.first_version, one.last_version, one.matches_from - START) for one in due]


def test_what_was_listed_before_the_epoch_is_one_base_from_its_beginning() -> None:
    due = segments_due(EPOCH, START + 10, additions(START - 500, START - 5), [], [])
    assert shapes(due) == [(True, 1, 2, 0)]


def test_a_list_made_during_the_epoch_matches_from_then() -> None:
    assert shapes(segments_due(EPOCH, START + 100, additions(START + 90.7), [], [])) == [(True, 1, 1, 90)]


def test_an_addition_after_the_base_is_a_delta_of_its_own() -> None:
    current = [Covering(1, 1, 1, START)]
    due = segments_due(EPOCH, START + 100, additions(START - 5, START + 90), [], current)
    assert shapes(due) == [(False, 2, 2, 90)]


def test_one_addition_too_many_becomes_a_base_of_all() -> None:
    times = [START - 5, *(START + 10 * number for number in range(1, MAX_DELTAS + 2))]
    due = segments_due(EPOCH, START + 300, additions(*times), [], [])
    assert [one.base for one in due] == [True, *MAX_DELTAS * [False], True]
    assert (due[-1].first_version, due[-1].last_version) == (1, len(times))


def test_a_removal_calls_for_a_base_from_its_time_on() -> None:
    versions = [*additions(START - 5), Version(2, START + 60, lists=False)]
    current = [Covering(1, 1, 1, START)]
    due = segments_due(EPOCH, START + 61, versions, [Removal(1, 2)], current)
    assert shapes(due) == [(True, 1, 2, 60)]


def test_a_removal_the_segment_already_left_out_calls_for_nothing() -> None:
    versions = [*additions(START - 5), Version(2, START + 60, lists=False)]
    assert segments_due(EPOCH, START + 61, versions, [Removal(1, 2)], [Covering(1, 2, 2, START)]) == []


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
    """A list and its uploads for one epoch, kept as the owner and the matcher keep them."""

    versions: list[Version] = field(default_factory=list)
    # Entry to (version that listed it, version that removed it or None).
    entries: dict[int, tuple[int, int | None]] = field(default_factory=dict)
    current: list[tuple[Covering, frozenset[int]]] = field(default_factory=list)
    # Whatever was in force: from, until, entries.
    past: list[tuple[int, int, frozenset[int]]] = field(default_factory=list)

    def change(self, at: float, added: list[int], removed: list[int]) -> None:
        number = len(self.versions) + 1
        for entry in removed:
            self.entries[entry] = (self.entries[entry][0], number)
        for entry in added:
            self.entries[entry] = (number, None)
        self.versions.append(Version(number, at, lists=False))

    def upload(self, epoch: Epoch, now: float) -> None:
        standing = {listed for listed, removed in self.entries.values() if removed is None}
        versions = [Version(one.version, one.made_at, one.version in standing) for one in self.versions]
        removals = [Removal(listed, gone) for listed, gone in self.entries.values() if gone is not None]
        for due in segments_due(epoch, now, versions, removals, [one for one, _ in self.current]):
            held = frozenset(
                entry
                for entry, (listed, removed) in self.entries.items()
                if due.first_version <= listed <= due.last_version and removed is None
            )
            segment = Covering(due.first_version, due.last_version, len(versions), due.matches_from)
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
        st.integers(-200, 3500),
        st.lists(st.integers(0, 9), max_size=3),
        st.lists(st.integers(0, 9), max_size=2),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=100)
@given(CHANGES, st.data())
def test_an_entry_matches_from_its_listing_to_its_removal(
    changes: list[tuple[int, list[int], list[int]]], data: st.DataObject
) -> None:
    world = World()
    standing: set[int] = set()
    for offset, wanted, unwanted in sorted(changes, key=lambda change: change[0]):
        leaving = [entry for entry in dict.fromkeys(unwanted) if entry in standing]
        added = [entry for entry in dict.fromkeys(wanted) if entry not in world.entries]
        if not added and not leaving:
            continue
        standing |= set(added)
        standing -= set(leaving)
        world.change(START + offset, added, leaving)
        # Sometimes the owner is away and catches up later.
        if data.draw(st.booleans()):
            world.upload(EPOCH, START + offset)
    # The daemon looks again by itself: a base uploaded more than a minute ahead is brought up to date later.
    world.upload(EPOCH, START + 3500)
    made = {version.version: version.made_at for version in world.versions}
    for second in range(START, START + 3600, 50):
        matched = world.matched(second)
        for entry, (listed, removed) in world.entries.items():
            if removed is None and made[listed] <= second:
                assert entry in matched
            if made[listed] > second:
                assert entry not in matched
            if removed is not None and made[removed] <= second:
                assert entry not in matched
