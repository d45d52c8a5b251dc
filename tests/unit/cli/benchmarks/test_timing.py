"""Time taken, and how it is stated."""

from __future__ import annotations

import time

import pytest

from blindplate.cli.benchmarks.timing import Seconds, Spread, milliseconds, per_second, timed


def test_a_sleep_takes_wall_time_and_no_processor() -> None:
    def sleep(seconds: float) -> str:
        time.sleep(seconds)
        return "slept"

    result, taken = timed(sleep, 0.05)
    assert result == "slept"
    assert taken.wall >= 0.05
    assert taken.cpu < taken.wall


def test_the_median_is_of_the_values_whatever_their_order() -> None:
    assert Spread.of([9, 1, 2]) == Spread(2, 1, 9)
    assert Spread.of([1, 2, 3, 8], cpu=[4, 1, 1]) == Spread(2.5, 1, 8, 1)


def test_nothing_measured_is_no_figure() -> None:
    with pytest.raises(Exception, match="no median"):
        Spread.of([])


def test_a_rate_counts_what_one_run_did_and_the_slowest_run_is_the_least() -> None:
    taken = [Seconds(2.0, 1.0), Seconds(0.5, 0.5), Seconds(1.0, 0.5)]
    assert per_second(100, taken) == Spread(100, 50, 200, 200)
    assert milliseconds(taken) == Spread(1000, 500, 2000, 500)
