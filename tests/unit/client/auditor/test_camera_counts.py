"""Cameras' counts held against the matcher's, shown to fire; and what must not set it off."""

from __future__ import annotations

import pytest

from blindplate.client.auditor.findings import Kind, Severity
from blindplate.core.parties import Custodian
from blindplate.core.statements.cameras import CameraStanding, CameraStatus
from tests.unit.client.auditor.ledgers import (
    BEGINS,
    DAY,
    EMISSIONS,
    OPERATOR,
    Ledger,
    findings,
    key,
    row,
    violated,
)

A, B = Custodian.A, Custodian.B


def test_cameras_and_matcher_that_agree_are_green() -> None:
    ledger = Ledger.begun()
    ledger.camera(hotlist=6, liable=2)
    ledger.camera(number=1, hotlist=4)
    for _ in range(3):
        ledger.counts(row(received=10), row("liable", received=2))
    assert findings(ledger) == []


def test_records_that_cameras_handed_in_and_the_matcher_hides_are_found_by_list_and_zone() -> None:
    ledger = Ledger.begun()
    ledger.camera(hotlist=6)
    ledger.camera(number=1, hotlist=5)
    ledger.now += 600
    ledger.counts(row(received=10), row(zone="outer", received=50))
    assert violated(ledger) == {Kind.CAMERA_EXCESS}


def test_counts_made_before_a_cameras_report_are_not_held_against_it() -> None:
    ledger = Ledger.begun()
    ledger.camera(hotlist=6)
    ledger.counts(row(received=5))
    assert violated(ledger) == set()
    # The second after it was certainly made later, whatever the clocks say.
    ledger.counts(row(received=5))
    assert violated(ledger) == {Kind.CAMERA_EXCESS}


def test_a_camera_that_begins_anew_counts_with_both_its_beginnings() -> None:
    ledger = Ledger.begun()
    ledger.camera(hotlist=6)
    ledger.camera(since=BEGINS + 50, hotlist=5)
    for _ in range(2):
        ledger.counts(row(received=11))
    assert violated(ledger) == set()
    ledger.camera(since=BEGINS + 50, hotlist=6)
    for _ in range(2):
        ledger.counts(row(received=11))
    assert violated(ledger) == {Kind.CAMERA_EXCESS}


def test_a_matcher_that_began_anew_is_credited_with_what_it_received_before() -> None:
    ledger = Ledger.begun()
    ledger.camera(hotlist=10)
    ledger.counts(row(received=10))
    ledger.counts(row(received=0), since=BEGINS + 100)
    ledger.counts(row(received=0), since=BEGINS + 100)
    assert violated(ledger) == set()


@pytest.mark.parametrize(("since", "records"), [(BEGINS, 5), (BEGINS - 1, 50)])
def test_a_camera_that_counts_backwards_is_found(since: int, records: int) -> None:
    ledger = Ledger.begun()
    ledger.camera(hotlist=6)
    ledger.camera(since=since, hotlist=records)
    assert violated(ledger) == {Kind.CAMERA_DECREASE}


def test_cameras_that_have_never_reported_after_a_week_are_noted_in_one_line() -> None:
    ledger = Ledger.begun()
    ledger.camera("inner", 0, hotlist=1)
    ledger.counts(row(received=1))
    ledger.now = BEGINS + 5 * DAY
    ledger.counts(row(received=1, erased_unclaimed=1))
    assert findings(ledger) == []
    ledger.now += 2 * DAY
    ledger.counts(row(received=1, erased_unclaimed=1))
    (found,) = findings(ledger)
    assert (found.kind, found.severity) == (Kind.CAMERA_SILENT, Severity.NOTE)
    assert "3 of the 4 cameras" in found.sentence
    ledger.camera("inner", 1, hotlist=1)
    ledger.end()
    ledger.end(EMISSIONS)
    ledger.now += 600
    ledger.counts(row(received=2, erased_unclaimed=2))
    assert findings(ledger) == []


def test_a_revoked_camera_need_not_report() -> None:
    ledger = Ledger.begun()
    for zone, number in (("inner", 0), ("outer", 0), ("outer", 1)):
        ledger.camera(zone, number, hotlist=1)
    status = CameraStatus(
        camera_id="inner-1",
        zone="inner",
        identity="spiffe://test/camera/inner-1",
        signing_key=key("inner-1").public,
        standing=CameraStanding.REVOKED,
        reason="stolen",
        made_at=ledger.now,
    )
    ledger.enter(status, OPERATOR)
    ledger.now = BEGINS + 9 * DAY
    ledger.counts(row(received=1, erased_unclaimed=1), row(zone="outer", received=2, erased_unclaimed=2))
    assert findings(ledger) == []
