"""Releases under the ledger: list versions, standing authorisations, emergencies, and what everyone can read of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blindplate.client.officer import decide
from blindplate.core.ledger.bundles import decode_bundle
from blindplate.core.ledger.entries import parse_entry
from blindplate.core.ledger.layout import bundles_between, entries_path
from blindplate.core.parties import Custodian
from blindplate.core.statements.grants import ReleaseMode, ReleasePolicy, StandingAuthorisation
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import DecisionEntry
from blindplate.core.statements.releases import Verdict
from blindplate.v1 import release_pb2 as v1

from .conftest import Custodians
from .requesting import Case, officer

A, B = Custodian


@pytest.fixture
def case(custodians: Custodians) -> Case:
    return Case(custodians, "emissions")


@pytest.fixture
def police(custodians: Custodians) -> Case:
    return Case(custodians, "police")


def decision_entries(custodians: Custodians) -> Iterator[DecisionEntry]:
    """Every decision in the ledger's public files."""
    for bundle in bundles_between(0, custodians.published):
        path = custodians.deployment.ledger / entries_path(bundle.index, bundle.width)
        for entry in decode_bundle(path.read_bytes()):
            statement = parse_entry(entry)
            if statement.payload_type == DecisionEntry.media_type():
                custodian = DecisionEntry.parsed(statement.payload).custodian
                yield DecisionEntry.verified(statement, [custodians.trust.parties().custodian(custodian)])


def test_of_nobody_listed(case: Case) -> None:
    assert case.refusal(case.asked(case.sealed(plate=b"GB|current|ZZ99ZZZ"))) == "membership"


def test_of_one_listed_only_afterwards(case: Case) -> None:
    later = b"GB|current|ZZ99ZZZ"
    sealed = case.sealed(plate=later)
    case.custodians.clock.offset += 1
    case.commit(2, [later], before=len(case.listed))
    sent = case.candidates(2, [later])
    statement = case.signed(case.request(sealed, sent))
    case.enter(statement)
    for custodian in Custodian:
        status = case.submit(custodian, statement, candidates=sent)
        assert case.decision(custodian, status).code == "membership"
    # Read once more, it is another matter.
    statement = case.signed(case.request(case.sealed(plate=later), sent))
    case.enter(statement)
    case.submit(A, statement, candidates=sent)
    case.approved(A, statement)


def test_a_standing_authorisation_within_its_quota_and_officers_beyond(police: Case) -> None:
    policy = ReleasePolicy(
        mode=ReleaseMode.STANDING,
        daily_quota=10,
        standing=StandingAuthorisation(purposes=(Purpose.MURDER,), daily_quota=1),
    )
    police.custodians.amend("police-1", release=policy)
    first, second = police.asked(police.sealed()), police.asked(police.sealed())
    status = police.released(A, first)
    assert (police.decision(A, status).automatic, police.decision(A, status).emergency) == (True, False)
    assert police.submit(A, second).state == v1.RELEASE_STATE_PENDING
    decide(officer(police, A), second.statement_id, Verdict.APPROVED, "Seen.", police.custodians.clock)
    assert police.decision(A, police.approved(A, second)).officers == ("officer-a-1",)


def test_an_emergency_is_flagged_for_everyone_to_see(police: Case) -> None:
    refused = police.asked(police.sealed(), emergency=True)
    assert police.refusal(refused) == "policy"
    policy = ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=10, emergency=True)
    police.custodians.amend("police-1", release=policy)
    statement = police.asked(police.sealed(), emergency=True)
    for custodian in Custodian:
        assert police.decision(custodian, police.released(custodian, statement)).emergency
    # A checkpoint over them, too.
    police.asked(police.sealed())
    entries = list(decision_entries(police.custodians))
    assert [(one.custodian, one.code, one.emergency) for one in entries] == [
        (A, "policy", False),
        (A, "ok", True),
        (B, "ok", True),
    ]
    assert [one.subject_tag is not None for one in entries] == [False, False, True]
    first, second, _ = entries
    assert (first.sequence, second.sequence, second.previous) == (0, 1, first.decision_id)
