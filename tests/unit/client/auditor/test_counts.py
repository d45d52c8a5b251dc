"""Every rule about batches, counts, cameras, evaluations and dates, shown to fire; and what must not set it off."""

from __future__ import annotations

from typing import Any

import pytest

from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.files import fetch_checkpoint
from blindplate.client.auditor.findings import Kind, Severity
from blindplate.core.parties import Custodian
from blindplate.core.statements.cameras import CameraStanding, CameraStatus
from blindplate.core.statements.evaluations import EvaluationCounts, ZoneEvaluations
from blindplate.core.statements.grant_changes import GrantEnd
from blindplate.core.statements.matching import MatcherCounts, RecordCount
from blindplate.core.statements.policies import PseudonymMode
from tests.unit.client.auditor.ledgers import (
    BEGINS,
    CUSTODIANS,
    DAY,
    EMISSIONS,
    MATCHER,
    OPERATOR,
    POLICE,
    Ledger,
    audit_keys,
    audited,
    findings,
    grant,
    granted,
    key,
    noted,
    register,
    row,
    violated,
)

A, B = Custodian.A, Custodian.B


# Batches.


def test_batches_of_several_lists_in_order_are_green() -> None:
    ledger = Ledger.begun()
    ledger.batches(3)
    ledger.batches(2, EMISSIONS)
    ledger.batches(1)
    assert findings(ledger) == []


@pytest.mark.parametrize("sequence", [1, 2, 4])
def test_an_answer_that_is_repeated_or_missing_is_found(sequence: int) -> None:
    ledger = Ledger.begun()
    ledger.batches(2)
    ledger.batches(1, sequence=sequence)
    assert violated(ledger) == {Kind.BATCH_ORDER}


@pytest.mark.parametrize("changes", [{"list_id": "another"}, {"grant_id": "unknown"}])
def test_answers_for_another_list_than_the_grants_are_found(changes: dict[str, str]) -> None:
    ledger = Ledger.begun()
    ledger.batches(1, **changes)
    assert violated(ledger) == {Kind.BATCH_GRANT}


@pytest.mark.parametrize("now", [BEGINS - 3600, BEGINS + 40 * DAY])
def test_answers_outside_the_grants_time_are_found(now: int) -> None:
    ledger = Ledger.begun()
    ledger.now = now
    ledger.batches(1)
    assert Kind.BATCH_GRANT in violated(ledger)


def test_matching_goes_on_after_the_end_no_longer_than_clocks_and_reading_may_lag() -> None:
    ledger = Ledger.begun()
    ledger.end()
    ledger.now += 350
    ledger.batches(1)
    assert violated(ledger) == set()
    ledger.now += 20
    ledger.batches(1)
    assert violated(ledger) == {Kind.BATCH_GRANT}


def test_an_end_counts_from_when_it_was_witnessed_whatever_the_operator_dates_it() -> None:
    ledger = Ledger.begun()
    ledger.enter(GrantEnd(grant_id=POLICE, reason="over", made_at=ledger.now + 290), OPERATOR)
    ledger.now += 400
    ledger.batches(1)
    assert violated(ledger) == {Kind.BATCH_GRANT}


def test_what_was_answered_before_the_end_may_be_entered_long_after_it() -> None:
    ledger = Ledger.begun()
    answered_at = ledger.now
    ledger.end()
    ledger.now += 3000
    now, ledger.now = ledger.now, answered_at
    ledger.batches(1)
    ledger.now = now
    assert violated(ledger) == set()


@pytest.mark.parametrize("custodians", [(A,), (B,), (A, B)])
def test_matching_while_either_custodian_has_suspended_the_grant_is_found(
    custodians: tuple[Custodian, ...],
) -> None:
    ledger = Ledger.begun()
    for custodian in custodians:
        ledger.suspend(custodian)
    ledger.now += 300
    ledger.batches(1)
    assert violated(ledger) == set()
    ledger.now += 600
    ledger.batches(1)
    ledger.batches(1, EMISSIONS)
    assert [one.kind for one in findings(ledger)] == [Kind.BATCH_GRANT]


def test_matching_goes_on_once_every_suspension_is_lifted() -> None:
    ledger = Ledger.begun()
    for suspended in (True, False):
        for custodian in Custodian:
            ledger.suspend(custodian, suspended=suspended)
        ledger.now += 600
    ledger.batches(1)
    assert violated(ledger) == set()


def test_matching_after_the_grants_last_second_is_found() -> None:
    ledger = Ledger.begun()
    ledger.now = grant().not_after + 300
    ledger.batches(1)
    assert Kind.BATCH_GRANT not in violated(ledger)
    ledger.now += 600
    ledger.batches(1)
    assert Kind.BATCH_GRANT in violated(ledger)


# The matcher's counts.


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


# Cameras against matcher.


def test_cameras_and_matcher_that_agree_are_green() -> None:
    ledger = Ledger.begun()
    ledger.camera(hotlist=6, liable=2)
    ledger.camera(number=1, hotlist=4)
    for _ in range(3):
        ledger.counts(row(received=10), row("liable", received=2))
    assert findings(ledger) == []


def test_records_that_cameras_handed_in_and_the_matcher_hides_are_found_by_list_and_zone() -> None:
    ledger = Ledger.begun()
    ledger.camera(hotlist=6)
    ledger.camera(number=1, hotlist=5)
    ledger.now += 600
    ledger.counts(row(received=10), row(zone="outer", received=50))
    assert violated(ledger) == {Kind.CAMERA_EXCESS}


def test_counts_made_before_a_cameras_report_are_not_held_against_it() -> None:
    ledger = Ledger.begun()
    ledger.camera(hotlist=6)
    ledger.counts(row(received=5))
    assert violated(ledger) == set()
    # The second after it was certainly made later, whatever the clocks say.
    ledger.counts(row(received=5))
    assert violated(ledger) == {Kind.CAMERA_EXCESS}


def test_a_camera_that_begins_anew_counts_with_both_its_beginnings() -> None:
    ledger = Ledger.begun()
    ledger.camera(hotlist=6)
    ledger.camera(since=BEGINS + 50, hotlist=5)
    for _ in range(2):
        ledger.counts(row(received=11))
    assert violated(ledger) == set()
    ledger.camera(since=BEGINS + 50, hotlist=6)
    for _ in range(2):
        ledger.counts(row(received=11))
    assert violated(ledger) == {Kind.CAMERA_EXCESS}


def test_a_matcher_that_began_anew_is_credited_with_what_it_received_before() -> None:
    ledger = Ledger.begun()
    ledger.camera(hotlist=10)
    ledger.counts(row(received=10))
    ledger.counts(row(received=0), since=BEGINS + 100)
    ledger.counts(row(received=0), since=BEGINS + 100)
    assert violated(ledger) == set()


@pytest.mark.parametrize(("since", "records"), [(BEGINS, 5), (BEGINS - 1, 50)])
def test_a_camera_that_counts_backwards_is_found(since: int, records: int) -> None:
    ledger = Ledger.begun()
    ledger.camera(hotlist=6)
    ledger.camera(since=since, hotlist=records)
    assert violated(ledger) == {Kind.CAMERA_DECREASE}


def test_cameras_that_have_never_reported_after_a_week_are_noted_in_one_line() -> None:
    ledger = Ledger.begun()
    ledger.camera("inner", 0, hotlist=1)
    ledger.counts(row(received=1))
    ledger.now = BEGINS + 5 * DAY
    ledger.counts(row(received=1, erased_unclaimed=1))
    assert findings(ledger) == []
    ledger.now += 2 * DAY
    ledger.counts(row(received=1, erased_unclaimed=1))
    (found,) = findings(ledger)
    assert (found.kind, found.severity) == (Kind.CAMERA_SILENT, Severity.NOTE)
    assert "3 of the 4 cameras" in found.sentence
    ledger.camera("inner", 1, hotlist=1)
    ledger.end()
    ledger.end(EMISSIONS)
    ledger.now += 600
    ledger.counts(row(received=2, erased_unclaimed=2))
    assert findings(ledger) == []


def test_a_revoked_camera_need_not_report() -> None:
    ledger = Ledger.begun()
    for zone, number in (("inner", 0), ("outer", 0), ("outer", 1)):
        ledger.camera(zone, number, hotlist=1)
    status = CameraStatus(
        camera_id="inner-1",
        zone="inner",
        identity="spiffe://test/camera/inner-1",
        signing_key=key("inner-1").public,
        standing=CameraStanding.REVOKED,
        reason="stolen",
        made_at=ledger.now,
    )
    ledger.enter(status, OPERATOR)
    ledger.now = BEGINS + 9 * DAY
    ledger.counts(row(received=1, erased_unclaimed=1), row(zone="outer", received=2, erased_unclaimed=2))
    assert findings(ledger) == []


# Evaluations.


@pytest.mark.parametrize(
    ("grants", "cameras"), [({POLICE: 10}, {}), ({}, {("hotlist", "inner"): 10})], ids=["owner", "cameras"]
)
def test_evaluations_of_a_day_that_begins_after_the_grants_end_are_found(
    grants: dict[str, int], cameras: dict[tuple[str, str], int]
) -> None:
    ledger = Ledger.begun()
    ledger.end()
    ledger.now += 3600
    ledger.evaluations(grants=grants, cameras=cameras)
    assert violated(ledger) == set()
    ledger.now += DAY
    ledger.evaluations(day="2025-03-04", grants=grants, cameras=cameras)
    assert violated(ledger) == {Kind.EVALUATIONS_GRANT}


@pytest.mark.parametrize(
    ("grants", "cameras"), [({POLICE: 10}, {}), ({}, {("hotlist", "inner"): 10})], ids=["owner", "cameras"]
)
def test_evaluations_by_a_custodian_that_suspended_the_grant_all_day_are_found(
    grants: dict[str, int], cameras: dict[tuple[str, str], int]
) -> None:
    ledger = Ledger.begun()
    ledger.suspend(A)
    ledger.evaluations(A, grants=grants, cameras=cameras)
    ledger.now += DAY
    # The other custodian has suspended nothing.
    ledger.evaluations(B, day="2025-03-04", grants=grants, cameras=cameras)
    assert violated(ledger) == set()
    ledger.evaluations(A, day="2025-03-04", grants=grants, cameras=cameras)
    assert violated(ledger) == {Kind.EVALUATIONS_GRANT}


def test_evaluations_of_the_day_on_which_a_suspension_is_lifted_are_green() -> None:
    ledger = Ledger.begun()
    ledger.suspend(A)
    ledger.now += DAY
    ledger.suspend(A, suspended=False)
    ledger.evaluations(A, day="2025-03-04", grants={POLICE: 10})
    assert violated(ledger) == set()


@pytest.mark.parametrize(("custodian", "allowed"), [(A, 50), (B, 100)])
def test_more_questions_on_keepers_behalf_than_a_custodian_takes_are_found(
    custodian: Custodian, allowed: int
) -> None:
    ledger = Ledger.begun()
    ledger.evaluations(custodian, searches=allowed)
    assert violated(ledger) == set()
    ledger.evaluations(custodian, searches=allowed + 1)
    assert violated(ledger) == {Kind.SEARCHES}


def test_keys_for_cameras_are_green_up_to_their_bound_under_a_policy_of_local_mode() -> None:
    ledger = Ledger.begun()
    ledger.policy()
    ledger.evaluations(keys={("hotlist", "inner"): 100})
    assert violated(ledger) == set()
    ledger.evaluations(keys={("hotlist", "inner"): 101})
    assert violated(ledger) == {Kind.LOCAL_KEYS}


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": PseudonymMode.OBLIVIOUS},
        {"zone": "outer"},
        {"not_after": BEGINS},
        {"not_before": BEGINS + DAY},
        {"lists": ()},
    ],
)
def test_keys_for_cameras_under_no_policy_of_local_mode_are_found(changes: dict[str, Any]) -> None:
    ledger = Ledger.begun()
    ledger.policy(**changes)
    ledger.evaluations(keys={("hotlist", "inner"): 1})
    assert violated(ledger) == {Kind.LOCAL_KEYS}


@pytest.mark.parametrize(
    ("a", "b", "apart"), [(5000, 0, True), (900, 0, False), (5000, 2600, False), (2000, 5000, True)]
)
def test_custodians_whose_counts_of_a_day_are_far_apart_are_noted(a: int, b: int, apart: bool) -> None:
    ledger = Ledger.begun()
    ledger.evaluations(A, grants={POLICE: a})
    ledger.evaluations(B, grants={POLICE: b})
    # The day is under way.
    assert findings(ledger) == []
    ledger.now += 3 * DAY
    ledger.counts()
    assert (violated(ledger), noted(ledger)) == (set(), {Kind.EVALUATIONS_APART} if apart else set())


def test_evaluations_within_the_grants_quotas_are_green() -> None:
    ledger = Ledger.begun()
    ledger.evaluations(
        grants={POLICE: 5000, EMISSIONS: 10}, cameras={("hotlist", "inner"): 48_000}, searches=1
    )
    ledger.evaluations(
        grants={POLICE: 5000, EMISSIONS: 20}, cameras={("hotlist", "inner"): 48_000}, searches=1
    )
    assert findings(ledger) == []


def test_more_evaluations_a_day_than_the_grant_allows_are_found() -> None:
    ledger = Ledger.begun()
    ledger.evaluations(grants={POLICE: 5001})
    assert violated(ledger) == {Kind.EVALUATIONS_DAY}


def test_more_evaluations_than_the_key_generations_allow_are_found() -> None:
    ledger = Ledger.begun()
    for number in range(4):
        ledger.evaluations(day=f"2025-03-0{number + 3}", grants={POLICE: 5000})
        ledger.now += DAY
    assert violated(ledger) == set()
    ledger.evaluations(day="2025-03-07", grants={POLICE: 1})
    assert violated(ledger) == {Kind.EVALUATIONS_GENERATION}
    # A new generation of one zone brings the quota anew.
    ledger.register(register("inner", 2))
    ledger.grant(grant(amendment=1, zones=(granted("inner", 2), granted("outer"))))
    ledger.evaluations(day="2025-03-07", grants={POLICE: 2})
    assert len([one for one in findings(ledger) if one.kind is Kind.EVALUATIONS_GENERATION]) == 1


def test_each_custodians_evaluations_are_counted_apart() -> None:
    ledger = Ledger.begun()
    for custodian in Custodian:
        ledger.evaluations(custodian, grants={POLICE: 5000})
    assert findings(ledger) == []


@pytest.mark.parametrize(
    ("day", "grants", "cameras"),
    [
        ("2025-03-03", {"unknown": 1}, {}),
        ("2025-03-03", {}, {("hotlist", "elsewhere"): 1}),
        ("2025-03-03", {}, {("another", "inner"): 1}),
        ("2025-01-03", {POLICE: 1}, {}),
    ],
)
def test_evaluations_under_no_grant_of_the_day_are_found(
    day: str, grants: dict[str, int], cameras: dict[tuple[str, str], int]
) -> None:
    ledger = Ledger.begun()
    ledger.evaluations(day=day, grants=grants, cameras=cameras)
    assert Kind.EVALUATIONS_GRANT in violated(ledger)


def test_more_evaluations_than_a_zones_cameras_may_have_are_found() -> None:
    ledger = Ledger.begun()
    ledger.evaluations(cameras={("hotlist", "inner"): 48_001})
    assert violated(ledger) == {Kind.EVALUATIONS_CAMERAS}


def test_a_days_evaluations_that_decrease_are_found() -> None:
    ledger = Ledger.begun()
    ledger.evaluations(grants={POLICE: 10})
    ledger.evaluations(grants={POLICE: 9})
    assert violated(ledger) == {Kind.EVALUATIONS_DECREASE}


@pytest.mark.parametrize("day", ["2025-02-30", "2025-03-09"])
def test_evaluations_of_no_day_or_one_to_come_are_found(day: str) -> None:
    ledger = Ledger.begun()
    ledger.evaluations(day=day)
    assert Kind.EVALUATIONS_DECREASE in violated(ledger)


# Dates.


def test_an_entry_dated_after_it_was_witnessed_is_found() -> None:
    ledger = Ledger.begun()
    ledger.now += 3600
    ledger.camera(hotlist=1)
    ledger.now -= 3600
    assert violated(ledger) == {Kind.ENTRY_DATED_AHEAD}


def test_an_entry_that_was_held_back_is_noted() -> None:
    ledger = Ledger.begun()
    ledger.now += 2 * 3600
    for custodian in Custodian:
        ledger.evaluations(custodian)
    ledger.now -= 2 * 3600
    ledger.release("late")
    ledger.now += 2 * 3600
    assert (violated(ledger), noted(ledger)) == (set(), {Kind.ENTRY_LATE})


def test_one_party_alone_cannot_move_the_ledgers_time() -> None:
    ledger = Ledger.begun()
    ledger.now += 20 * DAY
    ledger.evaluations(A, "2025-03-23")
    ledger.now -= 20 * DAY
    ledger.grant(grant("police-2", notice_seconds=DAY, not_before=BEGINS))
    ledger.now += 2 * DAY
    ledger.release(grant_id="police-2")
    ledger.now += 20 * DAY
    assert violated(ledger) == set()


# Evaluations in several entries.


def evaluation_parts(ledger: Ledger, extra: int = 0) -> tuple[EvaluationCounts, ...]:
    zones = [("hotlist", "inner", 5), *((f"list-{number:03}", "inner", 0) for number in range(450))]
    return EvaluationCounts(
        custodian=A,
        day="2025-03-03",
        grants=(),
        zones=tuple(
            ZoneEvaluations(list_id=list_id, zone=zone, evaluated=count and count + extra, local_keys=0)
            for list_id, zone, count in zones
        ),
        subject_searches=0,
        made_at=ledger.now,
    ).split()


def test_evaluations_in_several_entries_are_judged_as_one() -> None:
    ledger = Ledger.begun()
    for extra in (0, 1):
        # The other custodian's may stand between them.
        for part in evaluation_parts(ledger, extra):
            ledger.enter(part, CUSTODIANS[A])
            ledger.evaluations(B)
    assert findings(ledger) == []
    for part in evaluation_parts(ledger, 0):
        ledger.enter(part, CUSTODIANS[A])
    assert violated(ledger) == {Kind.EVALUATIONS_DECREASE}


def test_a_part_of_the_evaluations_that_is_missing_is_found() -> None:
    ledger = Ledger.begun()
    for part in (*evaluation_parts(ledger)[:3], *evaluation_parts(ledger)):
        ledger.enter(part, CUSTODIANS[A])
    assert violated(ledger) == {Kind.EVALUATIONS_DECREASE}
