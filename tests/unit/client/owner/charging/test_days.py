"""Charging days: when payment closes around changes of the clocks, free days, and days that are none."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.cli.deployment import create_deployment, default_plan
from blindplate.client.owner.charging.days import calendar_day, charging_day
from blindplate.core.domains import CHARGING_DAY, LONDON
from blindplate.core.errors import GrantError, TooEarlyError
from blindplate.core.signing import Statement
from blindplate.core.statements.grants import ChargingTerms, Grant


@pytest.fixture(scope="module")
def grant(tmp_path_factory: pytest.TempPathFactory) -> Grant:
    folder: Path = tmp_path_factory.mktemp("days") / "deployment"
    create_deployment(folder, default_plan(1_700_000_000, cameras=1))
    paper = Statement.from_json((folder / "public" / "grants" / "emissions.json").read_text())
    return charged(Grant.parsed(paper.payload), 3)


def charged(grant: Grant, payment_days: int | None) -> Grant:
    terms: Any = None if payment_days is None else ChargingTerms(payment_days=payment_days)
    return grant.model_copy(update={"charging": terms})


@given(day=st.dates(date(2020, 1, 1), date(2040, 1, 1)), payment_days=st.integers(0, 30))
def test_payment_closes_at_londons_midnight_after_the_last_day(
    grant: Grant, day: date, payment_days: int
) -> None:
    found = charging_day(charged(grant, payment_days), day)
    after = day + timedelta(days=payment_days + 1)
    midnight = datetime(after.year, after.month, after.day, tzinfo=LONDON).timestamp()
    assert found.closes_at == midnight
    assert found.epoch == CHARGING_DAY.at(
        datetime(day.year, day.month, day.day, 12, tzinfo=LONDON).timestamp()
    )
    assert calendar_day(found.epoch.index) == day
    assert not found.is_closed(midnight - 0.001)
    with pytest.raises(TooEarlyError):
        found.require_closed(midnight - 0.001)
    found.require_closed(midnight)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_days_have_the_hours_that_london_has(grant: Grant, day: date, hours: int) -> None:
    found = charging_day(grant, day)
    assert found.epoch.end() - found.epoch.start() == hours * 3600
    assert found.closes_at - found.epoch.end() == 3 * 86_400


def test_christmas_day_alone_is_free(grant: Grant) -> None:
    year = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    assert [day for day in year if charging_day(grant, day).is_free] == [date(2026, 12, 25)]


def test_a_grant_without_terms_and_days_before_1970_are_refused(grant: Grant) -> None:
    with pytest.raises(GrantError):
        charging_day(charged(grant, None), date(2026, 1, 1))
    with pytest.raises(GrantError):
        charging_day(grant, date(1969, 12, 31))
