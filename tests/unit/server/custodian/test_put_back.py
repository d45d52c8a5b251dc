"""A custodian that may have been put back decides nothing before it has read what it had decided."""

from __future__ import annotations

import pytest

from blindplate.core.errors import UnwitnessedError
from blindplate.core.statements.releases import Verdict
from blindplate.server.custodian.decision import State

from .desk import Desk


@pytest.fixture
def waiting(desk: Desk) -> bytes:
    """A request that waits, at a custodian that has just started and does not reach the ledger."""
    request_id = desk.ask(desk.sealed()).request_id
    desk.docket.caught_up.clear()
    desk.book.fresh = False
    return request_id


@pytest.mark.parametrize("verdict", [Verdict.APPROVED, Verdict.DENIED])
def test_no_officer_decides_before_the_ledger_was_reached(
    desk: Desk, waiting: bytes, verdict: Verdict
) -> None:
    with pytest.raises(UnwitnessedError):
        desk.say("anna", waiting, verdict)
    assert desk.entries() == []
    desk.book.fresh = True
    assert desk.say("anna", waiting, verdict).state.value == verdict.value


def test_nothing_expires_before_the_ledger_was_reached(desk: Desk, waiting: bytes) -> None:
    desk.clock.moment += 3_600
    desk.docket.expire()
    assert desk.entries() == []
    desk.book.fresh = True
    desk.docket.expire()
    assert [one.verdict for one in desk.entries()] == [Verdict.EXPIRED]


def test_once_reached_a_denial_needs_no_ledger(desk: Desk, waiting: bytes) -> None:
    desk.book.fresh = True
    desk.docket.require_caught_up()
    desk.book.fresh = False
    assert desk.say("anna", waiting, Verdict.DENIED).state is State.DENIED
