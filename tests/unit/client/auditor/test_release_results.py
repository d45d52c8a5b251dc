"""What came of requests: agreement, time taken, outcomes, and the words for numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.client.auditor.findings import Kind
from blindplate.client.auditor.release_results import Agreement, Outcomes, Taken, Way
from blindplate.client.auditor.summary import Summary, summarize
from blindplate.client.auditor.wording import duration, share
from blindplate.core.parties import Custodian
from blindplate.core.statements.release_entries import Outcome
from blindplate.core.statements.releases import Verdict
from tests.unit.client.auditor.ledgers import EMISSIONS, POLICE, STANDING, Ledger, audited, grant

A, B = Custodian.A, Custodian.B
DENIED, EXPIRED = Verdict.DENIED, Verdict.EXPIRED


def begun() -> Ledger:
    """A ledger whose police grant allows everything that is tested here."""
    policy = STANDING.model_copy(update={"daily_quota": 50})
    return Ledger.begun(grant(POLICE, release=policy), grant(EMISSIONS))


def summary_of(ledger: Ledger) -> Summary:
    """The summary of an audit that finds nothing broken."""
    audit = audited(ledger)
    assert audit.violations == []
    return summarize(audit)


def test_agreement_counts_who_refused_alone_and_who_did_not_decide() -> None:
    ledger = begun()
    ledger.release("both")
    for name, verdicts in (
        ("a", {A: DENIED, B: Verdict.APPROVED}),
        ("b", {A: Verdict.APPROVED, B: DENIED}),
        ("b again", {A: Verdict.APPROVED, B: DENIED}),
        ("neither", {A: DENIED, B: DENIED}),
        ("one says nothing", {A: DENIED}),
    ):
        request = ledger.request(name)
        for custodian, verdict in verdicts.items():
            ledger.decide(custodian, request, verdict)
    ledger.request("nobody says anything")
    late = ledger.request("expires", expires_at=ledger.now + 60)
    ledger.now += 60
    for custodian in Custodian:
        ledger.decide(custodian, late, EXPIRED, code="expired")
    ledger.release("charge", EMISSIONS)
    assert summary_of(ledger).releases.agreements == (
        Agreement("hotlist", 1, 1, 1, 2, 3),
        Agreement("liable", 1, 0, 0, 0, 0),
    )


def test_time_is_taken_to_the_second_approval_or_the_first_refusal() -> None:
    ledger = begun()
    for seconds in (30, 10, 20, 40, 50):
        request = ledger.request(f"{seconds}")
        ledger.decide(A, request, decided_at=request.made_at + 1)
        ledger.decide(B, request, decided_at=request.made_at + seconds)
    refused = ledger.request("refused")
    ledger.decide(A, refused, DENIED, decided_at=refused.made_at + 7)
    ledger.decide(B, refused, DENIED, decided_at=refused.made_at + 9)
    waiting = ledger.request("waiting")
    ledger.decide(A, waiting)
    early = ledger.request("by clocks that lie apart", EMISSIONS)
    for custodian in Custodian:
        ledger.decide(custodian, early, decided_at=early.made_at - 2)
    hurried = ledger.request("hurried", emergency=True)
    for custodian in Custodian:
        ledger.decide(
            custodian, hurried, automatic=True, emergency=True, officers=0, decided_at=hurried.made_at + 3
        )
    assert summary_of(ledger).releases.taken == (
        Taken("hotlist", Way.EMERGENCY, 1, 3, 3, 3),
        Taken("hotlist", Way.OFFICERS, 5, 30, 50, 50),
        Taken("hotlist", Way.NO_OFFICER, 1, 7, 7, 7),
        Taken("liable", Way.NO_OFFICER, 1, 0, 0, 0),
    )


def test_outcomes_count_the_last_word_on_each_release() -> None:
    ledger = begun()
    words = (
        (Outcome.OPENED, Outcome.CONFIRMED),
        (Outcome.CONFIRMED, Outcome.NOT_SOUGHT),
        (Outcome.MISREAD,),
        (Outcome.OPENED, Outcome.MISREAD),
        *3 * ((Outcome.OPENED,),),
        (Outcome.FAILED,),
        (),
    )
    for number, said in enumerate(words):
        request = ledger.release(f"{number}")
        for outcome in said:
            ledger.outcome(request, outcome)
    (found,) = summary_of(ledger).releases.outcomes
    assert found == Outcomes("hotlist", 9, opened=3, confirmed=1, misread=2, not_sought=1, failed=1)
    assert (found.false_hits, found.judged, found.unreported) == (3, 4, 1)


def test_alarms_are_listed_whether_they_were_noted_or_not() -> None:
    quiet = {one.name: one.noted for one in summary_of(begun()).alarms}
    assert set(quiet.values()) == {0}
    ledger = begun()
    for custodian in Custodian:
        ledger.decide(custodian, ledger.request(f"{custodian}"), DENIED, code="membership")
    ledger.outcome(ledger.release("failed"), Outcome.FAILED)
    ledger.request("elsewhere", zone="elsewhere")
    ledger.counts(refused=3)
    loud = {one.name: one.noted for one in summary_of(ledger).alarms}
    assert loud == quiet | {"no-true-hit": 2, "did-not-open": 1, "outside-grant": 1, "claims-refused": 1}


def test_what_breaks_a_rule_is_no_mere_alarm() -> None:
    ledger = begun()
    never = ledger.request("never entered")
    del ledger.entries[-1]
    ledger.decide(A, never)
    ledger.decide(B, never, DENIED)
    audit = audited(ledger)
    assert [one.kind for one in audit.violations] == [Kind.DECISION_WITHOUT_REQUEST]
    assert {one.name: one.noted for one in summarize(audit).alarms}["not-entered"] == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (61, "1 minute 1 second"),
        (3600, "1 hour"),
        (3659, "1 hour"),
        (7260, "2 hours 1 minute"),
        (86_400, "1 day"),
        (31 * 86_400 + 3 * 3600 + 59, "31 days 3 hours"),
    ],
)
def test_a_length_of_time_is_told_in_its_two_largest_units(seconds: int, words: str) -> None:
    assert duration(seconds) == words


@given(st.integers(0, 60), st.integers(0, 60))
def test_no_percentage_is_given_of_a_few(part: int, more: int) -> None:
    whole = part + more
    words = share(part, whole)
    assert ("%" in words) == (whole >= 50)
    assert words == "none yet" if whole == 0 else str(part) in words or "%" in words
