"""How long evidence is kept: what grants name, shortened by amendments and lengthened by none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blindplate.core.ledger.grants import Amendment, GrantHistory
from blindplate.core.retention import evidence_due
from blindplate.core.statements.grants import Grant
from tests.unit.core.ledger.entering import DAY, GRANT, MADE, changed

DAYS = st.integers(1, 2_555)


def history(*days: int) -> GrantHistory:
    """A grant whose amendments, each in force ten days after the one before, name so many days."""
    return GrantHistory(
        GRANT.grant_id,
        tuple(
            Amendment(changed(GRANT, amendment=number, evidence_days=named), number, MADE + 10 * DAY * number)
            for number, named in enumerate(days)
        ),
    )


def test_a_grant_signed_before_there_was_such_a_field_means_31_days() -> None:
    payload = json.loads(GRANT.model_dump_json())
    del payload["evidence_days"]
    assert Grant.parsed(json.dumps(payload).encode()).evidence_days == 31


@pytest.mark.parametrize("days", [0, -1, 2_556])
def test_evidence_is_kept_for_a_day_at_least_and_seven_years_at_most(days: int) -> None:
    with pytest.raises(ValidationError):
        changed(GRANT, evidence_days=days)


def test_a_longer_amendment_counts_for_what_is_captured_under_it_alone() -> None:
    grant = history(5, 300)
    before, after = MADE + 10 * DAY, MADE + 11 * DAY
    assert evidence_due(grant, before, now=MADE + 100 * DAY) == before + 5 * DAY
    assert evidence_due(grant, after, now=MADE + 100 * DAY) == after + 300 * DAY


def test_a_shorter_amendment_counts_for_what_was_captured_before_it_once_it_is_in_force() -> None:
    grant, captured = history(300, 5), MADE + 2 * DAY
    assert evidence_due(grant, captured, now=MADE + 11 * DAY - 1) == captured + 300 * DAY
    assert evidence_due(grant, captured, now=MADE + 11 * DAY + 1) == captured + 5 * DAY


def test_what_was_captured_before_any_amendment_is_known_to_count_has_the_shortest_time() -> None:
    assert evidence_due(history(300, 5), MADE, now=MADE) == MADE + 5 * DAY


@given(st.lists(DAYS, min_size=1, max_size=5), DAYS, st.integers(0, 60 * DAY), st.integers(0, 60 * DAY))
def test_no_amendment_ever_lengthens_what_was_captured_before_it(
    days: list[int], further: int, captured: int, later: int
) -> None:
    before, after = history(*days), history(*days, further)
    # Captured while some amendment counts, and before the further one does.
    moment = MADE + DAY + captured % (10 * DAY * len(days))
    now = moment + later
    assert evidence_due(after, moment, now) <= evidence_due(before, moment, now)
    assert evidence_due(before, moment, now + DAY) <= evidence_due(before, moment, now)
