"""What is usual at an hour of the week: a median that one bad week does not move, and nothing where too little is known."""

from __future__ import annotations

from blindplate.server.matcher.cameras.usual import HOUR_SECONDS, MEMORY_HOURS, Hour, local, usual_rate

# Monday 6 January 2025, 08:00 in London, winter time.
MONDAY_EIGHT = 1_736_121_600 // HOUR_SECONDS + 8
WEEK = 7 * 24


def same_hour(*passes: int) -> list[Hour]:
    """The same hour of the last weeks, the last week last."""
    number = len(passes)
    return [
        Hour(MONDAY_EIGHT - (number - place) * WEEK, HOUR_SECONDS, one) for place, one in enumerate(passes)
    ]


def test_one_closed_road_does_not_move_what_is_usual() -> None:
    assert usual_rate(same_hour(360, 0, 380, 360, 340), MONDAY_EIGHT) == 0.1


def test_before_three_weeks_other_days_of_the_same_sort_do() -> None:
    working = [Hour(MONDAY_EIGHT - 24 * day, HOUR_SECONDS, 720) for day in (3, 4, 5)]
    weekend = [Hour(MONDAY_EIGHT - 24 * day, HOUR_SECONDS, 36) for day in (1, 2)]
    assert usual_rate([*working, *weekend], MONDAY_EIGHT) == 0.2
    assert usual_rate([*working[:2], *weekend], MONDAY_EIGHT) is None
    assert usual_rate([], MONDAY_EIGHT) is None


def test_hours_hardly_reported_older_than_memory_or_to_come_say_nothing() -> None:
    known = same_hour(360, 360, 360)
    assert usual_rate([Hour(one.hour, 1799, 1) for one in known], MONDAY_EIGHT) is None
    assert usual_rate(known, MONDAY_EIGHT + MEMORY_HOURS + WEEK) is None
    assert usual_rate(known, MONDAY_EIGHT - 3 * WEEK) is None


def test_hours_are_londons_through_a_change_of_the_clocks() -> None:
    # 27 October 2024, 01:00 UTC: summer time ends.
    change = 1_729_990_800 // HOUR_SECONDS
    assert local(change - 1) == (6, 1)
    assert local(change) == (6, 1)
    assert local(change + 1) == (6, 2)
    monday = change + 31
    summer = [Hour(monday - WEEK * back - 1, HOUR_SECONDS, 360) for back in (1, 2, 3)]
    assert local(monday) == (0, 8)
    assert usual_rate(summer, monday) == 0.1
