"""What became of reads, by day, by list and by zone, as the matcher counted them and beside what cameras say.

Guarantees that records which the matcher's counts lost, as it began anew while it held them, are shown as such.
Protocol section 7; docs/spec/audit.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.figures import COUNTED


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of records. ``answered`` counts places in batches, so one record may have several.

    ``erased_unopened``: those of ``erased_acknowledged`` that were kept until payment had closed.
    """

    received: int = 0
    answered: int = 0
    claimed: int = 0
    erased_acknowledged: int = 0
    erased_unclaimed: int = 0
    erased_claimed: int = 0
    erased_unopened: int = 0

    @property
    def erased(self) -> int:
        """Records erased without ever being claimed."""
        return self.erased_acknowledged + self.erased_unclaimed


@dataclass(frozen=True, slots=True)
class DayCounts:
    """One day, list and zone."""

    day: str
    list_id: str
    zone: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class PlaceCounts:
    """One list and zone: by the matcher's word in all, what it still holds, and what cameras say they handed in.

    ``kept``: how many of the open ones are kept until payment has closed.
    """

    list_id: str
    zone: str
    counts: Counts
    open: int
    cameras_say: int
    kept: int = 0

    @property
    def lost(self) -> int:
        """Records received of which no later count says anything."""
        return self.counts.received - self.counts.claimed - self.counts.erased - self.open


@dataclass(frozen=True, slots=True)
class Answers:
    """One day and list: answers that left, and the places for reads or dummies they had."""

    day: str
    list_id: str
    answers: int
    slots: int


def days(audit: Audit) -> tuple[DayCounts, ...]:
    """Every day of every list and zone on which something was counted."""
    return tuple(
        DayCounts(*key, Counts(**{name: counts[name] for name in COUNTED}))
        for key, counts in sorted(audit.figures.records.items())
    )


def places(audit: Audit, counted: Iterable[DayCounts]) -> tuple[PlaceCounts, ...]:
    """Every list and zone of the days ``counted``, and those that cameras alone speak of."""
    summed: dict[tuple[str, str], dict[str, int]] = {}
    for day in counted:
        place = summed.setdefault((day.list_id, day.zone), dict.fromkeys(COUNTED, 0))
        for name in COUNTED:
            place[name] += getattr(day.counts, name)
    last = audit.judge.matching.last
    still_open = {(row.list_id, row.zone): (row.open, row.kept) for row in (last.records if last else ())}
    accepted = audit.judge.cameras.accepted
    return tuple(
        PlaceCounts(
            *place,
            Counts(**summed.get(place, {})),
            still_open.get(place, (0, 0))[0],
            accepted.get(place, 0),
            still_open.get(place, (0, 0))[1],
        )
        for place in sorted({*summed, *still_open, *accepted})
    )


def answers(audit: Audit) -> tuple[Answers, ...]:
    """Every day of every list on which answers left."""
    return tuple(
        Answers(*key, batches.answers, batches.slots)
        for key, batches in sorted(audit.figures.batches.items())
    )
