"""How long lists may be: by the amendment in force when a version is entered, and when a record can have been read."""

from __future__ import annotations

from blindplate.client.auditor.findings import Kind
from blindplate.core.parties import Custodian
from tests.unit.client.auditor.ledgers import BEGINS, DAY, Ledger, grant, noted, violated

LATER = BEGINS + 10 * DAY


def test_a_list_as_long_as_its_grant_allows_is_green() -> None:
    ledger = Ledger.begun()
    ledger.list_version(1, 1000, 1000)
    ledger.release()
    assert (violated(ledger), noted(ledger)) == (set(), set())


def test_a_list_that_only_an_amendment_to_come_allows_is_found_and_so_are_approvals_by_it() -> None:
    ledger = Ledger.begun()
    ledger.grant(grant(amendment=1, list_size=50_000, not_before=LATER))
    ledger.list_version(1, 50_000, 50_000)
    assert violated(ledger) == {Kind.LIST_SIZE}
    ledger.release()
    assert violated(ledger) == {Kind.LIST_SIZE, Kind.APPROVAL_LIST_SIZE}


def test_a_longer_list_is_green_once_the_amendment_that_allows_it_is_in_force() -> None:
    ledger = Ledger.begun()
    ledger.grant(grant(amendment=1, list_size=50_000, not_before=LATER))
    ledger.now = LATER + 60
    for custodian in Custodian:
        ledger.evaluations(custodian, "2025-03-13")
    ledger.list_version(1, 50_000, 50_000)
    ledger.release()
    assert violated(ledger) == set()


def test_around_the_beginning_of_an_amendment_the_longer_of_both_is_allowed() -> None:
    ledger = Ledger.begun()
    ledger.list_version(1, 1000, 1000)
    ledger.grant(grant(amendment=1, list_size=10))
    ledger.list_version(2, 10, 0, 990)
    ledger.release()
    assert violated(ledger) == set()


def test_approvals_by_a_list_that_its_grant_no_longer_allows_are_found_once_nothing_older_is_held() -> None:
    ledger = Ledger.begun()
    ledger.list_version(1, 1000, 1000)
    ledger.grant(grant(amendment=1, list_size=10))
    ledger.now += DAY
    ledger.release("of what was read before")
    assert violated(ledger) == set()
    ledger.now += 2 * DAY
    ledger.release("of what was read since")
    assert violated(ledger) == {Kind.APPROVAL_LIST_SIZE}


def test_a_list_made_shorter_in_time_is_green() -> None:
    ledger = Ledger.begun()
    ledger.list_version(1, 1000, 1000)
    ledger.grant(grant(amendment=1, list_size=10, not_before=LATER))
    ledger.list_version(2, 10, 0, 990)
    ledger.now = LATER + 5 * DAY
    ledger.release()
    assert violated(ledger) == set()
