"""A charging day that nobody opens is told of once: late enough for every owner, and only where something was kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from blindplate.core.charging import payment_closes
from blindplate.core.domains import CHARGING_DAY
from blindplate.core.ledger.grants import Amendment, GrantHistory
from blindplate.core.statements.grants import ChargingTerms, Grant, ListKind
from blindplate.core.statements.model import EpochRulePart
from blindplate.server.matcher.absence import OPENING_SECONDS, OpeningAlarm
from blindplate.server.matcher.epochs import epoch_name
from blindplate.server.matcher.grants import Grants, hold_seconds
from tests.unit.core.ledger.entering import DAY, GRANT, changed

EPOCH = CHARGING_DAY.at(1_795_000_000)
PAYMENT_DAYS = 3
DUE = payment_closes(EPOCH, PAYMENT_DAYS) + OPENING_SECONDS
PLACE = ("emissions", epoch_name(EPOCH))
CHARGING = changed(
    GRANT,
    list_id="emissions",
    list_kind=ListKind.EMISSIONS,
    epoch=EpochRulePart.of(CHARGING_DAY),
    window_seconds=8 * DAY,
    charging=ChargingTerms(payment_days=PAYMENT_DAYS),
    not_before=int(EPOCH.start()) - 30 * DAY,
    not_after=int(EPOCH.start()) + 300 * DAY,
)


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def grants(*amendments: Grant) -> Grants:
    made = tuple(Amendment(one, number, one.not_before - DAY) for number, one in enumerate(amendments))
    return Grants({"police-1": GrantHistory("police-1", made)})


def told(
    alarm: OpeningAlarm,
    now: float,
    *,
    kept: tuple[tuple[str, str], ...] = (PLACE,),
    opened: tuple[tuple[str, str], ...] = (),
    under: Grants | None = None,
) -> list[tuple[str, str]]:
    with capture_logs() as logs:
        alarm.look(under or grants(CHARGING), opened, lambda: kept, now)
    return [(one["list"], one["epoch"]) for one in logs if one["event"] == "opening-absent"]


def test_a_day_that_was_kept_and_is_not_opened_is_told_once_when_every_owners_delay_is_over() -> None:
    alarm = OpeningAlarm()
    assert told(alarm, DUE - 1) == []
    assert told(alarm, DUE) == [PLACE]
    assert told(alarm, DUE + 60) == []
    # It came, and was lost again.
    assert told(alarm, DUE + 120, opened=(PLACE,)) == []
    assert told(alarm, DUE + 180) == [PLACE]


def test_nothing_is_told_of_a_day_of_which_nothing_is_kept_or_that_is_opened() -> None:
    assert told(OpeningAlarm(), DUE, kept=()) == []
    assert told(OpeningAlarm(), DUE, kept=(("police", PLACE[1]),)) == []
    assert told(OpeningAlarm(), DUE, opened=(PLACE,)) == []


def test_nothing_is_told_of_days_whose_windows_have_ended_nor_without_charging_terms() -> None:
    ended = EPOCH.end() + hold_seconds(CHARGING)
    assert told(OpeningAlarm(), ended - 1) == [PLACE]
    assert told(OpeningAlarm(), ended) == []
    assert told(OpeningAlarm(), DUE, under=grants(changed(CHARGING, charging=None))) == []


def test_the_terms_of_the_day_count_not_those_of_today() -> None:
    later = changed(
        CHARGING, amendment=1, not_before=int(EPOCH.end()), charging=ChargingTerms(payment_days=0)
    )
    assert told(OpeningAlarm(), DUE - 1, under=grants(CHARGING, later)) == []
    assert told(OpeningAlarm(), DUE, under=grants(CHARGING, later)) == [PLACE]


def test_what_is_kept_is_looked_up_only_where_a_day_is_missed() -> None:
    def never() -> tuple[tuple[str, str], ...]:
        raise AssertionError("No day was missed.")

    every = [(PLACE[0], epoch_name(CHARGING_DAY.at(DUE - days * DAY))) for days in range(1, 40)]
    OpeningAlarm().look(grants(CHARGING), every, never, DUE)
