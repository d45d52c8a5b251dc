"""Wilson's interval, widened where what was counted came in clusters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.cli.benchmarks.intervals import Interval, share, wilson


def test_known_intervals() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for found, trials, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)]:
        seen = wilson(found / trials, trials)
        assert (seen.low, seen.high) == pytest.approx((low, high), abs=1e-4)
    none = wilson(0, 20)
    assert (none.value, none.low, none.high) == pytest.approx((0, 0, 0.1611), abs=1e-4)
    assert wilson(1 / 29, 29).high == pytest.approx(0.1718, abs=1e-4)


def test_clusters_that_agree_are_worth_less_than_their_trials() -> None:
    alone = share([(1, 1)] * 50 + [(1, 0)] * 50)
    clustered = share([(10, 10)] * 5 + [(10, 0)] * 5)
    assert alone.value == clustered.value == 0.5
    assert clustered.high - clustered.low > 2 * (alone.high - alone.low)
    assert (clustered.low, clustered.high) == pytest.approx((wilson(0.5, 10).low, wilson(0.5, 10).high))


def test_no_trials_tell_nothing() -> None:
    assert share([]) == Interval(0, 0, 1)


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)).map(lambda one: (one[0], min(one))), min_size=1)
)
def test_an_interval_holds_its_estimate(clusters: list[tuple[int, int]]) -> None:
    found = share(clusters)
    assert 0 <= found.low <= found.value <= found.high <= 1
