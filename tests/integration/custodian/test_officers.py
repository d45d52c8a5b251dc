"""Officers' words over real TLS: whose count, when, and for which custodian; four eyes."""

from __future__ import annotations

import subprocess
from contextlib import nullcontext
from dataclasses import replace

import pytest

from blindplate.cli.demonstration.processes import command
from blindplate.cli.deployment import Plan
from blindplate.client.officer import decide, pending
from blindplate.core.errors import (
    ExpiredError,
    IdentityError,
    NotFoundError,
    PolicyError,
    SettingsError,
    SignatureError,
)
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.core.statements.releases import Approval, Verdict
from blindplate.edge.keyfiles import write_secret
from blindplate.edge.statuses import remote_errors
from blindplate.server.custodian import voting
from blindplate.server.custodian.suspending import give_word
from blindplate.server.custodian.suspensions import Word
from blindplate.v1 import release_pb2 as v1
from blindplate.v1.release_pb2_grpc import ApprovalsStub
from tests.integration.ledger_site import MovedClock, party_key

from .conftest import Custodians
from .requesting import Case, officer

A, B = Custodian


@pytest.fixture
def police(custodians: Custodians) -> Case:
    return Case(custodians, "police")


def test_denied_by_an_officer_for_good(police: Case) -> None:
    statement = police.asked(police.sealed())
    police.submit(A, statement)
    denial = decide(officer(police, A), statement.statement_id, Verdict.DENIED, "No basis.")
    assert denial is not None
    assert (denial.verdict, denial.code, denial.reason) == ("denied", "policy", "No basis.")

    # The same word again changes nothing; another one is refused.
    assert decide(officer(police, A), statement.statement_id, Verdict.DENIED, "No basis.") == denial
    with pytest.raises(PolicyError):
        decide(officer(police, A, "2"), statement.statement_id, Verdict.APPROVED, "But still.")
    status = police.submit(A, statement)
    assert (status.state, status.sealed_share) == (v1.RELEASE_STATE_DENIED, b"")


def test_nobody_else_may_ask_or_decide(police: Case) -> None:
    statement = police.asked(police.sealed())
    for party in ("camera-1", "matcher", "officer-a-1"):
        with pytest.raises(IdentityError):
            police.submit(A, statement, party=party)
    police.submit(A, statement)
    # An officer of the other custodian.
    stranger = officer(police, B).model_copy(update={"address": police.custodians.address(A), "custodian": A})
    with pytest.raises(IdentityError):
        pending(stranger)
    with pytest.raises(IdentityError):
        decide(stranger, statement.statement_id, Verdict.APPROVED, "Let me.")


def test_an_officers_word_needs_key_certificate_and_name_of_one_officer(police: Case) -> None:
    statement = police.asked(police.sealed())
    police.submit(A, statement)
    one, two = officer(police, A, "1"), officer(police, A, "2")
    with pytest.raises(SignatureError):  # the certificate of one, the key of two
        decide(
            one.model_copy(update={"signing_key": two.signing_key}),
            statement.statement_id,
            Verdict.APPROVED,
            "x",
        )
    with pytest.raises(IdentityError):  # one's own certificate and key, two's name
        decide(one.model_copy(update={"name": two.name}), statement.statement_id, Verdict.APPROVED, "x")
    forged = police.custodians.deployment.folder / "forged.key"
    write_secret(forged, SigningKey.generate().seed)
    with pytest.raises(SignatureError):
        decide(one.model_copy(update={"signing_key": forged}), statement.statement_id, Verdict.APPROVED, "x")
    assert len(pending(one)) == 1


@pytest.mark.parametrize("offset", [-600, 600])
def test_a_word_not_said_just_now_counts_for_nothing(police: Case, offset: int) -> None:
    statement = police.asked(police.sealed())
    police.submit(A, statement)
    clock = MovedClock()
    clock.offset = police.custodians.clock.offset + offset
    with pytest.raises(ExpiredError):
        decide(officer(police, A), statement.statement_id, Verdict.APPROVED, "x", clock)
    assert police.check(A, statement).state == v1.RELEASE_STATE_PENDING


def test_everything_that_waits_is_shown_in_however_many_pages(
    police: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voting, "_PAGE", 2)
    sealed = police.sealed()
    statements = [police.signed(police.request(sealed)) for _ in range(5)]
    police.enter(*statements)
    for statement in statements:
        police.submit(A, statement)
    shown = [one.request_id for one in pending(officer(police, A))]
    assert sorted(shown) == sorted(statement.statement_id for statement in statements)


def test_officers_see_whether_it_is_an_alternate_reading_and_whose_approval_it_needs(police: Case) -> None:
    plain, alternate = police.sealed(), police.sealed(alternate=True)
    for sealed in (plain, alternate):
        police.submit(A, police.asked(sealed))
    shown = {one.alternate: one for one in pending(officer(police, A))}
    assert {one.officers_needed for one in shown.values()} == {1}
    assert {one.approved_by for one in shown.values()} == {()}
    assert shown[True].request.record == alternate.record.without_ciphertext().to_bytes()
    assert shown[False].request.record == plain.record.without_ciphertext().to_bytes()


@pytest.mark.parametrize("made_for", Custodian)
def test_a_word_for_the_other_custodian_counts_for_nothing(police: Case, made_for: Custodian) -> None:
    statement = police.asked(police.sealed())
    police.submit(A, statement)
    word = Approval(
        custodian=made_for,
        request_id=statement.statement_id,
        officer="officer-a-1",
        verdict=Verdict.APPROVED,
        reason="Warrant seen.",
        made_at=int(police.custodians.clock.now()),
    ).statement(party_key(police.custodians.deployment, "officer-a-1"))
    stub = ApprovalsStub(police.custodians.channel(A, "officer-a-1"))
    expected = pytest.raises(IdentityError, match="other custodian") if made_for is B else nullcontext()
    with expected, remote_errors("custodian"):
        stub.Decide(v1.DecideRequest(approval=word.to_proto()), timeout=20)
    if made_for is B:
        assert len(pending(officer(police, A))) == 1
    else:
        police.approved(A, statement)


@pytest.mark.parametrize("shared", ["name", "public"])
def test_two_officers_with_one_name_or_key_refuse_to_start(custodians: Custodians, shared: str) -> None:
    one, two = (str(entry.model_dump(mode="json")[shared]) for entry in custodians.settings(A).officers)
    file = custodians.deployment.settings("custodian-a")
    assert two in file.read_text()
    file.write_text(file.read_text().replace(two, one))
    with pytest.raises(SettingsError, match="officers"):
        custodians.settings(A)


def test_unknown_request_not_found(police: Case) -> None:
    with pytest.raises(NotFoundError):
        decide(officer(police, A), bytes(32), Verdict.APPROVED, "x", police.custodians.clock)


def test_checked_anew_when_an_officer_approves(police: Case) -> None:
    statement = police.asked(police.sealed())
    police.submit(A, statement)
    settings, clock = police.custodians.settings(A), police.custodians.clock
    give_word(settings, Word("police-1", suspended=True, reason="Doubts."), clock.now())
    decision = decide(officer(police, A), statement.statement_id, Verdict.APPROVED, "Warrant seen.")
    assert decision is not None
    assert (decision.verdict, decision.code) == ("denied", "grant")
    assert not police.check(A, statement).sealed_share


class TestEmergencies:
    """The grant lets them skip officers, but for an alternate reading."""

    @pytest.fixture
    def plan(self, plan: Plan) -> Plan:
        return replace(plan, lists=tuple(replace(entry, emergency=True) for entry in plan.lists))

    def test_one_that_waits_is_shown_as_what_it_is(self, police: Case) -> None:
        police.submit(A, police.asked(police.sealed(alternate=True), emergency=True))
        words = command("custodian", "pending", police.custodians.deployment.settings("officer-a-1"))
        shown = subprocess.run(words, capture_output=True, text=True, timeout=60).stdout
        for part in (
            "murder",
            "ALTERNATE READING",
            "EMERGENCY",
            "one officer",
            "nobody yet",
            "lawful basis: Data Protection Act",
        ):
            assert part in shown


class TestFourEyes:
    """Two officers of each custodian."""

    @pytest.fixture
    def plan(self, plan: Plan) -> Plan:
        return replace(plan, lists=tuple(replace(entry, officers=2) for entry in plan.lists))

    @pytest.fixture
    def statement_id(self, police: Case) -> bytes:
        statement = police.asked(police.sealed())
        police.submit(A, statement)
        return statement.statement_id

    def test_each_sees_who_has_approved_and_that_another_must(
        self, police: Case, statement_id: bytes
    ) -> None:
        for approved in ((), ("officer-a-1",)):
            for name in ("1", "2"):
                (shown,) = pending(officer(police, A, name))
                assert (shown.request_id, shown.officers_needed, shown.approved_by) == (
                    statement_id,
                    2,
                    approved,
                )
            assert decide(officer(police, A), statement_id, Verdict.APPROVED, "Seen.") is None
        assert pending(officer(police, B)) == []

    def test_one_officer_is_not_enough_however_often(self, police: Case, statement_id: bytes) -> None:
        for _ in range(3):
            assert decide(officer(police, A), statement_id, Verdict.APPROVED, "Seen.") is None
        decision = decide(officer(police, A, "2"), statement_id, Verdict.APPROVED, "Seen, too.")
        assert decision is not None
        assert decision.officers == ("officer-a-1", "officer-a-2")

    def test_the_second_may_deny(self, police: Case, statement_id: bytes) -> None:
        decide(officer(police, A), statement_id, Verdict.APPROVED, "Seen.")
        decision = decide(officer(police, A, "2"), statement_id, Verdict.DENIED, "No.")
        assert decision is not None
        assert (decision.verdict, decision.officers) == ("denied", ("officer-a-1", "officer-a-2"))

    def test_an_approval_put_into_the_database_counts_for_nothing(
        self, police: Case, statement_id: bytes
    ) -> None:
        decide(officer(police, A), statement_id, Verdict.APPROVED, "Seen.")
        police.custodians.execute(
            A, "INSERT INTO approvals SELECT request_id, 'officer-a-2', statement, received_at FROM approvals"
        )
        assert decide(officer(police, A), statement_id, Verdict.APPROVED, "Seen.") is None
        assert len(pending(officer(police, A))) == 1

    def test_an_officers_word_on_another_request_put_into_the_database_counts_for_nothing(
        self, police: Case, statement_id: bytes
    ) -> None:
        other = police.asked(police.sealed())
        police.submit(A, other)
        decide(officer(police, A, "2"), other.statement_id, Verdict.APPROVED, "Another case.")
        moved = police.custodians.execute(
            A, f"UPDATE approvals SET request_id = x'{statement_id.hex()}' WHERE officer = 'officer-a-2'"
        )
        assert moved == 1
        assert decide(officer(police, A), statement_id, Verdict.APPROVED, "Seen.") is None
