"""A day of reads of vehicles that pass about eight times each, and the list they are matched against.

Guarantees that the same arguments give the same reads and list, whatever rules they are measured under. Half of the
vehicles that pass are listed, far more than in life: how a plate is read does not depend on who lists it, and so the
share of true hits is known the better. The rest of the list are other plates, drawn as the passing ones were.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from blindplate.cli.misreading.engine import Engine, EngineRead, read
from blindplate.cli.misreading.vehicles import Subject, subjects
from blindplate.cli.traffic.simulation import MISREAD_RATE
from blindplate.cli.traffic.vehicles import draw_mark, population
from blindplate.core.errors import InputError

# London, September 2023: 15.7 million reads of 1.97 million vehicles a day.
PASSES_A_VEHICLE: Final = 8


@dataclass(frozen=True, slots=True)
class Day:
    """Who passes, and what is listed (by ``key``)."""

    seed: int
    reads: int
    subjects: tuple[Subject, ...] = field(repr=False)
    listed: frozenset[str] = field(repr=False)

    def passes(self, engine: Engine) -> Iterator[tuple[int, Subject, EngineRead]]:
        """Every pass: number of the vehicle, vehicle, read."""
        rng, doubts = _random("passes", self.seed), _random("doubts", self.seed)
        for _ in range(self.reads):
            number = rng.randrange(len(self.subjects))
            subject = self.subjects[number]
            yield number, subject, read(rng, doubts, engine, subject)


def key(country: str, text: str) -> str:
    """What a plate is called in a list: its country and text, from which its format follows."""
    return country + text


def make_day(seed: int, reads: int, listed: int, misread_rate: float = MISREAD_RATE) -> Day:
    """A day of ``reads`` reads against ``listed`` plates.

    Raises InputError when the list is shorter than the vehicles of the day that are on it, or a figure is out of range.
    """
    vehicles = population(seed, max(reads // PASSES_A_VEHICLE, 1))
    passing = {key(one.country, one.text) for one in vehicles[::2]}
    if listed < len(passing):
        raise InputError(
            "Half of the vehicles that pass are listed, and the list is shorter than that.",
            f"List {len(passing):,} plates or more, or simulate fewer reads.",
        )
    strangers = {key(one.country, one.text) for one in vehicles[1::2]}
    rng = _random("list", seed)
    while len(passing) < listed:
        drawn = key(*draw_mark(rng))
        # A passing vehicle that is not listed stays so: half of them, not more.
        if drawn not in strangers:
            passing.add(drawn)
    return Day(seed, reads, subjects(_random("plates", seed), vehicles, misread_rate), frozenset(passing))


def _random(what: str, seed: int) -> Random:
    return Random(f"misreads {what} {seed}")  # noqa: S311 -- repeatable on purpose, and no secret
