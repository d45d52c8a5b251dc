"""Every rule about answered batches, shown to fire; and what must not set it off."""

from __future__ import annotations

import pytest

from blindplate.client.auditor.findings import Kind
from blindplate.core.parties import Custodian
from blindplate.core.statements.grant_changes import GrantEnd
from tests.unit.client.auditor.ledgers import (
    BEGINS,
    DAY,
    EMISSIONS,
    OPERATOR,
    POLICE,
    Ledger,
    findings,
    grant,
    violated,
)

A, B = Custodian.A, Custodian.B


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
