"""What rules of canonicalisation make of reads: hits found and missed, hits on the wrong vehicle, reads added.

Matching is a look into a set. So this measures plates, not the encrypted match, which finds what the set finds
(``bench match`` checks that). Everything is counted by how many alternates are allowed, from none up, and by vehicle,
since reads of one vehicle are not independent.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field, replace
from typing import Final

from blindplate.cli.benchmarks.intervals import Interval, share
from blindplate.cli.misreading.day import Day, key
from blindplate.cli.misreading.engine import Engine, EngineRead
from blindplate.cli.misreading.vehicles import Subject
from blindplate.core.plates import AlternateRules, read_plates

MOST: Final = 5


@dataclass(slots=True)
class _Vehicle:
    """What was counted of one vehicle, by the number of alternates allowed."""

    reads: int = 0
    found: list[int] = field(default_factory=lambda: [0] * (MOST + 1))
    wrong: list[int] = field(default_factory=lambda: [0] * (MOST + 1))


class Tally:
    """Counts over reads under one set of rules."""

    def __init__(self, listed: Container[str], rules: AlternateRules) -> None:
        self._listed = listed
        self._rules = replace(rules, most=MOST)
        self._vehicles: dict[int, _Vehicle] = {}
        self._is_listed: dict[int, bool] = {}
        # What a text alone gives: most reads repeat one that the engine is sure of.
        self._sure: dict[tuple[str, str], tuple[str, ...]] = {}
        self._added = [0] * (MOST + 1)
        self._reads = 0
        self._misread = 0

    def take(self, number: int, subject: Subject, seen: EngineRead) -> None:
        """Count one read of vehicle ``number``."""
        plates = self._plates(subject, seen)
        own = key(subject.country, subject.text)
        vehicle = self._vehicles.setdefault(number, _Vehicle())
        vehicle.reads += 1
        self._reads += 1
        self._misread += seen.kind is not None
        self._is_listed[number] = own in self._listed
        found = wrong = 0
        for allowed in range(MOST + 1):
            if allowed < len(plates):
                found += plates[allowed] == own
                wrong += plates[allowed] != own and plates[allowed] in self._listed
            self._added[allowed] += min(allowed, len(plates) - 1)
            vehicle.found[allowed] += found
            vehicle.wrong[allowed] += wrong

    def _plates(self, subject: Subject, seen: EngineRead) -> tuple[str, ...]:
        """The keys of the primary and its alternates."""
        doubted = seen.candidates or min(seen.char_confidences, default=1.0) < self._rules.doubted_below
        known = None if doubted else self._sure.get((subject.country, seen.text))
        if known is None:
            found = read_plates(
                seen.text, subject.country, seen.candidates, seen.char_confidences, self._rules
            )
            known = tuple(key(plate.country, plate.text) for plate in (found.primary, *found.alternates))
            if not doubted:
                self._sure[subject.country, seen.text] = known
        return known

    def true_hit_rate(self, allowed: int) -> Interval:
        """The share of reads of listed vehicles that gave their plate, with so many alternates allowed."""
        return share(
            (one.reads, one.found[allowed])
            for number, one in self._vehicles.items()
            if self._is_listed[number]
        )

    def false_hit_rate(self, allowed: int) -> Interval:
        """Hits on a plate that the vehicle does not bear, a read."""
        return share((one.reads, one.wrong[allowed]) for one in self._vehicles.values())

    def alternates_share(self, allowed: int) -> float:
        """The share of alternates among all that is submitted."""
        added = self._added[allowed]
        return added / max(self._reads + added, 1)

    @property
    def listed_reads(self) -> int:
        """How many reads were of listed vehicles."""
        return sum(one.reads for number, one in self._vehicles.items() if self._is_listed[number])

    @property
    def misread_share(self) -> float:
        """The share of reads whose text is not the plate's, before canonicalisation."""
        return self._misread / max(self._reads, 1)


def tally_day(day: Day, engine: Engine, *tallies: Tally) -> None:
    """Take every read of ``day`` into every tally."""
    for number, subject, seen in day.passes(engine):
        for tally in tallies:
            tally.take(number, subject, seen)
