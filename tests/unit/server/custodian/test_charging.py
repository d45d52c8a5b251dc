"""What was captured on a charging day is released by no custodian before payment has closed, whoever asks and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from blindplate.core.charging import charging_day, payment_closes
from blindplate.core.records.sealing import Sealed
from blindplate.core.statements.disclosure import Disclosure
from blindplate.core.statements.grants import ChargingTerms, ListKind, ReleaseMode, ReleasePolicy
from blindplate.core.statements.model import EpochRulePart
from blindplate.core.statements.purposes import Purpose
from blindplate.server.custodian.docket import Standing

from .desk import NOW, Desk

DAY = 86_400
CAPTURED = NOW - 60
CLOSES = payment_closes(charging_day(CAPTURED), 3)
TERMS: dict[str, Any] = {
    "list_kind": ListKind.EMISSIONS,
    "epoch": EpochRulePart(kind="charging-day"),
    "window_seconds": 7 * DAY,
    "release": ReleasePolicy(mode=ReleaseMode.AUTOMATIC, daily_quota=10),
    "charging": ChargingTerms(payment_days=3),
}


def desk_of(tmp_path: Path, engine: Engine, **terms: Any) -> Desk:
    desk = Desk(tmp_path, engine, terms={**TERMS, **terms})
    desk.keys.maintain(NOW, 8 * DAY)
    return desk


@pytest.fixture
def desk(tmp_path: Path, engine: Engine) -> Desk:
    """A custodian under charging terms of three days."""
    return desk_of(tmp_path, engine)


def asked(desk: Desk, sealed: Sealed, moment: float, **changed: Any) -> Standing:
    desk.clock.moment = moment
    return desk.ask(sealed, purpose=Purpose.UNPAID_CHARGE, **changed)


def test_a_record_is_released_once_payment_for_its_day_has_closed(desk: Desk) -> None:
    sealed = desk.sealed(captured=CAPTURED)
    assert desk.outcome(asked(desk, sealed, NOW)) == "too-early"
    assert desk.outcome(asked(desk, sealed, CLOSES - 1)) == "too-early"
    assert asked(desk, sealed, CLOSES).state != "denied"


def test_the_exact_capture_counts_and_not_how_coarse_the_header_is(tmp_path: Path, engine: Engine) -> None:
    # Captures at both sides of a midnight of London, in one day of UTC, which is all their headers tell.
    desk = desk_of(tmp_path, engine, disclosure=Disclosure(fields=frozenset(), time_granularity_seconds=DAY))
    midnight = charging_day(NOW).start()
    before, after = desk.sealed(captured=midnight - 1), desk.sealed(captured=midnight)
    assert before.record.header.capture_time_ms == after.record.header.capture_time_ms
    closes = payment_closes(charging_day(midnight - 1), 3)
    assert asked(desk, before, closes).state != "denied"
    assert desk.outcome(asked(desk, after, closes)) == "too-early"


def test_an_emergency_opens_nothing_that_may_still_be_paid(tmp_path: Path, engine: Engine) -> None:
    policy = ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=10, emergency=True)
    desk = desk_of(tmp_path, engine, release=policy)
    assert desk.outcome(asked(desk, desk.sealed(captured=CAPTURED), NOW, emergency=True)) == "too-early"


def test_an_amendment_shortens_nothing_of_what_was_captured_before_it(desk: Desk) -> None:
    sealed = desk.sealed(captured=CAPTURED)
    at_once = desk.amended(amendment=1, charging=None)
    desk.book.enter_grant(at_once, NOW)
    assert desk.outcome(asked(desk, sealed, NOW + 3600)) == "too-early"
    # What is captured under it is under its terms.
    later = NOW + 3600
    assert asked(desk, desk.sealed(captured=later - 60), later).state != "denied"


def test_another_grant_of_the_owner_over_the_same_domain_is_no_way_around(desk: Desk) -> None:
    other = desk.amended(grant_id="police-2", charging=None)
    desk.book.enter_grant(other, NOW - DAY)
    desk.book.commit(other, desk.version, NOW - DAY)
    sealed = desk.sealed(captured=CAPTURED)
    assert desk.outcome(asked(desk, sealed, NOW, grant_id="police-2")) == "too-early"
    assert asked(desk, sealed, CLOSES, grant_id="police-2").state != "denied"
