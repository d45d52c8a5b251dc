"""Every rule about the matcher's counts, shown to fire; and what must not set it off."""

from __future__ import annotations

from typing import Any

import pytest

from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.files import fetch_checkpoint
from blindplate.client.auditor.findings import Kind
from blindplate.core.parties import Custodian
from blindplate.core.statements.matching import MatcherCounts, RecordCount
from tests.unit.client.auditor.ledgers import (
    BEGINS,
    DAY,
    EMISSIONS,
    MATCHER,
    Ledger,
    audit_keys,
    audited,
    findings,
    grant,
    noted,
    row,
    violated,
)

A, B = Custodian.A, Custodian.B


def test_counts_that_balance_and_rise_are_green() -> None:
    ledger = Ledger.begun()
    ledger.counts(row(received=10, claimed=1, erased_acknowledged=3))
    ledger.counts(
        row(received=20, claimed=2, erased_acknowledged=9, erased_claimed=1), row("liable", received=5)
    )
    assert findings(ledger) == []


def many(received: int) -> tuple[RecordCount, ...]:
    """Counts of more lists than an entry has room for."""
    return tuple(row(f"list-{number:03}", received=received) for number in range(250))


def many_counts(ledger: Ledger, received: int = 10) -> tuple[MatcherCounts, ...]:
    counts = MatcherCounts(since=BEGINS, records=many(received), refused_claims=0, made_at=ledger.now)
    return counts.split()


def test_counts_in_several_entries_are_judged_as_one() -> None:
    ledger = Ledger.begun()
    ledger.counts(*many(10))
    ledger.counts(*many(20), row("one-more", received=1))
    audit = audited(ledger)
    assert audit.findings == []
    assert audit.judge.matching.received() == {
        (one.list_id, one.zone): one.received for one in (*many(20), row("one-more", received=1))
    }
    # The last part alone: what is in the others has gone down.
    ledger.counts(*many(19), row("one-more", received=1))
    assert violated(ledger) == {Kind.COUNTS_DECREASE}


def test_a_row_that_does_not_balance_is_found_in_whatever_part_it_stands() -> None:
    for number in (0, 99, 100, 249):
        ledger, rows = Ledger.begun(), list(many(10))
        rows[number] = row(f"list-{number:03}", received=10, open=9)
        ledger.counts(*rows)
        assert violated(ledger) == {Kind.COUNTS_BALANCE}


def test_a_list_counted_in_two_parts_is_found() -> None:
    ledger = Ledger.begun()
    ledger.counts(*many(10), row("list-000", received=10))
    assert violated(ledger) == {Kind.COUNTS_BALANCE}


@pytest.mark.parametrize("entered", [(1, 2), (0, 2), (0, 2, 1), (0, 1, 0, 1, 2), (0, 0, 1, 2)])
def test_a_part_of_the_counts_that_is_missing_or_out_of_order_is_found(entered: tuple[int, ...]) -> None:
    ledger = Ledger.begun()
    for part in entered:
        ledger.enter(many_counts(ledger)[part], MATCHER)
    assert violated(ledger) == {Kind.COUNTS_BALANCE}


def test_cameras_are_compared_with_whole_counts_alone() -> None:
    ledger = Ledger.begun()
    ledger.counts(*many(10))
    ledger.camera("inner", 0, since=BEGINS, **{"list-000": 20, "list-249": 20})
    ledger.now += 2 * 3600
    *begun, last = many_counts(ledger, 20)
    for part in begun:
        ledger.enter(part, MATCHER)
    assert findings(ledger) == []
    ledger.enter(last, MATCHER)
    assert findings(ledger) == []


def test_records_that_were_neither_claimed_erased_nor_are_open_are_found() -> None:
    ledger = Ledger.begun()
    ledger.counts(row(received=10, open=9))
    assert violated(ledger) == {Kind.COUNTS_BALANCE}


def test_more_claimed_records_erased_than_claimed_are_found() -> None:
    ledger = Ledger.begun()
    ledger.counts(row(received=10, claimed=1, erased_claimed=2))
    assert violated(ledger) == {Kind.COUNTS_BALANCE}


@pytest.mark.parametrize("counts", [{"kept": 11}, {"erased_acknowledged": 1, "erased_unopened": 2}])
def test_more_records_kept_than_are_open_or_erased_are_found(counts: dict[str, Any]) -> None:
    ledger = Ledger.begun()
    ledger.counts(row(received=10, **counts))
    assert violated(ledger) == {Kind.COUNTS_BALANCE}


def test_what_was_kept_and_erased_unopened_never_decreases() -> None:
    ledger = Ledger.begun()
    ledger.counts(row(received=10, kept=4, erased_acknowledged=3, erased_unopened=2))
    ledger.counts(row(received=10, erased_acknowledged=3, erased_unopened=1))
    assert violated(ledger) == {Kind.COUNTS_DECREASE}


def test_a_list_and_zone_counted_twice_are_found() -> None:
    ledger = Ledger.begun()
    ledger.counts(row(received=10), row(received=10))
    assert violated(ledger) == {Kind.COUNTS_BALANCE}


@pytest.mark.parametrize(
    "rows", [(row(received=9, claimed=1),), (row(received=10),), (), (row(zone="outer", received=50),)]
)
def test_totals_that_decrease_or_vanish_are_found(rows: tuple[RecordCount, ...]) -> None:
    ledger = Ledger.begun()
    ledger.counts(row(received=10, claimed=1))
    ledger.counts(*rows)
    assert violated(ledger) == {Kind.COUNTS_DECREASE}


def test_refused_claims_are_noted_and_never_decrease() -> None:
    ledger = Ledger.begun()
    ledger.counts(refused=2)
    assert noted(ledger) == {Kind.CLAIMS_REFUSED}
    ledger.counts(refused=1)
    assert violated(ledger) == {Kind.COUNTS_DECREASE}


def test_counts_that_begin_anew_are_noted() -> None:
    ledger = Ledger.begun()
    ledger.counts(row(received=10))
    ledger.counts(row(received=1), since=BEGINS + 100)
    assert (violated(ledger), noted(ledger)) == (set(), {Kind.COUNTS_ANEW})


def test_counts_that_begin_anew_twice_in_a_week_are_found() -> None:
    ledger = Ledger.begun()
    for since in (BEGINS + 100, BEGINS + 8 * DAY):
        ledger.counts(since=since)
        ledger.now = since + 8 * DAY
    assert violated(ledger) == set()
    ledger.counts(since=BEGINS + 14 * DAY)
    assert violated(ledger) == {Kind.COUNTS_ANEW_OFTEN}


def test_more_claimed_records_than_were_in_an_answer_are_found() -> None:
    ledger = Ledger.begun()
    ledger.counts(row(received=10, claimed=3, answered=3))
    assert violated(ledger) == set()
    ledger.counts(row(received=10, claimed=4, answered=3))
    assert violated(ledger) == {Kind.COUNTS_BALANCE}


def test_records_held_longer_than_their_window_are_found() -> None:
    ledger = Ledger.begun()
    ledger.counts(row(received=10))
    ledger.now += DAY + 3500
    ledger.counts(row(received=10))
    assert violated(ledger) == set()
    ledger.now += 300
    ledger.counts(row(received=15))
    assert violated(ledger) == {Kind.COUNTS_OPEN}


def test_records_received_within_the_window_may_be_open() -> None:
    ledger = Ledger.begun()
    for hour in range(60):
        ledger.now += 3600
        received = 10 * (hour + 1)
        gone = max(received - 240, 0)
        ledger.counts(row(received=received, erased_unclaimed=gone))
    assert violated(ledger) == set()
    ledger.now += 3 * 3600
    ledger.counts(row(received=600, erased_unclaimed=360))
    assert violated(ledger) == {Kind.COUNTS_OPEN}


def test_a_longer_window_of_any_amendment_counts_for_what_may_be_open() -> None:
    ledger = Ledger.begun()
    ledger.grant(grant(amendment=1, window_seconds=3 * DAY))
    ledger.counts(row(received=10))
    ledger.now += 2 * DAY
    ledger.counts(row(received=10))
    assert violated(ledger) == set()


def test_more_released_than_was_claimed_is_noted() -> None:
    ledger = Ledger.begun()
    ledger.release("one")
    ledger.release("two")
    ledger.release("another list", EMISSIONS)
    ledger.counts(row(received=10, claimed=1), row("liable", received=1, claimed=1))
    assert noted(ledger) == set()
    ledger.now += 600
    ledger.counts(row(received=10, claimed=2), row("liable", received=1, claimed=1))
    assert noted(ledger) == set()
    ledger.release("three")
    ledger.now += 600
    ledger.counts(row(received=10, claimed=2), row("liable", received=1, claimed=1))
    assert (violated(ledger), noted(ledger)) == (set(), {Kind.COUNTS_RELEASED})


def test_what_one_custodian_alone_approved_was_not_released() -> None:
    ledger = Ledger.begun()
    ledger.decide(A, ledger.request())
    ledger.now += 600
    ledger.counts(row(received=10))
    assert findings(ledger) == []


@pytest.mark.parametrize("called_for", ["camera", "batches"])
def test_a_matcher_that_stops_counting_is_found(called_for: str) -> None:
    ledger = Ledger.begun()
    getattr(ledger, called_for)()
    ledger.now += DAY + DAY // 2 - 60
    ledger.evaluations()
    assert violated(ledger) == set()
    ledger.now += 120
    ledger.evaluations()
    assert violated(ledger) == {Kind.COUNTS_OVERDUE}
    ledger.counts()
    assert Kind.COUNTS_OVERDUE not in violated(ledger)


def test_a_matcher_that_stops_counting_with_records_open_is_found() -> None:
    ledger = Ledger.begun()
    ledger.counts(row(received=10, erased_unclaimed=10))
    ledger.now += 2 * DAY
    ledger.evaluations()
    assert violated(ledger) == set()
    ledger.counts(row(received=20, erased_unclaimed=19))
    ledger.now += 2 * DAY
    ledger.evaluations()
    assert violated(ledger) == {Kind.COUNTS_OVERDUE}


def test_a_part_of_the_matchers_counts_is_no_counts() -> None:
    ledger = Ledger.begun()
    ledger.camera(hotlist=1)
    ledger.enter(many_counts(ledger)[0], MATCHER)
    ledger.now += 2 * DAY
    ledger.evaluations()
    assert violated(ledger) == {Kind.COUNTS_OVERDUE}


def test_a_report_dated_back_does_not_make_the_matcher_late() -> None:
    ledger = Ledger.begun()
    now, ledger.now = ledger.now, ledger.now - 3 * DAY
    ledger.camera(hotlist=1, since=BEGINS - 4 * DAY)
    ledger.now = now
    assert violated(ledger) == set()


def test_a_silence_is_found_once_however_often_it_is_looked_at() -> None:
    ledger = Ledger.begun()
    ledger.camera(hotlist=1)
    source = ledger.source()
    audit = Audit(source, audit_keys())
    found: list[list[Kind]] = []
    for _ in range(3):
        ledger.now += DAY
        ledger.evaluations()
        source.files = ledger.files()
        findings = audit.advance(fetch_checkpoint(source, audit_keys().ledger.keys()))
        found.append([one.kind for one in findings])
    assert found == [[], [Kind.COUNTS_OVERDUE], []]


def test_counts_that_go_back_to_an_earlier_beginning_are_found() -> None:
    ledger = Ledger.begun()
    ledger.counts(row(received=1), since=BEGINS - 100)
    assert violated(ledger) == {Kind.COUNTS_DECREASE}


def test_counts_older_than_those_before_are_found() -> None:
    ledger = Ledger.begun()
    ledger.now -= 600
    ledger.counts()
    ledger.now += 600
    assert violated(ledger) == {Kind.COUNTS_DECREASE}
