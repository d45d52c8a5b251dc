"""Legal holds: of what was asked for under the grant alone, in time, in order, for a year at most."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blindplate.core.errors import EntryError, SignatureError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.statements.holds import HoldEnd, HoldReason, LegalHold
from tests.unit.core.ledger.entering import (
    DAY,
    END,
    GRANT,
    HOLD,
    HOLD_END,
    MADE,
    MATCHER,
    OPERATOR,
    OWNER,
    REQUEST,
    changed,
    entered,
    granted,
    signed,
)

# The evidence of the sample request is due a month after it was made, at the latest.
DUE = MADE + GRANT.evidence_days * DAY


def held(made: int, days: int = 60) -> LegalHold:
    return changed(HOLD, made_at=made, until=made + days * DAY)


def refused(state: LedgerState, model: LegalHold | HoldEnd) -> str:
    error = entered(state, model).error
    assert isinstance(error, EntryError), error
    return error.what


def test_a_hold_stands_until_its_day_and_a_later_one_takes_its_place() -> None:
    state = granted(REQUEST, HOLD)
    hold = state.holds[REQUEST.request_id]
    assert (hold.until, hold.ended, hold.reason) == (HOLD.until, False, HoldReason.CRIMINAL_PROCEEDINGS)
    assert entered(state, held(HOLD.until, 300)).error is None
    assert state.holds[REQUEST.request_id].until == HOLD.until + 300 * DAY


def test_what_was_never_asked_for_cannot_be_held() -> None:
    assert "no release request" in refused(granted(), HOLD)
    assert "no release request" in refused(granted(REQUEST), changed(HOLD, request_id=b"x" * 32))
    assert "no release request" in refused(granted(REQUEST), changed(HOLD_END, request_id=b"x" * 32))


def test_a_request_of_another_grant_cannot_be_held_under_this_one() -> None:
    other = changed(GRANT, grant_id="police-2")
    state = granted(REQUEST, other)
    assert "no release request" in refused(state, changed(HOLD, grant_id="police-2"))
    assert "does not hold" in refused(state, changed(HOLD, grant_id="police-3"))


def test_a_hold_comes_before_its_evidence_was_due() -> None:
    assert entered(granted(REQUEST), held(DUE)).error is None
    assert "to be erased" in refused(granted(REQUEST), held(DUE + 1))
    assert "before its release request" in refused(granted(REQUEST), held(MADE - 1))


def test_a_hold_that_has_run_out_is_not_renewed() -> None:
    state = granted(REQUEST, held(DUE - DAY, 10))
    until = state.holds[REQUEST.request_id].until
    assert "to be erased" in refused(state, held(until + 1))
    assert entered(state, held(until)).error is None


def test_a_hold_that_was_ended_is_over_and_ends_once() -> None:
    state = granted(REQUEST, held(DUE, 100), changed(HOLD_END, made_at=DUE + 5 * DAY))
    assert state.holds[REQUEST.request_id].until == DUE + 5 * DAY
    assert "none that stands" in refused(state, changed(HOLD_END, made_at=DUE + 6 * DAY))
    assert "to be erased" in refused(state, held(DUE + 6 * DAY))


def test_an_end_without_a_hold_or_of_before_it_is_refused() -> None:
    assert "none that stands" in refused(granted(REQUEST), HOLD_END)
    assert "not made after" in refused(granted(REQUEST, HOLD), changed(HOLD_END, made_at=HOLD.made_at))


def test_an_old_hold_does_not_count_again() -> None:
    state = granted(REQUEST, HOLD, HOLD_END)
    assert "not made after" in refused(state, HOLD)
    renewed = held(HOLD.made_at + DAY)
    state = granted(REQUEST, HOLD, renewed)
    assert "not made after" in refused(state, HOLD)


@pytest.mark.parametrize("until", [MADE + DAY, MADE, MADE + DAY + 366 * DAY + 1])
def test_a_hold_ends_after_it_begins_and_within_a_year(until: int) -> None:
    with pytest.raises(ValidationError):
        changed(HOLD, until=until)


def test_why_is_one_of_a_closed_list() -> None:
    with pytest.raises(ValidationError):
        changed(HOLD, reason="the driver of AB12 CDE")


def test_nobody_but_the_owner_holds() -> None:
    state = granted(REQUEST)
    for signers in ((OPERATOR,), (MATCHER,), (OWNER, OPERATOR)):
        assert isinstance(state.apply(9, signed(HOLD, *signers), MADE).error, SignatureError)
    assert not state.holds


def test_a_grant_that_has_ended_leaves_its_evidence_to_be_held() -> None:
    assert entered(granted(REQUEST, END), HOLD).error is None


def test_the_longest_days_of_any_amendment_so_far_bound_a_hold() -> None:
    """Which one counted at the capture the ledger cannot tell; the owner's own rules and the auditor can."""
    longer = changed(GRANT, amendment=1, evidence_days=300)
    assert entered(granted(longer, REQUEST), held(MADE + 300 * DAY)).error is None
    assert "to be erased" in refused(granted(REQUEST, longer), held(DUE + 1))


def test_a_copy_of_a_state_keeps_its_holds() -> None:
    state = granted(REQUEST, HOLD)
    copy = state.copy()
    entered(state, HOLD_END)
    assert not copy.holds[REQUEST.request_id].ended


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60 * DAY), st.integers(1, 90)), max_size=8))
def test_whatever_is_entered_no_hold_follows_on_a_gap(steps: list[tuple[bool, int, int]]) -> None:
    """Evidence that was to be erased at any moment is held at none after it."""
    state, made, covered = granted(REQUEST), MADE, DUE
    for ends, later, days in steps:
        made += later
        if ends:
            before = state.holds.get(REQUEST.request_id)
            if entered(state, changed(HOLD_END, made_at=made)).error is None:
                assert before is not None
                assert made > before.changed_at
                covered = max(DUE, min(before.until, made))
        elif entered(state, held(made, days)).error is None:
            assert made <= covered
            covered = max(DUE, made + days * DAY)
        else:
            assert made > covered or made <= state.holds[REQUEST.request_id].changed_at
