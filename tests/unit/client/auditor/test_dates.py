"""Every rule about the dates of entries, shown to fire; and what must not set it off."""

from __future__ import annotations

from blindplate.client.auditor.findings import Kind
from blindplate.core.parties import Custodian
from tests.unit.client.auditor.ledgers import (
    BEGINS,
    DAY,
    Ledger,
    grant,
    noted,
    violated,
)

A, B = Custodian.A, Custodian.B


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
    # Nor does the matcher speak of the days.
    ledger.states_days = False
    ledger.now += 20 * DAY
    ledger.evaluations(A, "2025-03-23")
    ledger.now -= 20 * DAY
    ledger.grant(grant("police-2", notice_seconds=DAY, not_before=BEGINS))
    ledger.now += 2 * DAY
    ledger.release(grant_id="police-2")
    ledger.now += 20 * DAY
    # What became of the release its owner never says.
    assert violated(ledger) == {Kind.EVIDENCE_SILENT}
