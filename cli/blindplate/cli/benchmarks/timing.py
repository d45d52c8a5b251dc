"""Time taken, and how it is stated: a median, the least and the most, and what it is by processor time.

Guarantees that wall time never goes unaccompanied where this process did the work: on a shared machine the two differ
by what others took. Does not repeat or discard anything: what is measured, and how often, is the benchmark's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Seconds:
    """What one run took: by the clock, and of the processor by this process with all its threads."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure measured several times, in the unit its name gives. ``cpu`` is its median by processor time."""

    median: float
    least: float
    most: float
    cpu: float | None = None

    @classmethod
    def of(cls, values: Iterable[float], cpu: Iterable[float] = ()) -> Spread:
        """Of one value or more, and of those by processor time where there are any."""
        ordered, by_cpu = sorted(values), list(cpu)
        return cls(median(ordered), ordered[0], ordered[-1], median(by_cpu) if by_cpu else None)


def timed(run: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> tuple[T, Seconds]:
    """What ``run`` gives for these arguments, and what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = run(*args, **kwargs)
    return result, Seconds(time.perf_counter() - wall, time.process_time() - cpu)


def milliseconds(taken: Sequence[Seconds]) -> Spread:
    """Milliseconds a run."""
    return Spread.of((1000 * one.wall for one in taken), (1000 * one.cpu for one in taken))


def per_second(count: int, taken: Sequence[Seconds]) -> Spread:
    """Things a second, when each run did ``count`` of them."""
    return Spread.of((count / one.wall for one in taken), (count / one.cpu for one in taken))


def silent(step: str) -> None:
    """Where nobody is told of the steps."""
    del step
