"""GCRA: a burst at once, a rate over time, and nothing taken by a refusal."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import QuotaError
from blindplate.server.limits import Rate, RateLimiter

RATE = Rate(per_second=2.0, burst=10)


class SetClock:
    def __init__(self) -> None:
        self.time = 1_000.0

    def now(self) -> float:
        return self.time


def test_a_burst_is_served_at_once_and_no_more() -> None:
    limiter = RateLimiter(SetClock())
    limiter.take("a", 10, RATE)
    with pytest.raises(QuotaError):
        limiter.take("a", 1, RATE)


def test_a_refusal_takes_nothing() -> None:
    limiter = RateLimiter(SetClock())
    limiter.take("a", 9, RATE)
    with pytest.raises(QuotaError):
        limiter.take("a", 2, RATE)
    limiter.take("a", 1, RATE)


def test_time_gives_units_back_and_never_more_than_a_burst() -> None:
    clock = SetClock()
    limiter = RateLimiter(clock)
    limiter.take("a", 10, RATE)
    clock.time += 1.0
    limiter.take("a", 2, RATE)
    clock.time += 1_000_000.0
    limiter.take("a", 10, RATE)
    with pytest.raises(QuotaError):
        limiter.take("a", 1, RATE)


def test_one_key_takes_nothing_from_another() -> None:
    limiter = RateLimiter(SetClock())
    limiter.take("a", 10, RATE)
    limiter.take("b", 10, RATE)


def test_the_refusal_says_how_long_to_wait() -> None:
    limiter = RateLimiter(SetClock())
    limiter.take("a", 10, RATE)
    with pytest.raises(QuotaError, match="Wait 2 s"):
        limiter.take("a", 4, RATE)


@given(st.lists(st.tuples(st.integers(0, 12), st.floats(0, 5)), max_size=40))
@settings(max_examples=100)
def test_no_key_is_ever_served_more_than_burst_and_rate_allow(steps: list[tuple[int, float]]) -> None:
    clock = SetClock()
    limiter, began, served = RateLimiter(clock), clock.time, 0
    for units, pause in steps:
        try:
            limiter.take("a", units, RATE)
            served += units
        except QuotaError:
            pass
        assert served <= RATE.burst + RATE.per_second * (clock.time - began) + 1e-6
        clock.time += pause
