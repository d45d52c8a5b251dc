"""The numbers that the report shows and that only the course of the ledger tells: what changed on which day.

Guarantees that each count of the matcher is counted once, as the difference from the one before it, on the UTC day it
was entered for; after counts that began anew, from nothing. Everything else the report takes from what the rules keep.
Protocol section 7.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from blindplate.client.auditor.count_rules import Place
from blindplate.client.auditor.findings import day_of
from blindplate.core.statements.cameras import CameraStatus
from blindplate.core.statements.matching import Batches, MatcherCounts, RecordCount
from blindplate.core.statements.model import StatementModel

# What of a record count is a total, and so has a difference a day.
COUNTED: Final = (
    "received",
    "answered",
    "claimed",
    "erased_acknowledged",
    "erased_unclaimed",
    "erased_claimed",
    "erased_unopened",
)


@dataclass(slots=True)
class BatchDay:
    """Answers of one list on one day, and the places (for a read or a dummy) that they had."""

    answers: int = 0
    slots: int = 0


@dataclass(slots=True)
class Figures:
    """``records`` by day, list and zone, each a count of every name in COUNTED; ``kinds`` counts entries by kind."""

    kinds: Counter[str] = field(default_factory=Counter[str])
    records: dict[tuple[str, str, str], Counter[str]] = field(
        default_factory=dict[tuple[str, str, str], Counter[str]]
    )
    batches: dict[tuple[str, str], BatchDay] = field(default_factory=dict[tuple[str, str], BatchDay])
    statuses: list[CameraStatus] = field(default_factory=list[CameraStatus])
    _since: int = -1
    _last: dict[Place, RecordCount] = field(default_factory=dict[Place, RecordCount])

    def hear(self, model: StatementModel, counts: MatcherCounts | None) -> None:
        """Hear of one entry; ``counts`` are the matcher's last that are whole, with every part of theirs."""
        self.kinds[model.kind] += 1
        match model:
            case MatcherCounts() if counts is not None:
                self._counts(counts)
            case Batches():
                self._batches(model)
            case CameraStatus():
                self.statuses.append(model)
            case _:
                pass

    def _counts(self, counts: MatcherCounts) -> None:
        if counts.since != self._since:
            self._since, self._last = counts.since, {}
        day = day_of(counts.made_at)
        for row in counts.records:
            place = (row.list_id, row.zone)
            before = self._last.get(place)
            added = {name: getattr(row, name) - (getattr(before, name) if before else 0) for name in COUNTED}
            if any(value > 0 for value in added.values()):
                self.records.setdefault((day, *place), Counter()).update(
                    {name: value for name, value in added.items() if value > 0}
                )
            self._last[place] = row

    def _batches(self, batches: Batches) -> None:
        day = day_of(batches.made_at)
        for batch in batches.batches:
            one = self.batches.setdefault((day, batch.list_id), BatchDay())
            one.answers += 1
            one.slots += batch.slots
