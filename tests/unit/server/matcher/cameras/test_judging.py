"""When a camera is dark or low, in simulated weeks: soon after it breaks by day, and hardly ever without."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.server.matcher.cameras.judging import DARK_SECONDS, CameraAlarm, Recent, chance, judge
from tests.unit.server.matcher.cameras.roads import WEEK_MINUTES, Road, Watcher

ROADS = (0.5, 3.0, 12.0, 60.0)


def alarms(seen: list[CameraAlarm]) -> int:
    """How often an alarm began."""
    return sum(
        after is not before and after is not CameraAlarm.NONE
        for before, after in zip([CameraAlarm.NONE, *seen], seen, strict=False)
    )


def test_fewer_than_one_false_alarm_a_camera_and_month_by_day_and_by_night() -> None:
    """Forty cameras on four sorts of road, five weeks each, the first of them without any past."""
    began = 0
    weeks, each = 5, 3
    for busiest in ROADS:
        for number in range(each):
            minutes = Road(busiest).minutes(weeks, np.random.default_rng([int(10 * busiest), number]))
            began += alarms([alarm for _, alarm in Watcher().play(minutes)])
    camera_months = len(ROADS) * each * weeks * 7 / 30
    assert began / camera_months < 0.5, began


@settings(max_examples=8, deadline=None)
@given(
    busiest=st.sampled_from(ROADS[1:]),
    seed=st.integers(0, 10_000),
    hour=st.integers(8, 18),
    cut=st.booleans(),
    day=st.integers(0, 4),
)
def test_a_cut_cable_and_a_painted_lens_are_alarms_within_minutes_by_day_and_clear(
    busiest: float, seed: int, hour: int, cut: bool, day: int
) -> None:
    weeks = 3
    minutes = Road(busiest).minutes(weeks + 1, np.random.default_rng(seed))
    watcher, breaks = Watcher(), weeks * WEEK_MINUTES + 1440 * day + 60 * hour
    for _ in watcher.play(minutes[:breaks]):
        pass
    took = 0
    wanted = CameraAlarm.DARK if cut else CameraAlarm.LOW
    while watcher.alarm is not wanted:
        # Of a painted lens one read in fifty is still made.
        passes = None if cut else int(minutes[breaks + took]) // 50
        watcher.minute(breaks + took, passes)
        took += 1
        assert took <= 120
    # Three passes a minute are usual in the busiest hour of the quietest of these roads.
    assert took <= (DARK_SECONDS / 60 if cut else 15 + 90 / busiest)
    *_, last = watcher.play(minutes[breaks + took : breaks + took + 60], breaks + took)
    assert last[1] is CameraAlarm.NONE


def test_a_silent_camera_is_dark_at_night_as_soon_as_by_day() -> None:
    recent = Recent()
    for minute in range(60):
        recent.add(60.0 * minute, 0, 0.01)
    last = 60.0 * 59
    assert judge(recent, last, CameraAlarm.NONE, last + DARK_SECONDS - 1) is CameraAlarm.NONE
    assert judge(recent, last, CameraAlarm.NONE, last + DARK_SECONDS) is CameraAlarm.DARK


def test_a_night_without_a_vehicle_is_no_alarm() -> None:
    recent, now = Recent(), 0.0
    for minute in range(6 * 60):
        now = 60.0 * minute
        recent.add(now, 0, 0.05)
        assert judge(recent, now, CameraAlarm.NONE, now) is CameraAlarm.NONE


def test_a_lens_painted_at_night_is_an_alarm_in_the_morning() -> None:
    recent, now = Recent(), 0.0
    for minute in range(6 * 60):
        now = 60.0 * minute
        recent.add(now, 0, 0.05)
    for _ in range(12):
        now += 60.0
        recent.add(now, 0, 4.0)
        if judge(recent, now, CameraAlarm.NONE, now) is CameraAlarm.LOW:
            return
    pytest.fail("never alarmed")


def test_without_a_known_past_only_silence_is_an_alarm() -> None:
    recent = Recent()
    for minute in range(2_000):
        recent.add(60.0 * minute, 0, 0.0)
        assert judge(recent, 60.0 * minute, CameraAlarm.NONE, 60.0 * minute) is CameraAlarm.NONE


def test_half_of_what_is_usual_does_not_end_an_alarm_at_night_before_it_is_enough_to_tell() -> None:
    recent, now = Recent(), 0.0
    for minute in range(600):
        now = 60.0 * minute
        recent.add(now, 0, 1.0)
    assert judge(recent, now, CameraAlarm.LOW, now) is CameraAlarm.LOW
    # One vehicle in a quiet minute is no sign that all is well.
    now += 60
    recent.add(now, 1, 0.1)
    assert judge(recent, now, CameraAlarm.LOW, now) is CameraAlarm.LOW
    for _ in range(12):
        now += 60
        recent.add(now, 1, 1.0)
    assert judge(recent, now, CameraAlarm.LOW, now) is CameraAlarm.NONE


@given(passes=st.integers(0, 200), expected=st.floats(0.01, 200))
def test_the_bound_is_never_below_poissons_lower_tail(passes: int, expected: float) -> None:
    tail = math.fsum(
        math.exp(-expected + number * math.log(expected) - math.lgamma(number + 1))
        for number in range(passes + 1)
    )
    assert chance(passes, expected) >= min(tail, 1.0) * (1 - 1e-9)


def test_what_is_kept_of_late_does_not_grow_without_bound() -> None:
    recent = Recent()
    for minute in range(20_000):
        recent.add(60.0 * minute, 1, 1.0)
    assert len(recent) < 10_000
    assert recent.since(60.0 * 19_989) == (10, 10.0)
