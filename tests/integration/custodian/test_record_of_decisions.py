"""The record of decisions: verified at start, whatever was done to it while the custodian was away."""

from __future__ import annotations

import pytest

from blindplate.client.officer import OfficerSettings, decisions
from blindplate.core.errors import ChainError, SignatureError
from blindplate.core.parties import Custodian
from blindplate.core.statements.purposes import Purpose
from blindplate.edge.settings import load

from .conftest import Custodians
from .requesting import Case

A = Custodian.A


@pytest.fixture
def case(custodians: Custodians) -> Case:
    """Two approvals and a refusal on record, and one request pending."""
    case = Case(custodians, "emissions")
    sealed = case.sealed()
    for purpose in (Purpose.UNPAID_CHARGE, Purpose.MURDER, Purpose.UNPAID_CHARGE):
        case.submit(A, case.signed(case.request(sealed, purpose=purpose)))
    case.submit(A, case.signed(case.request(case.sealed(alternate=True))))
    return case


def officer(case: Case) -> OfficerSettings:
    settings = load(OfficerSettings, case.custodians.deployment.settings("officer-a-1"))
    return settings.model_copy(update={"address": case.custodians.address(A)})


def test_chained_and_signed(case: Case) -> None:
    found = decisions(officer(case))
    assert [decision.sequence for decision in found] == [0, 1, 2]
    assert [decision.verdict for decision in found] == ["approved", "denied", "approved"]
    assert [decision.code for decision in found] == ["ok", "policy", "ok"]
    case.custodians.restart(A)


def test_an_officer_notices_a_gap_in_what_is_shown(case: Case) -> None:
    case.custodians.execute(A, "DELETE FROM decisions WHERE sequence = 1")
    with pytest.raises(ChainError):
        decisions(officer(case))


def test_an_officer_takes_decisions_only_from_the_pinned_custodian(case: Case) -> None:
    settings = officer(case)
    swapped = settings.trust.model_copy(update={"custodian_a": settings.trust.custodian_b})
    with pytest.raises(SignatureError):
        decisions(settings.model_copy(update={"trust": swapped}))


@pytest.mark.parametrize(
    "tampering",
    [
        pytest.param(["DELETE FROM decisions WHERE sequence = 0"], id="first-taken-out"),
        pytest.param(["DELETE FROM decisions WHERE sequence = 1"], id="one-taken-out"),
        pytest.param(["DELETE FROM decisions WHERE sequence = 2"], id="last-taken-out"),
        pytest.param(
            [
                "DELETE FROM decisions WHERE sequence = 1",
                "UPDATE decisions SET sequence = 1 WHERE sequence = 2",
            ],
            id="one-taken-out-and-closed-up",
        ),
        pytest.param(
            [
                "UPDATE decisions SET sequence = 9 WHERE sequence = 0",
                "UPDATE decisions SET sequence = 0 WHERE sequence = 1",
                "UPDATE decisions SET sequence = 1 WHERE sequence = 9",
            ],
            id="two-exchanged",
        ),
        pytest.param(
            [
                # One byte of the verdict, where it stands in the signed payload.
                """UPDATE decisions SET statement = CAST(replace(CAST(statement AS TEXT), 'denied', 'denief')
                   AS BLOB) WHERE sequence = 1""",
            ],
            id="verdict-altered",
        ),
        pytest.param(["UPDATE decisions SET statement = x'00' WHERE sequence = 1"], id="garbage"),
        pytest.param(
            ["UPDATE decisions SET statement_id = zeroblob(32) WHERE sequence = 2"], id="link-altered"
        ),
        pytest.param(
            ["UPDATE requests SET state = 'approved' WHERE state = 'denied'"], id="refused-made-approved"
        ),
        pytest.param(
            ["UPDATE requests SET state = 'approved' WHERE state = 'pending'"], id="pending-made-approved"
        ),
        pytest.param(
            ["UPDATE requests SET state = 'pending' WHERE state = 'denied'"], id="refused-made-pending"
        ),
        pytest.param(["DELETE FROM requests WHERE state = 'denied'"], id="request-taken-out"),
    ],
)
def test_tampering_refuses_to_start(case: Case, tampering: list[str]) -> None:
    case.custodians.stop(A)
    for statement in tampering:
        assert case.custodians.execute(A, statement) > 0
    with pytest.raises(ChainError):
        case.custodians.start(A)


def test_another_custodians_record_refuses_to_start(case: Case) -> None:
    sealed = case.sealed()
    case.submit(Custodian.B, case.signed(case.request(sealed)))
    for custodian in Custodian:
        case.custodians.stop(custodian)
    ours, theirs = (case.custodians.settings(one).data / "custodian.sqlite" for one in Custodian)
    ours.write_bytes(theirs.read_bytes())
    with pytest.raises(ChainError):
        case.custodians.start(A)
