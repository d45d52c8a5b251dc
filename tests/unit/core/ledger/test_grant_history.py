"""Grants over time: which amendment is in force when, who suspended it, when it ended."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.domains import Domain
from blindplate.core.errors import GrantError
from blindplate.core.ledger.grants import Amendment, GrantHistory, Suspension
from blindplate.core.parties import Custodian
from tests.unit.core.ledger.entering import DAY, DIGEST, GRANT, MADE, SUSPENSION, changed

BEGINS = MADE + DAY  # witnessed when made, a day's notice


def history(*amendments: Amendment) -> GrantHistory:
    return GrantHistory(GRANT.grant_id, amendments)


def amendment(number: int = 0, witnessed_at: int = MADE, **fields: object) -> Amendment:
    return Amendment(changed(GRANT, amendment=number, **fields), number, witnessed_at)


def test_a_grant_is_in_force_after_its_notice_and_until_its_end() -> None:
    grant = history(amendment())
    with pytest.raises(GrantError, match="not yet"):
        grant.at(BEGINS - 0.001)
    assert grant.at(BEGINS) == GRANT
    assert grant.at(GRANT.not_after - 0.001) == GRANT
    with pytest.raises(GrantError):
        grant.at(GRANT.not_after)


def test_notice_that_is_over_does_not_bring_a_grant_forward() -> None:
    grant = history(amendment(not_before=MADE + 10 * DAY))
    with pytest.raises(GrantError, match="not yet"):
        grant.at(MADE + 10 * DAY - 1)
    assert grant.in_force(MADE + 10 * DAY)


def test_an_amendment_takes_over_when_it_begins_and_not_when_it_is_entered() -> None:
    grant = history(amendment(), amendment(1, MADE + 10 * DAY, notice_seconds=2 * DAY))
    assert grant.latest.amendment == 1
    assert grant.at(MADE + 12 * DAY - 1).amendment == 0
    assert grant.at(MADE + 12 * DAY).amendment == 1


def test_a_capture_is_judged_by_the_amendment_of_its_own_time() -> None:
    grant = history(amendment(), amendment(1, MADE + 10 * DAY)).ended(MADE + 20 * DAY)
    assert grant.at(MADE + 2 * DAY).amendment == 0
    assert grant.at(MADE + 11 * DAY).amendment == 1
    with pytest.raises(GrantError, match="ended"):
        grant.at(MADE + 20 * DAY)


def test_what_was_amended_away_before_it_began_does_not_come_back() -> None:
    later = amendment(1, MADE + DAY, not_before=MADE + 30 * DAY)
    grant = history(amendment(), later, amendment(2, MADE + 2 * DAY))
    assert grant.at(MADE + 29 * DAY).amendment == 2
    assert grant.at(MADE + 30 * DAY).amendment == 2


def test_an_amendment_that_is_over_is_not_followed_by_the_one_before_it() -> None:
    grant = history(amendment(), amendment(1, not_after=MADE + 5 * DAY))
    with pytest.raises(GrantError):
        grant.at(MADE + 6 * DAY)


def suspended(custodian: Custodian, on: bool, witnessed_at: int) -> Suspension:
    statement = changed(SUSPENSION, custodian=custodian, suspended=on, made_at=witnessed_at)
    return Suspension(statement, witnessed_at, witnessed_at)


def test_a_suspension_and_a_resumption_count_from_when_they_were_witnessed() -> None:
    grant = history(amendment())
    for suspension in (
        suspended(Custodian.A, True, BEGINS + 10),
        suspended(Custodian.B, True, BEGINS + 20),
        suspended(Custodian.A, False, BEGINS + 30),
    ):
        grant = grant.with_suspension(suspension)
    assert [grant.suspended(Custodian.A, BEGINS + at) for at in (9, 10, 29.9, 30)] == [
        False,
        True,
        True,
        False,
    ]
    assert [grant.suspended(Custodian.B, BEGINS + at) for at in (19, 20, 90)] == [False, True, True]
    assert [grant.in_force(BEGINS + at) for at in (-1, 0, 9, 10, 30)] == [False, True, True, False, False]
    # A suspension is a custodian's own; the amendment stays the one records are judged by.
    assert grant.at(BEGINS + 25) == GRANT
    last = grant.last_suspension(Custodian.A)
    assert last is not None
    assert not last.suspended


def test_a_grant_without_suspensions_has_no_last_one() -> None:
    assert history(amendment()).last_suspension(Custodian.B) is None


def test_a_grants_domains_are_those_of_all_its_amendments() -> None:
    zones = ({"zone": "inner", "generation": 2, "register_digest": DIGEST},)
    grant = history(amendment(), amendment(1, zones=zones))
    assert grant.domains() == {Domain("police", "inner", 1), Domain("police", "inner", 2)}


@dataclass(frozen=True)
class Sketch:
    not_before: int
    length: int
    notice: int
    witnessed: int


moments = st.integers(0, 60)
sketches = st.builds(Sketch, moments, st.integers(1, 60), st.integers(1, 20), moments)


@given(st.lists(sketches, min_size=1, max_size=5), st.none() | moments, moments)
def test_in_force_is_the_last_that_began_second_by_second(
    drawn: list[Sketch], ended: int | None, moment: int
) -> None:
    grant = history(
        *(
            amendment(
                number,
                sketch.witnessed,
                not_before=sketch.not_before,
                not_after=sketch.not_before + sketch.length,
                notice_seconds=sketch.notice,
            )
            for number, sketch in enumerate(drawn)
        )
    )
    if ended is not None:
        grant = grant.ended(ended)
    # Time goes by, second by second, and whatever begins takes over unless a later one has already.
    current = None
    for second in range(moment + 1):
        for number, sketch in enumerate(drawn):
            begins = second >= sketch.not_before and second >= sketch.witnessed + sketch.notice
            if begins and (current is None or number > current):
                current = number
    over = current is not None and moment >= drawn[current].not_before + drawn[current].length
    if current is None or over or (ended is not None and moment >= ended):
        assert not grant.in_force(moment)
        with pytest.raises(GrantError):
            grant.at(moment)
    else:
        assert grant.at(moment).amendment == current
        assert grant.in_force(moment)
