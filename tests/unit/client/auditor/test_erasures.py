"""Every rule about the matcher's statements of days, shown to fire; and what must not set it off."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.client.auditor.erasure_figures import CheckedPlace, ErasedDay, erased_days, last_check
from blindplate.client.auditor.findings import Finding, Kind
from blindplate.core.statements.erasures import DAY_COUNTED, DayCount, Erasures, Looked, Place
from blindplate.core.statements.matching import RecordCount
from tests.unit.client.auditor.ledgers import (
    BEGINS,
    DAY,
    MATCHER,
    Ledger,
    audited,
    findings,
    noted,
    row,
    violated,
)

HOUR = 3600
FIRST, SECOND, THIRD = "2025-03-03", "2025-03-04", "2025-03-05"
PLACES = tuple(Looked(place=one, items=0) for one in Place)


def begun(*rows: RecordCount) -> Ledger:
    """A matcher that has counted ``rows`` on the first day, and states no day by itself; it is a minute past midnight."""
    ledger = Ledger.begun()
    ledger.states_days = False
    ledger.counts(*(rows or (row(received=10, erased_acknowledged=4),)))
    ledger.now = BEGINS + DAY + 60
    return ledger


def of(*names: Kind, found: list[Finding]) -> list[str]:
    return [one.sentence for one in found if one.kind in names]


def test_days_stated_in_time_that_add_up_are_green() -> None:
    ledger = Ledger.begun()
    for day in range(5):
        ledger.now = BEGINS + day * DAY + 13 * HOUR
        received = 10 * (day + 1)
        ledger.counts(row(received=received, erased_unclaimed=received, erased_claimed=0))
    assert findings(ledger) == []
    assert audited(ledger).judge.erasures.last is not None


@pytest.mark.parametrize("hours", [0, 5])
def test_a_day_that_is_not_stated_yet_may_still_come(hours: int) -> None:
    ledger = begun()
    ledger.now += hours * HOUR
    ledger.counts(row(received=10, erased_acknowledged=4))
    assert findings(ledger) == []


def test_a_matcher_that_counts_on_and_states_nothing_is_found_once() -> None:
    ledger = begun()
    for _ in range(5):
        ledger.now += 6 * HOUR
        ledger.counts(row(received=10, erased_acknowledged=10))
    found = [one for one in findings(ledger) if one.kind is Kind.ERASURES_MISSING]
    assert len(found) == 1
    assert FIRST in found[0].sentence
    # The day after is missed anew.
    ledger.erasures()
    ledger.now += 12 * HOUR
    ledger.counts(row(received=10, erased_acknowledged=10))
    assert len([one for one in findings(ledger) if one.kind is Kind.ERASURES_MISSING]) == 2


def test_a_matcher_that_was_stopped_states_its_days_late_and_breaks_no_rule() -> None:
    ledger = begun()
    ledger.now += 2 * DAY
    for _ in range(3):
        ledger.erasures()
    ledger.counts(row(received=10, erased_acknowledged=4, erased_unclaimed=6))
    assert (violated(ledger), noted(ledger)) == (set(), {Kind.ERASURES_LATE})
    # The third day was over a minute ago: only two were late.
    assert len(of(Kind.ERASURES_LATE, found=findings(ledger))) == 2


@pytest.mark.parametrize("days", [(FIRST, FIRST), (SECOND,), (FIRST, THIRD), (FIRST, SECOND, FIRST)])
def test_a_day_stated_twice_left_out_or_out_of_order_is_found(days: tuple[str, ...]) -> None:
    ledger = begun(row(received=4, erased_acknowledged=4))
    ledger.now += 3 * DAY
    for day in days:
        ledger.erasures(day=day)
    assert violated(ledger) == {Kind.ERASURES_ORDER}


@pytest.mark.parametrize(
    "changes",
    [
        {"made_at": BEGINS + DAY - 1},
        {"checked_at": BEGINS + DAY - 1},
        {"checked_at": BEGINS + DAY + 2, "made_at": BEGINS + DAY + 1},
    ],
)
def test_a_day_stated_or_checked_before_it_was_over_is_found(changes: dict[str, Any]) -> None:
    ledger = begun()
    ledger.erasures(**changes)
    assert violated(ledger) == {Kind.ERASURES_ORDER}


def test_a_check_that_left_out_a_place_is_found() -> None:
    ledger = begun()
    ledger.erasures(places=tuple(one for one in PLACES if one.place is not Place.WINDOW_KEYS))
    assert violated(ledger) == {Kind.ERASURES_CHECKED}
    [said] = of(Kind.ERASURES_CHECKED, found=findings(ledger))
    assert "window-keys" in said


@pytest.mark.parametrize("place", Place)
def test_anything_overdue_is_found(place: Place) -> None:
    ledger = begun()
    late = Looked(place=place, items=9, overdue=2, oldest_seconds=5000)
    ledger.erasures(places=(*(one for one in PLACES if one.place is not place), late))
    assert violated(ledger) == {Kind.ERASURES_OVERDUE}
    [said] = of(Kind.ERASURES_OVERDUE, found=findings(ledger))
    assert f"2 of {place.value} (by up to 5,000 s)" in said


def counted(**counts: int) -> DayCount:
    return DayCount(list_id="hotlist", zone="inner", **counts)


@pytest.mark.parametrize("name", DAY_COUNTED)
def test_days_that_add_up_to_less_than_was_counted_on_them_are_found(name: str) -> None:
    total = row(
        received=20,
        answered=20,
        claimed=5,
        erased_acknowledged=5,
        erased_unclaimed=5,
        erased_claimed=3,
        erased_unopened=3,
    )
    right = {one: getattr(total, one) for one in DAY_COUNTED}
    for less in (0, 1):
        ledger = begun(total)
        ledger.erasures(counted(**{**right, name: right[name] - less}))
        assert violated(ledger) == ({Kind.ERASURES_SUMS} if less else set())
        # More is found by the counts that come after.
        ledger = begun(total)
        ledger.erasures(counted(**{**right, name: right[name] + less}))
        assert violated(ledger) == set()
        ledger.counts(total)
        assert violated(ledger) == ({Kind.ERASURES_SUMS} if less else set())


def test_a_place_left_out_of_a_day_or_made_up_is_found() -> None:
    ledger = begun()
    ledger.erasures(DayCount(list_id="other", zone="inner", received=1))
    assert violated(ledger) == {Kind.ERASURES_SUMS}


def test_what_was_counted_in_the_last_minute_may_belong_to_either_day() -> None:
    ledger = begun()
    ledger.now = BEGINS + DAY - 30
    ledger.counts(row(received=11, erased_acknowledged=4))
    ledger.now = BEGINS + DAY + 60
    ledger.erasures(counted(received=10, erased_acknowledged=4))
    ledger.now += 60
    ledger.counts(row(received=11, erased_acknowledged=4))
    assert findings(ledger) == []


def test_a_part_that_is_missing_is_found() -> None:
    ledger = begun()
    rows = tuple(DayCount(list_id=f"list-{number:03}", zone="inner", received=1) for number in range(150))
    whole = Erasures(
        since=BEGINS, day=FIRST, records=rows, places=PLACES, checked_at=ledger.now, made_at=ledger.now
    )
    ledger.enter(whole.split()[1], MATCHER)
    assert violated(ledger) == {Kind.ERASURES_ORDER}
    assert audited(ledger).judge.erasures.last is None


def test_days_begin_anew_with_the_counts() -> None:
    ledger = begun()
    ledger.erasures()
    since = BEGINS + 2 * DAY + HOUR
    ledger.now = since
    ledger.counts(row(received=3), since=since)
    ledger.now = BEGINS + 3 * DAY + 60
    ledger.erasures()
    assert (violated(ledger), noted(ledger)) == (set(), {Kind.COUNTS_ANEW})
    # And never go back to what had ended.
    ledger.erasures(since=BEGINS, day=SECOND)
    assert violated(ledger) == {Kind.ERASURES_ORDER}


@settings(max_examples=25, deadline=None)
@given(
    days=st.lists(st.lists(st.tuples(*[st.integers(0, 5)] * 3), max_size=4), min_size=1, max_size=8),
    altered=st.none() | st.integers(0, 7),
)
def test_an_honest_matcher_is_green_and_one_that_makes_a_day_smaller_is_not(
    days: list[list[tuple[int, int, int]]], altered: int | None
) -> None:
    ledger = Ledger.begun()
    ledger.states_days = False
    received = acknowledged = unclaimed = 0
    told = False
    for number, rounds in enumerate(days):
        before = (received, acknowledged, unclaimed)
        for hour, (one, other, fresh) in enumerate(rounds):
            ledger.now = max(ledger.now, BEGINS + number * DAY + (13 + hour) * HOUR)
            received, acknowledged, unclaimed = (
                received + one + other + fresh,
                acknowledged + one,
                unclaimed + other,
            )
            # What was held of the day before is erased by now.
            unclaimed = max(unclaimed, before[0] - acknowledged)
            ledger.counts(
                row(received=received, erased_acknowledged=acknowledged, erased_unclaimed=unclaimed)
            )
        ledger.now = BEGINS + (number + 1) * DAY + 60
        erased = acknowledged - before[1]
        if number == altered and erased:
            erased, told = erased - 1, True
        ledger.erasures(
            counted(
                received=received - before[0],
                erased_acknowledged=erased,
                erased_unclaimed=unclaimed - before[2],
            )
        )
    assert (Kind.ERASURES_SUMS in violated(ledger)) == told
    assert told or not violated(ledger) - {Kind.COUNTS_OPEN, Kind.COUNTS_OVERDUE}


def test_the_report_shows_days_and_the_last_check() -> None:
    ledger = begun()
    ledger.erasures()
    ledger.now += DAY
    ledger.counts(row(received=10, erased_acknowledged=4, erased_unclaimed=6, claimed=0))
    ledger.erasures(places=(*PLACES[1:], Looked(place=Place.RECORDS, items=5)))
    stated = audited(ledger).judge.erasures
    assert erased_days(stated) == (
        ErasedDay(FIRST, "hotlist", "inner", 4, 0, 0, 0),
        ErasedDay(SECOND, "hotlist", "inner", 0, 6, 0, 0),
    )
    assert CheckedPlace(SECOND, ledger.now - 1, "records", 5, 0, 0) in last_check(stated)
    assert {one.place for one in last_check(stated)} == {place.value for place in Place}
    assert last_check(audited(Ledger.begun()).judge.erasures) == ()
