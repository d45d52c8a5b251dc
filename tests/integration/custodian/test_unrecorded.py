"""What is no request at all, or not yet one: an error and no decision, so that it may be asked again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blindplate.client.officer import decide, decisions, pending
from blindplate.core.errors import (
    BlindplateError,
    CommitmentError,
    EntryError,
    GrantError,
    IdentityError,
    MessageError,
    SignatureError,
    UnwitnessedError,
)
from blindplate.core.parties import Custodian
from blindplate.core.records.sealing import Sealed
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.releases import Verdict
from blindplate.v1 import release_pb2 as v1
from tests.integration.ledger_site import party_key

from .conftest import Custodians
from .requesting import Case, officer

A, B = Custodian


@pytest.fixture
def case(custodians: Custodians) -> Case:
    return Case(custodians, "emissions")


def asked(case: Case, sealed: Sealed) -> Statement:
    return case.asked(sealed)


def key_of(case: Case, party: str) -> SigningKey:
    return party_key(case.custodians.deployment, party)


@pytest.mark.parametrize(
    ("make", "party", "error"),
    [
        pytest.param(
            lambda case, sealed: case.request(sealed).statement(key_of(case, "owner-police")),
            "owner-emissions",
            SignatureError,
            id="signed-by-another-owner",
        ),
        pytest.param(
            lambda case, sealed: case.request(sealed).statement(),
            "owner-emissions",
            SignatureError,
            id="unsigned",
        ),
        pytest.param(
            lambda case, sealed: Statement(
                "application/json", case.request(sealed).statement().payload
            ).signed_by(key_of(case, "owner-emissions")),
            "owner-emissions",
            SignatureError,
            id="statement-of-another-type",
        ),
        pytest.param(
            asked,
            "owner-police",
            IdentityError,
            id="brought-by-another-owner",
        ),
        pytest.param(
            lambda case, sealed: case.signed(case.request(sealed)),
            "owner-emissions",
            UnwitnessedError,
            id="not-entered-in-the-ledger",
        ),
        pytest.param(
            lambda case, sealed: case.signed(case.request(sealed, record=b"\xff")),
            "owner-emissions",
            MessageError,
            id="record-unreadable",
        ),
        pytest.param(
            lambda case, sealed: case.signed(case.request(sealed, record=sealed.record.to_bytes())),
            "owner-emissions",
            MessageError,
            id="record-with-its-ciphertext",
        ),
        pytest.param(
            lambda case, sealed: case.asked(sealed, candidates_digest=bytes(32)),
            "owner-emissions",
            CommitmentError,
            id="other-candidates-than-it-signs",
        ),
        pytest.param(
            lambda case, sealed: case.request(
                sealed, requester="spiffe://blindplate/owner/owner-police"
            ).statement(key_of(case, "owner-police")),
            "owner-police",
            GrantError,
            id="grant-of-another-owner",
        ),
        pytest.param(
            lambda case, sealed: case.signed(case.request(sealed, grant_id="emissions-2")),
            "owner-emissions",
            GrantError,
            id="unknown-grant",
        ),
        pytest.param(
            lambda case, sealed: Statement(case.request(sealed).media_type(), b"{}").signed_by(
                key_of(case, "owner-emissions")
            ),
            "owner-emissions",
            MessageError,
            id="fields-missing",
        ),
    ],
)
def test_not_its_senders_own_word(
    case: Case, make: Callable[[Case, Sealed], Statement], party: str, error: type[BlindplateError]
) -> None:
    statement = make(case, case.sealed())
    with pytest.raises(error):
        case.submit(A, statement, party=party)
    assert decisions(officer(case, A)) == []


def test_a_record_of_another_list_is_not_even_entered(case: Case) -> None:
    sealed = Case(case.custodians, "police").sealed()
    statement = case.signed(case.request(sealed))
    with pytest.raises(EntryError, match="another list"):
        case.enter(statement)
    with pytest.raises(UnwitnessedError):
        case.submit(A, statement)


def test_asked_again_once_it_is_entered(case: Case) -> None:
    statement = case.signed(case.request(case.sealed()))
    with pytest.raises(UnwitnessedError):
        case.submit(A, statement)
    case.enter(statement)
    case.released(A, statement)


def test_no_custodian_decides_while_the_other_does_not_witness(case: Case) -> None:
    police = Case(case.custodians, "police")
    waits = police.asked(police.sealed(), expires_at=int(case.custodians.clock.now()) + 7_200)
    police.submit(A, waits)
    statement = case.asked(case.sealed())
    case.custodians.stop(B)
    # A minute later what both cosigned is too old: B may have seen another history since.
    case.custodians.clock.offset += 61
    with pytest.raises(UnwitnessedError):
        case.submit(A, statement)
    clock = case.custodians.clock
    with pytest.raises(UnwitnessedError):
        decide(officer(police, A), waits.statement_id, Verdict.APPROVED, "Warrant seen.", clock)
    assert len(pending(officer(police, A))) == 1
    assert decisions(officer(case, A)) == []


def test_an_approval_is_handed_out_once_its_entry_is_in_the_ledger_and_not_before(case: Case) -> None:
    statement = case.asked(case.sealed(alternate=True))
    case.submit(A, statement)
    # The checkpoint seen just now is fresh enough for an officer's word.
    case.custodians.ledger.stop()
    clock = case.custodians.clock
    decision = decide(officer(case, A), statement.statement_id, Verdict.APPROVED, "Compared by eye.", clock)
    assert decision is not None
    for status in (case.check(A, statement), case.submit(A, statement)):
        assert (status.state, status.sealed_share) == (v1.RELEASE_STATE_PENDING, b"")
        assert not status.HasField("decision")
    case.custodians.ledger.start()
    assert case.decision(A, case.approved(A, statement)) == decision
