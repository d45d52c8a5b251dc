"""Where a grant stands: in force, to come, suspended and by whom, expired, ended and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.cli.grants.standing import of_interest, standing, until
from blindplate.core.errors import GrantError
from blindplate.core.ledger.checkpoints import Checkpoint, LogSigner, SignedCheckpoint
from blindplate.core.ledger.grants import Amendment, GrantHistory, Suspension
from blindplate.core.parties import Custodian
from tests.unit.core.ledger.entering import DAY, GRANT, MADE, SUSPENSION, changed

BEGINS = MADE + DAY
FIRST = Amendment(GRANT, 4, MADE)
SECOND = Amendment(changed(GRANT, amendment=1), 9, MADE + 10 * DAY)
ONE = GrantHistory(GRANT.grant_id, (FIRST,))
TWO = ONE.amended(SECOND)
CHECKPOINT = Checkpoint("ledger.test/one", 20, bytes(32))
NOTE = LogSigner.from_seed(CHECKPOINT.origin, bytes(32)).sign(CHECKPOINT, MADE)
SUSPENDED = Suspension(SUSPENSION, 12, BEGINS + DAY)


def signed(witnessed_at: int) -> SignedCheckpoint:
    return SignedCheckpoint(CHECKPOINT, NOTE, dict.fromkeys(Custodian, witnessed_at), witnessed_at)


def told(history: GrantHistory, now: float) -> dict[str, str]:
    return {line.question: line.answer for line in standing(history, signed(int(now)), now)}


def numbers(history: GrantHistory, now: float) -> list[int]:
    return [one.grant.amendment for one in of_interest(history, now)]


def test_a_grant_whose_notice_is_not_over_is_not_yet_in_force() -> None:
    assert told(ONE, BEGINS - 1)["Where it stands"].startswith(
        "NOT YET IN FORCE: the grant as first entered begins"
    )
    lines = told(ONE, BEGINS)
    assert lines["Where it stands"].startswith("IN FORCE: the grant as first entered, until")
    assert lines["As first granted"].startswith("entry 4, witnessed by both custodians on")
    assert "signed by the operator and both custodians; in force from" in lines["As first granted"]


def test_an_amendment_to_come_is_told_and_shown_beside_the_one_in_force() -> None:
    now = MADE + 10 * DAY + 1
    assert "To come: amendment 1 begins on" in told(TWO, now)["Where it stands"]
    assert numbers(TWO, now) == [0, 1]
    assert told(TWO, now + DAY)["Where it stands"].startswith("IN FORCE: amendment 1")
    assert numbers(TWO, now + DAY) == [1]


def test_who_suspended_it_and_why_is_told() -> None:
    history = ONE.with_suspension(SUSPENDED)
    lines = told(history, BEGINS + 2 * DAY)
    assert lines["Where it stands"].startswith("SUSPENDED by custodian A, so that nothing is released")
    assert lines["Suspended by custodian A"].endswith(": To be looked into.")
    assert told(history, BEGINS)["Where it stands"].startswith("IN FORCE")
    resumed = Suspension(changed(SUSPENSION, suspended=False, reason="All well."), 13, BEGINS + 3 * DAY)
    after = told(history.with_suspension(resumed), BEGINS + 3 * DAY)
    assert after["Where it stands"].startswith("IN FORCE")
    assert after["Acted on again by custodian A"].endswith(": All well.")


def test_an_end_is_told_with_its_reason_and_what_never_was_in_force() -> None:
    history = TWO.ended(SECOND.begins - 1, "Withdrawn.")
    lines = told(history, SECOND.begins)
    assert lines["Where it stands"].startswith("ENDED")
    assert lines["Ended"].endswith("Withdrawn.")
    assert lines["Amendment 1"].endswith("never in force")
    assert numbers(history, SECOND.begins) == [1]


def test_a_grant_whose_time_is_over_has_expired() -> None:
    assert told(ONE, GRANT.not_after)["Where it stands"].startswith("EXPIRED")
    assert numbers(ONE, GRANT.not_after) == [0]


def test_a_ledger_witnessed_long_ago_is_told_as_such() -> None:
    def read(age: int) -> str:
        return standing(ONE, signed(BEGINS), BEGINS + age)[-1].answer

    assert "LONG AGO" in read(3601)
    assert "LONG AGO" not in read(3600)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 20)), min_size=1, max_size=4),
    st.none() | st.integers(0, 30),
    st.integers(0, 45),
)
def test_it_says_in_force_exactly_when_custodians_act_on_it(
    times: list[tuple[int, int, int]], ended: int | None, now: int
) -> None:
    history = GrantHistory(
        GRANT.grant_id,
        tuple(
            Amendment(
                changed(
                    GRANT, amendment=number, not_before=begins, not_after=begins + length, notice_seconds=1
                ),
                number,
                witnessed,
            )
            for number, (begins, witnessed, length) in enumerate(times)
        ),
        ended_at=ended,
    )
    said = told(history, now)["Where it stands"]
    try:
        number = history.at(now).amendment
    except GrantError:
        assert not said.startswith("IN FORCE")
        return
    assert said.startswith("IN FORCE: the grant as" if number == 0 else f"IN FORCE: amendment {number},")
    assert until(history, history.amendments[number]) > now


@pytest.mark.parametrize("both", [True, False], ids=["both", "one"])
def test_all_who_suspended_it_are_named(both: bool) -> None:
    other = replace(SUSPENDED, statement=changed(SUSPENSION, custodian=Custodian.B))
    history = ONE.with_suspension(other)
    if both:
        history = history.with_suspension(SUSPENDED)
    expected = "custodian A and custodian B" if both else "custodian B"
    assert f"SUSPENDED by {expected}," in told(history, BEGINS + DAY)["Where it stands"]
