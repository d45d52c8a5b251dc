"""The matcher's statement of a day: what it may say at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.errors import MessageError
from blindplate.core.statements.erasures import DayCount, Erasures, Looked, Place, day_begins, next_day

COUNT = DayCount(list_id="police", zone="inner", erased_acknowledged=2, erased_unclaimed=3, erased_claimed=4)
LOOKED = Looked(place=Place.RECORDS, items=9, overdue=2, oldest_seconds=5000)


def erasures(**changes: Any) -> Erasures:
    values: dict[str, Any] = {
        "since": 0,
        "day": "2026-11-24",
        "records": (COUNT,),
        "places": (LOOKED, Looked(place=Place.MEDIA, items=0, overdue=1)),
        "checked_at": 1,
        "made_at": 1,
    }
    return Erasures.parsed(Erasures.model_construct(**(values | changes)).model_dump_json().encode())


def test_what_was_erased_and_what_is_overdue_is_summed() -> None:
    assert (COUNT.erased, erasures().overdue) == (9, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"day": "2026-02-30"},
        {"day": "2026-2-3"},
        {"records": (COUNT, COUNT)},
        {"places": (LOOKED, LOOKED)},
    ],
)
def test_no_day_that_is_none_and_nothing_twice(changes: dict[str, Any]) -> None:
    with pytest.raises(MessageError):
        erasures(**changes)


@given(days=st.integers(0, 800))
def test_days_follow_one_another_without_a_gap(days: int) -> None:
    day = erasures(day="1999-12-31").day
    assert erasures(day="2025-03-30").ends == 1_743_379_200
    for _ in range(days):
        assert day_begins(next_day(day)) == day_begins(day) + 86_400
        day = next_day(day)
