"""How much a camera usually reads at an hour of the week, learnt from its own past.

The median over the last eight weeks of the same hour in Europe/London: one accident, one closed road or one bank holiday
does not move it. Where fewer than three such hours are known, the median of the same hour on days of the same sort
(working days, or the weekend); where fewer than three of those, nothing is expected, and only silence is an alarm. Hours
under an alarm are left out, so that a painted lens does not become what is usual. Pure: no clock, no storage.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Final

from blindplate.core.domains import LONDON

HOUR_SECONDS: Final = 3600
MEMORY_HOURS: Final = 8 * 7 * 24
# An hour of which less was reported says little of the whole of it.
LEAST_SECONDS: Final = 1800.0
LEAST_HOURS: Final = 3
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Hour:
    """Passes read in ``seconds`` of the hour that begins ``hour`` hours after 1970 (UTC)."""

    hour: int
    seconds: float
    passes: int


def usual_rate(history: Iterable[Hour], hour: int) -> float | None:
    """Passes a second that are usual in the hour of that number, by hours before it; None where too few are known."""
    weekday, of_day = local(hour)
    same_hour: list[float] = []
    same_sort: list[float] = []
    for one in history:
        if one.seconds < LEAST_SECONDS or not hour - MEMORY_HOURS <= one.hour < hour:
            continue
        its_weekday, its_hour = local(one.hour)
        if its_hour != of_day:
            continue
        if its_weekday == weekday:
            same_hour.append(one.passes / one.seconds)
        if (its_weekday >= _SATURDAY) == (weekday >= _SATURDAY):
            same_sort.append(one.passes / one.seconds)
    for rates in (same_hour, same_sort):
        if len(rates) >= LEAST_HOURS:
            return median(rates)
    return None


def local(hour: int) -> tuple[int, int]:
    """Weekday (Monday is 0) and hour of the day in Europe/London of the hour of that number."""
    moment = datetime.fromtimestamp(hour * HOUR_SECONDS, UTC).astimezone(LONDON)
    return moment.weekday(), moment.hour
