"""Whether a camera lives and reads as it usually does: the judgement alone.

*Dark*: no sign of life for ``DARK_SECONDS``; a cut cable or power, at any hour. *Low*: it lives and reads next to nothing
of what is usual; a painted or turned lens. Low is decided over several spans at once: over ten minutes where much is
expected, over hours where little is, so that a quiet night alone is never an alarm. Each span needs both: less than a
share of what is usual, which a busy camera on an ordinary bad day does not fall to; and so little that, were ordinary
days never below ``LEAST_ORDINARY`` of the usual, chance would bring it about less than once in ``1 / CHANCE`` looks
(Chernoff's bound of the Poisson distribution's lower tail). Pure: moments are passed in, in seconds.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

DARK_SECONDS: Final = 300.0
# Minutes, and the share of the usual at or below which a camera is low.
SPANS: Final = ((10, 0.05), (30, 0.07), (60, 0.08), (180, 0.1), (1440, 0.3))
LEAST_ORDINARY: Final = 0.6
CHANCE: Final = 1e-8
# So much of the usual within the last ten minutes and more, until so much was expected, ends an alarm.
RECOVERED_SHARE: Final = 0.5
RECOVERED_EXPECTED: Final = 10.0
_LONGEST: Final = 60.0 * max(minutes for minutes, _ in SPANS)


class CameraAlarm(StrEnum):
    """What is wrong with a camera; NONE where nothing is."""

    NONE = "none"
    DARK = "dark"
    LOW = "low"


@dataclass(slots=True)
class Recent:
    """What a camera read of late, beside what was usual: sums from the first beat kept on, in order of time."""

    _ends: list[float] = field(default_factory=lambda: [-math.inf])
    _passes: list[int] = field(default_factory=lambda: [0])
    _usual: list[float] = field(default_factory=lambda: [0.0])

    def add(self, ends: float, passes: int, usual: float) -> None:
        """Passes of one beat that ended then, where ``usual`` were to be expected. One out of order is left out."""
        if ends < self._ends[-1]:
            return
        self._ends.append(ends)
        self._passes.append(self._passes[-1] + passes)
        self._usual.append(self._usual[-1] + usual)
        old = bisect_left(self._ends, ends - 2 * _LONGEST)
        if old > len(self._ends) // 2:
            for sums in (self._ends, self._passes, self._usual):
                del sums[:old]

    def __len__(self) -> int:
        return len(self._ends)

    def since(self, moment: float) -> tuple[int, float]:
        """Passes read and usual in the beats that ended after ``moment``."""
        before = max(0, bisect_right(self._ends, moment) - 1)
        return self._passes[-1] - self._passes[before], self._usual[-1] - self._usual[before]

    def expecting(self, least: float) -> tuple[int, float]:
        """The same of the last beats in which at least so many were usual; of all where there are fewer."""
        before = max(0, bisect_left(self._usual, self._usual[-1] - least) - 1)
        return self._passes[-1] - self._passes[before], self._usual[-1] - self._usual[before]


def judge(recent: Recent, seen_at: float, before: CameraAlarm, now: float) -> CameraAlarm:
    """What is wrong with a camera at ``now`` whose last sign of life was at ``seen_at``, after what was wrong ``before``.

    Once an alarm is over, ``recent`` is to begin anew: what was read under it says nothing of what comes.
    """
    if now - seen_at >= DARK_SECONDS:
        return CameraAlarm.DARK
    if before is CameraAlarm.LOW:
        return CameraAlarm.NONE if _recovered(recent, now) else CameraAlarm.LOW
    if any(_low(*recent.since(now - 60 * minutes), share) for minutes, share in SPANS):
        return CameraAlarm.LOW
    return CameraAlarm.NONE


def chance(passes: int, expected: float) -> float:
    """A bound on the chance of so few passes or fewer where ``expected`` are the mean: 1 where they are no fewer."""
    if passes >= expected:
        return 1.0
    return math.exp(passes - expected - (passes * math.log(passes / expected) if passes else 0.0))


def _low(passes: int, usual: float, share: float) -> bool:
    return passes <= share * usual and chance(passes, LEAST_ORDINARY * usual) <= CHANCE


def _recovered(recent: Recent, now: float) -> bool:
    shortest = min(minutes for minutes, _ in SPANS)
    passes, usual = recent.since(now - 60 * shortest)
    if usual < RECOVERED_EXPECTED:
        passes, usual = recent.expecting(RECOVERED_EXPECTED)
    # Of what nothing is known to be usual, nothing can be low.
    return passes >= RECOVERED_SHARE * usual
