"""A matcher that hands a match secret out too early helps nobody: both custodians refuse until payment has closed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blindplate.cli.deployment import Plan
from blindplate.cli.deployment.plan import emissions_list
from blindplate.core.charging import charging_day, payment_closes
from blindplate.core.parties import Custodian
from blindplate.core.records.opening import open_payload

from .conftest import Custodians
from .requesting import PLATE, Case


@pytest.fixture
def plan(plan: Plan) -> Plan:
    """Emissions are charged in two stages; payment closes with the day itself, so that the test moves little."""
    lists = [emissions_list(payment_days=0), *(one for one in plan.lists if one.list_id != "emissions")]
    return replace(plan, lists=tuple(lists))


def test_a_secret_given_out_too_early_opens_nothing_at_either_custodian(custodians: Custodians) -> None:
    case = Case(custodians, "emissions")
    captured = custodians.clock.now()
    # The match secret is in the owner's hands already.
    sealed = case.sealed(captured=captured)
    assert [case.refusal(case.asked(sealed), custodian) for custodian in Custodian] == ["too-early"] * 2
    custodians.clock.offset += payment_closes(charging_day(captured), 0) - custodians.clock.now() + 1
    asked = case.asked(sealed)
    a, b = (case.reply(custodian, asked, case.released(custodian, asked)).share for custodian in Custodian)
    assert open_payload(sealed.record, a, b, sealed.match_secret).plate == PLATE
