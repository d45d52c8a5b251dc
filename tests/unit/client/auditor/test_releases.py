"""Every rule about requests, decisions and outcomes, shown to fire; and what must not set it off."""

from __future__ import annotations

from typing import Any

import pytest

from blindplate.client.auditor.findings import Kind
from blindplate.core.parties import Custodian
from blindplate.core.statements.grants import ReleaseMode, ReleasePolicy
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import Outcome, RequestEntry
from blindplate.core.statements.releases import Verdict
from tests.unit.client.auditor.ledgers import (
    BEGINS,
    DAY,
    EMISSIONS,
    POLICE,
    STANDING,
    Ledger,
    findings,
    grant,
    granted,
    made,
    noted,
    register,
    violated,
)

A, B = Custodian.A, Custodian.B


def approved_by_a(ledger: Ledger, request: RequestEntry, **changes: Any) -> set[Kind]:
    """What is violated once custodian A approved the request."""
    ledger.decide(A, request, **changes)
    return violated(ledger)


def test_an_honest_release_of_either_kind_is_green() -> None:
    ledger = Ledger.begun()
    ledger.outcome(ledger.release())
    ledger.outcome(ledger.release("charge", EMISSIONS), Outcome.OPENED)
    assert findings(ledger) == []


# Requests: noted when made, a violation once approved.


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (Kind.REQUEST_PLACE, {"zone": "elsewhere"}),
        (Kind.REQUEST_PURPOSE, {"purpose": Purpose.UNPAID_CHARGE}),
        (Kind.REQUEST_LIFE, {"expires_at": BEGINS + 60 * DAY}),
        (Kind.REQUEST_EMERGENCY, {"emergency": True}),
    ],
)
def test_a_request_that_should_be_refused_is_noted_and_its_approval_a_violation(
    kind: Kind, changes: dict[str, Any]
) -> None:
    ledger = Ledger.begun()
    request = ledger.request(**changes)
    assert noted(ledger) == {kind}
    assert violated(ledger) == set()
    assert approved_by_a(ledger, request) == {Kind.APPROVAL_OUTSIDE_GRANT}


def test_a_request_on_the_law_of_a_later_amendment_is_noted_and_its_approval_a_violation() -> None:
    ledger = Ledger.begun()
    ledger.grant(grant(amendment=1, lawful_basis="Another act", not_before=BEGINS + 20 * DAY))
    old, new = ledger.request("old"), ledger.request("new", lawful_basis="Another act")
    assert noted(ledger) == {Kind.REQUEST_PURPOSE}
    ledger.decide(A, old)
    assert violated(ledger) == set()
    assert approved_by_a(ledger, new) == {Kind.APPROVAL_OUTSIDE_GRANT}


def test_refusing_a_request_that_should_be_refused_is_no_violation() -> None:
    ledger = Ledger.begun()
    ledger.decide(A, ledger.request(zone="elsewhere"), Verdict.DENIED, code="grant")
    assert violated(ledger) == set()


@pytest.mark.parametrize("made_at", [BEGINS - 2 * DAY, BEGINS + 31 * DAY])
def test_a_request_made_outside_the_grants_time_is_noted(made_at: int) -> None:
    ledger = Ledger.begun()
    ledger.now = max(made_at, ledger.now)
    ledger.request(made_at=made_at, expires_at=made_at + DAY)
    assert Kind.REQUEST_GRANT in noted(ledger)


def test_a_request_after_the_grants_end_is_noted_and_its_approval_a_violation() -> None:
    ledger = Ledger.begun()
    ledger.end()
    request = ledger.request()
    assert noted(ledger) == {Kind.REQUEST_GRANT}
    assert approved_by_a(ledger, request) == {Kind.APPROVAL_OUTSIDE_GRANT, Kind.APPROVAL_NOT_IN_FORCE}


def test_a_record_of_a_zone_that_was_amended_away_may_still_be_asked_for_while_it_is_held() -> None:
    ledger = Ledger.begun()
    ledger.grant(grant(amendment=1, zones=(granted("outer"),)))
    ledger.now += 3600
    ledger.release(zone="inner")
    assert findings(ledger) == []
    ledger.now += 4 * DAY
    ledger.request("later", zone="inner")
    assert noted(ledger) == {Kind.REQUEST_PLACE}


# Order and chain (G6).


def test_a_decision_without_any_request_is_a_violation_when_it_approves_and_a_note_when_not() -> None:
    ledger = Ledger.begun()
    request = Ledger.begun().request("never entered")
    ledger.decide(A, request, Verdict.DENIED, code="unwitnessed")
    assert (violated(ledger), noted(ledger)) == (set(), {Kind.DECISION_WITHOUT_REQUEST})
    ledger.decide(B, request)
    assert violated(ledger) == {Kind.DECISION_WITHOUT_REQUEST}


def test_an_approval_that_stands_before_its_request_is_a_violation() -> None:
    ledger = Ledger.begun()
    request = ledger.request()
    ledger.decide(A, request)
    ledger.entries[-1], ledger.entries[-2] = ledger.entries[-2], ledger.entries[-1]
    assert violated(ledger) == {Kind.DECISION_WITHOUT_REQUEST}


def test_a_custodian_that_decides_twice_is_found() -> None:
    ledger = Ledger.begun()
    request = ledger.request()
    ledger.decide(A, request, Verdict.DENIED)
    assert approved_by_a(ledger, request) == {Kind.DECISION_TWICE}


def test_a_decision_under_another_grant_is_found() -> None:
    ledger = Ledger.begun()
    assert Kind.DECISION_OTHER_GRANT in approved_by_a(ledger, ledger.request(), grant_id=EMISSIONS)


@pytest.mark.parametrize("changes", [{"sequence": 1}, {"previous": made("another")}])
def test_a_gap_in_a_custodians_decisions_is_found_once(changes: dict[str, Any]) -> None:
    ledger = Ledger.begun()
    ledger.decide(A, ledger.request(), **changes)
    ledger.release("after")
    broken = [one for one in findings(ledger) if one.kind is Kind.DECISION_CHAIN]
    assert len(broken) == 1


def test_a_decision_entered_again_is_found() -> None:
    ledger = Ledger.begun()
    ledger.decide(A, ledger.request())
    ledger.enter_bytes(ledger.entries[-1])
    assert violated(ledger) == {Kind.DECISION_CHAIN, Kind.DECISION_TWICE}


# Time.


def test_an_approval_after_the_request_expired_is_found() -> None:
    ledger = Ledger.begun()
    request = ledger.request()
    ledger.now = request.expires_at
    assert approved_by_a(ledger, request) == {Kind.APPROVAL_LATE}


def test_a_request_called_expired_before_it_is_is_found() -> None:
    ledger = Ledger.begun()
    request = ledger.request()
    ledger.decide(A, request, Verdict.EXPIRED)
    assert violated(ledger) == {Kind.DECISION_TOO_EARLY}


def test_a_request_that_expired_is_green() -> None:
    ledger = Ledger.begun()
    request = ledger.request()
    ledger.now = request.expires_at
    ledger.decide(A, request, Verdict.EXPIRED)
    assert findings(ledger) == []


def test_an_approval_before_an_amendments_notice_is_over_is_found() -> None:
    ledger = Ledger.begun(grant(notice_seconds=2 * DAY, not_before=BEGINS - 30 * DAY))
    ledger.grant(grant("police-2", notice_seconds=2 * DAY))
    request = ledger.request(grant_id="police-2")
    assert Kind.APPROVAL_NOT_IN_FORCE in approved_by_a(ledger, request)


def test_an_approval_after_the_grant_ended_is_found_as_soon_as_the_custodian_must_have_known() -> None:
    ledger = Ledger.begun()
    request = ledger.request()
    ledger.end()
    # It may not have read the end when it decided on a request that stands before it.
    assert approved_by_a(ledger, request) == set()
    second = ledger.request("second")
    ledger.decide(A, second, Verdict.DENIED, code="grant")
    third = ledger.request("third", made_at=request.made_at)
    assert Kind.APPROVAL_NOT_IN_FORCE in approved_by_a(ledger, third)


def test_an_approval_long_after_the_end_is_found_whatever_the_custodian_read() -> None:
    ledger = Ledger.begun()
    request = ledger.request(expires_at=BEGINS + 20 * DAY)
    ledger.end()
    ledger.now += 2 * DAY
    assert approved_by_a(ledger, request) == {Kind.APPROVAL_NOT_IN_FORCE}


def test_an_approval_by_the_custodian_that_suspended_the_grant_is_found() -> None:
    ledger = Ledger.begun()
    ledger.suspend(A)
    request = ledger.request()
    ledger.decide(B, request)
    assert violated(ledger) == set()
    assert approved_by_a(ledger, request) == {Kind.APPROVAL_NOT_IN_FORCE}


def test_a_suspension_that_was_lifted_bars_nothing() -> None:
    ledger = Ledger.begun()
    ledger.suspend(A)
    ledger.suspend(A, suspended=False)
    ledger.release()
    assert findings(ledger) == []


# Quotas and officers.


def test_more_approvals_a_day_than_the_grant_allows_are_found_for_each_custodian() -> None:
    ledger = Ledger.begun()
    for number in range(5):
        ledger.release(str(number))
    assert violated(ledger) == set()
    ledger.decide(B, ledger.request("one more"))
    assert violated(ledger) == {Kind.APPROVAL_QUOTA}


def test_the_quota_is_renewed_at_midnight_utc() -> None:
    ledger = Ledger.begun()
    for number in range(5):
        ledger.release(str(number))
    ledger.now = BEGINS + DAY
    ledger.release("next day")
    assert violated(ledger) == set()


def test_an_amendment_that_lowers_the_quota_is_not_held_against_the_day_before_it() -> None:
    ledger = Ledger.begun()
    for number in range(4):
        ledger.release(str(number))
    lower = ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=1, officers=2)
    ledger.grant(grant(amendment=1, release=lower))
    ledger.release("that day")
    assert violated(ledger) == set()
    ledger.now += 3 * DAY
    for custodian in Custodian:
        ledger.evaluations(custodian, "2025-03-06")
    ledger.release("later")
    assert violated(ledger) == set()
    ledger.release("one more")
    assert violated(ledger) == {Kind.APPROVAL_QUOTA}


def test_a_standing_authorisation_has_a_quota_of_its_own() -> None:
    ledger = Ledger.begun(grant(release=STANDING), grant(EMISSIONS))
    for number in range(2):
        request = ledger.request(str(number), purpose=Purpose.MISSING_PERSON)
        for custodian in Custodian:
            ledger.decide(custodian, request, automatic=True, officers=0)
    assert findings(ledger) == []
    third = ledger.request("third", purpose=Purpose.MISSING_PERSON)
    assert approved_by_a(ledger, third, automatic=True, officers=0) == {Kind.APPROVAL_STANDING_QUOTA}


def test_a_standing_authorisation_is_for_its_purposes_alone() -> None:
    ledger = Ledger.begun(grant(release=STANDING), grant(EMISSIONS))
    request = ledger.request(purpose=Purpose.MURDER)
    assert approved_by_a(ledger, request, automatic=True, officers=0) == {Kind.APPROVAL_OFFICERS}


@pytest.mark.parametrize(
    "changes", [{"officers": 1}, {"officers": 0, "automatic": True}, {"automatic": True}]
)
def test_fewer_officers_than_the_grant_asks_for_are_found(changes: dict[str, Any]) -> None:
    ledger = Ledger.begun()
    assert approved_by_a(ledger, ledger.request(), **changes) == {Kind.APPROVAL_OFFICERS}


def test_a_less_likely_reading_approved_without_an_officer_is_found() -> None:
    ledger = Ledger.begun()
    request = ledger.request(grant_id=EMISSIONS, alternate=True)
    assert approved_by_a(ledger, request) == {Kind.APPROVAL_ALTERNATE}


def test_a_less_likely_reading_that_an_officer_approved_is_green() -> None:
    ledger = Ledger.begun()
    request = ledger.request(grant_id=EMISSIONS, alternate=True)
    ledger.decide(A, request, automatic=False, officers=1)
    assert findings(ledger) == []


# Emergencies.


def test_an_emergency_that_the_grant_allows_is_noted_and_no_violation() -> None:
    ledger = Ledger.begun(grant(release=STANDING), grant(EMISSIONS))
    request = ledger.request(emergency=True)
    ledger.decide(A, request, automatic=True, emergency=True, officers=0)
    assert (violated(ledger), noted(ledger)) == (set(), {Kind.EMERGENCY_USED})


def test_an_emergency_that_was_not_asked_for_is_found() -> None:
    ledger = Ledger.begun(grant(release=STANDING), grant(EMISSIONS))
    request = ledger.request()
    found = approved_by_a(ledger, request, automatic=True, emergency=True, officers=0)
    assert found == {Kind.APPROVAL_EMERGENCY}


def test_an_emergency_that_the_grant_does_not_allow_is_found() -> None:
    ledger = Ledger.begun()
    request = ledger.request(emergency=True)
    found = approved_by_a(ledger, request, automatic=True, emergency=True, officers=0)
    assert found == {Kind.APPROVAL_EMERGENCY, Kind.APPROVAL_OUTSIDE_GRANT}


def test_an_emergency_never_releases_a_less_likely_reading() -> None:
    ledger = Ledger.begun(grant(release=STANDING), grant(EMISSIONS))
    request = ledger.request(emergency=True, alternate=True)
    found = approved_by_a(ledger, request, automatic=True, emergency=True, officers=0)
    assert found == {Kind.APPROVAL_ALTERNATE}


# What custodian B marks, alarms, outcomes.


@pytest.mark.parametrize(
    ("custodian", "verdict", "tag"),
    [
        (A, Verdict.APPROVED, made("tag")),
        (B, Verdict.APPROVED, None),
        (B, Verdict.DENIED, made("tag")),
    ],
)
def test_a_subject_tag_where_none_belongs_or_none_where_one_does_is_found(
    custodian: Custodian, verdict: Verdict, tag: bytes | None
) -> None:
    ledger = Ledger.begun()
    ledger.decide(custodian, ledger.request(), verdict, subject_tag=tag)
    assert violated(ledger) == {Kind.SUBJECT_TAG}


def test_a_hit_that_was_on_no_list_is_noted() -> None:
    ledger = Ledger.begun()
    ledger.decide(B, ledger.request(), Verdict.DENIED, code="membership")
    assert noted(ledger) == {Kind.NOT_LISTED}


@pytest.mark.parametrize("verdict", [None, Verdict.DENIED])
def test_an_outcome_of_what_both_had_not_approved_is_found(verdict: Verdict | None) -> None:
    ledger = Ledger.begun()
    request = ledger.request()
    ledger.decide(A, request)
    if verdict:
        ledger.decide(B, request, verdict)
    ledger.outcome(request)
    assert violated(ledger) == {Kind.OUTCOME_WITHOUT_RELEASE}


def test_an_outcome_that_changes_is_noted() -> None:
    ledger = Ledger.begun()
    request = ledger.release()
    ledger.outcome(request, Outcome.OPENED)
    ledger.outcome(request, Outcome.CONFIRMED)
    assert findings(ledger) == []
    ledger.outcome(request, Outcome.MISREAD)
    assert noted(ledger) == {Kind.OUTCOME_CHANGED}


def test_a_record_that_did_not_open_is_noted() -> None:
    ledger = Ledger.begun()
    ledger.outcome(ledger.release(), Outcome.FAILED)
    assert noted(ledger) == {Kind.OUTCOME_FAILED}


def test_every_sentence_names_the_party_and_ends() -> None:
    ledger = Ledger.begun()
    ledger.decide(A, ledger.request(zone="elsewhere"), sequence=7, officers=0)
    ledger.register(register("inner", 2))
    for one in findings(ledger):
        assert one.sentence.endswith(".")
        assert POLICE in one.sentence or "Custodian A" in one.sentence
