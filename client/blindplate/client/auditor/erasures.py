"""What the matcher swears of every day, held against its own counts: every day once, in order, adding up, nothing overdue.

Guarantees that a day which is left out, stated twice or late, or does not fit what the matcher counted before and after it,
is found, and that whatever its nightly check found overdue is shown to everyone. That it erased what it says nobody can
show. A matcher that says nothing at all is found by its counts (``matching``). Protocol section 7, guarantee G7.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from blindplate.client.auditor.count_rules import Place
from blindplate.client.auditor.erasure_rules import ERASURE_RULES, SUM_RULES, DayView, SumView
from blindplate.client.auditor.findings import Finding, Kind, Severity, day_of, judged
from blindplate.core.errors import CountError
from blindplate.core.statements.erasures import DAY_COUNTED, DayCount, Erasures, day_begins, next_day
from blindplate.core.statements.matching import MatcherCounts, RecordCount

# What the matcher states within a round of its housekeeping may be kept back by a ledger that is away.
MISSING_SECONDS: Final = 6 * 3600
# Counts made so shortly before midnight may hold what was counted for the next day.
_MIDNIGHT_SECONDS: Final = 60


@dataclass(slots=True)
class ErasureDays:
    """What the matcher has stated of days up to the last entry heard; ``days`` by day, list and zone."""

    days: dict[tuple[str, str, str], DayCount] = field(default_factory=dict[tuple[str, str, str], DayCount])
    last: Erasures | None = None
    begun: Erasures | None = None
    # Of the present beginning (``since``): the sum of all days, and whether none of them is missing.
    _sums: dict[Place, Counter[str]] = field(default_factory=dict[Place, Counter[str]])
    _complete: bool = True
    # The last counts of each day that is not stated yet, of one beginning.
    _counted: dict[str, tuple[RecordCount, ...]] = field(default_factory=dict[str, tuple[RecordCount, ...]])
    _since: int = -1
    _told: bool = False

    def stated(self, index: int, entry: Erasures) -> Iterator[Finding]:
        """Hear of a day's statement, or of a part; it is judged once it is whole."""
        try:
            self.begun = entry = entry.joined_to(self.begun)
        except CountError as error:
            yield Finding(index, Kind.ERASURES_ORDER, Severity.VIOLATION, f"The matcher: {error.what}")
            self.begun = entry if entry.part == 0 else None
        if self.begun is None or not entry.whole:
            return
        last, expected = self.last, self.expected(entry.since)
        yield from judged(ERASURE_RULES, DayView(entry, last, expected), index)
        if last is not None and (entry.since, entry.day) <= (last.since, last.day):
            return
        if last is not None and entry.since > last.since:
            self._sums, self._complete = {}, True
        self._complete &= entry.day == expected
        self._add(entry)
        yield from self._held_against_before(index, entry)
        self.last, self._told = entry, False

    def counted(self, index: int, counts: MatcherCounts) -> Iterator[Finding]:
        """Hear of the matcher's counts, whole."""
        if counts.since != self._since:
            self._counted, self._since = {}, counts.since
        self._counted[day_of(counts.made_at + _MIDNIGHT_SECONDS)] = counts.records
        if self.last is not None and self.last.since == counts.since:
            yield from judged(SUM_RULES, SumView(self._sums, counts.records), index)
        due = self.expected(counts.since)
        if self._told or counts.made_at <= day_begins(next_day(due)) + MISSING_SECONDS:
            return
        # Said once: until there is a statement, whatever follows is the same silence.
        self._told = True
        sentence = (
            f"The matcher has counted on, and entered no statement of what it erased on {due}, nor of what it found past its "
            "time that night."
        )
        yield Finding(index, Kind.ERASURES_MISSING, Severity.VIOLATION, sentence)

    def expected(self, since: int) -> str:
        """Which day is to be stated next, in counts that began at ``since``."""
        if self.last is not None and self.last.since == since:
            return next_day(self.last.day)
        return day_of(since)

    def _add(self, entry: Erasures) -> None:
        for row in entry.records:
            self.days[entry.day, row.list_id, row.zone] = row
            total = self._sums.setdefault((row.list_id, row.zone), Counter())
            total.update({name: getattr(row, name) for name in DAY_COUNTED})

    def _held_against_before(self, index: int, entry: Erasures) -> Iterator[Finding]:
        """Days up to this one hold no less than the last counts made on them."""
        days = sorted(day for day in self._counted if day <= entry.day)
        if days and self._complete and entry.since == self._since:
            rows = self._counted[days[-1]]
            yield from judged(SUM_RULES, SumView(self._sums, rows, of_before=True), index)
        for day in days:
            del self._counted[day]
