"""Estimates of shares with their 95 % intervals, when what was counted came in clusters.

The interval is Wilson's score interval, of as many independent trials as the clustered ones are worth (Kish's design
effect, Korn and Graubard's use of it): reads of one vehicle are not independent, since its plate is the same each time.
Never narrower than if they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Final

_Z: Final = 1.959964  # the standard normal quantile of 97.5 %


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its 95 % interval, in the unit its name gives."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Interval:
        """The estimate of ``factor`` (at least 0) times as much."""
        return Interval(self.value * factor, self.low * factor, self.high * factor)


def share(clusters: Iterable[tuple[int, int]]) -> Interval:
    """The share of successes, from (trials, successes) of every cluster; 0 to 1 when there was no trial."""
    counted = list(clusters)
    trials = sum(one for one, _ in counted)
    successes = sum(one for _, one in counted)
    if not trials:
        return Interval(0.0, 0.0, 1.0)
    mean = successes / trials
    effect = 1.0
    if 0 < mean < 1:
        spread = sum((found - mean * tried) ** 2 for tried, found in counted)
        effect = max(spread / (trials * mean * (1 - mean)), 1.0)
    return wilson(mean, trials / effect)


def wilson(mean: float, trials: float) -> Interval:
    """Wilson's score interval (1927) for a share seen in so many independent trials, more than 0."""
    square = _Z * _Z
    centre = mean + square / (2 * trials)
    half = _Z * sqrt(mean * (1 - mean) / trials + square / (4 * trials * trials))
    # At 0 and 1 the bound is exact, and rounding must not move it past the estimate.
    return Interval(
        mean,
        max((centre - half) / (1 + square / trials), 0.0) if mean else 0.0,
        min((centre + half) / (1 + square / trials), 1.0) if mean < 1 else 1.0,
    )
