"""Roads as they are: traffic by the hour of the week, days that differ, platoons, quiet nights, and what breaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from blindplate.server.matcher.cameras.judging import CameraAlarm, Recent, judge
from blindplate.server.matcher.cameras.usual import HOUR_SECONDS, Hour, usual_rate

# A Monday in London, in winter time.
MONDAY = 1_730_678_400
WEEK_MINUTES = 7 * 1440
# Share of the busiest hour, by hour of a working day.
WORKING_DAY = np.array(
    [.06, .04, .03, .03, .05, .15, .45, .85, 1, .8, .7, .7, .75, .75, .8, .9, 1, 1, .85, .6, .45, .35, .2, .1]
)  # fmt: skip
FREE_DAY = np.array(
    [.15, .1, .07, .05, .04, .05, .1, .2, .35, .5, .65, .7, .7, .65, .6, .6, .6, .55, .5, .4, .3, .25, .2, .12]
)  # fmt: skip


@dataclass(frozen=True)
class Road:
    """``busiest`` passes a minute in the busiest hour."""

    busiest: float

    def minutes(self, weeks: int, draw: np.random.Generator) -> np.ndarray:
        """Passes of each minute of so many weeks.

        Days differ by a quarter, one working day a month is a holiday, ten minutes differ by a third, and every other day
        an accident halves the traffic for an hour.
        """
        days: list[np.ndarray] = []
        holidays = set((draw.integers(0, 4, size=weeks) + 7 * np.arange(weeks))[::4].tolist())
        for day in range(7 * weeks):
            free = day % 7 >= 5 or day in holidays
            hours = (FREE_DAY if free else WORKING_DAY) * self.busiest
            rate = np.repeat(hours, 60) * draw.lognormal(0, 0.25)
            rate *= np.repeat(draw.gamma(9, 1 / 9, size=144), 10)
            if draw.random() < 0.5:
                start = draw.integers(0, 1380)
                rate[start : start + 60] *= 0.5
            days.append(rate)
        return draw.poisson(np.concatenate(days))


class Watcher:
    """Plays minutes to the judgement, as the matcher does: hours are learnt unless under an alarm."""

    def __init__(self) -> None:
        self.recent = Recent()
        self.hours: dict[int, list[Hour]] = {}
        self.alarm = CameraAlarm.NONE
        self.seen_at = float(MONDAY)
        self._usual: float | None = None
        self._hour: tuple[int, int] = (-1, 0)
        self._clean = True

    def minute(self, number: int, passes: int | None) -> CameraAlarm:
        """One minute; None passes where the camera says nothing."""
        now = float(MONDAY + 60 * (number + 1))
        hour = int((now - 60) // HOUR_SECONDS)
        if hour != self._hour[0]:
            if self._hour[0] >= 0 and self._clean:
                before = Hour(self._hour[0], HOUR_SECONDS, self._hour[1])
                self.hours.setdefault(before.hour % 24, []).append(before)
            # Only hours of about the same time of day are looked through, as a database's index would.
            near = [one for shift in (-1, 0, 1) for one in self.hours.get((hour + shift) % 24, [])]
            self._usual = usual_rate(near, hour)
            self._hour, self._clean = (hour, 0), self.alarm is CameraAlarm.NONE
        if passes is not None:
            self.seen_at = now
            self.recent.add(now, passes, 60 * (self._usual or 0.0))
            self._hour = (hour, self._hour[1] + passes)
        was, self.alarm = self.alarm, judge(self.recent, self.seen_at, self.alarm, now)
        if self.alarm is CameraAlarm.NONE is not was:
            self.recent = Recent()
        self._clean = self._clean and self.alarm is CameraAlarm.NONE and passes is not None
        return self.alarm

    def play(self, minutes: np.ndarray, begins: int = 0) -> Iterator[tuple[int, CameraAlarm]]:
        """Minute after minute: its number, and the alarm after it."""
        for offset, passes in enumerate(minutes.tolist()):
            yield begins + offset, self.minute(begins + offset, passes)
