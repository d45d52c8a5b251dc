"""How many pseudonyms each custodian says it evaluated, held against what grants and registers allow (G5).

Guarantees that no day's counts exceed the grant's daily quota, no grant's total exceeds its quota for all key
generations it ever named, and no zone's cameras had more evaluated than their register allows; by a custodian's own
word, of which there are two: a pseudonym takes both, so that words far apart are noted. The last counts of a day stand
for it. Protocol sections 3 and 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from blindplate.client.auditor.dating import OVERDUE_SECONDS
from blindplate.client.auditor.evaluation_rules import (
    DAY_SECONDS,
    EVALUATION_RULES,
    EvaluationView,
    first_second,
)
from blindplate.client.auditor.findings import Finding, Kind, Severity, judged, named
from blindplate.client.auditor.grants import GrantDates
from blindplate.core.errors import CountError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import Custodian
from blindplate.core.statements.evaluations import EvaluationCounts
from blindplate.core.statements.policies import ZonePolicy

# Two custodians' counts of one day are alike unless one was away, or asked alone: apart by more than half, and by more
# than a list's daily changes, they are worth a reader's notice.
_APART: Final = 1000


@dataclass(slots=True)
class Evaluations:
    """What custodians have counted up to the last entry heard.

    ``days`` holds the last counts of each day, ``begun`` each custodian's counts under way, part by part, ``policies``
    every zone policy entered.
    """

    dates: GrantDates
    days: dict[tuple[Custodian, str], EvaluationCounts] = field(
        default_factory=dict[tuple[Custodian, str], EvaluationCounts]
    )
    totals: dict[tuple[Custodian, str], int] = field(default_factory=dict[tuple[Custodian, str], int])
    begun: dict[Custodian, EvaluationCounts | None] = field(
        default_factory=dict[Custodian, "EvaluationCounts | None"]
    )
    policies: list[ZonePolicy] = field(default_factory=list[ZonePolicy])
    # The last entry about each day not yet compared.
    _open_days: dict[str, int] = field(default_factory=dict[str, int])

    def counts(self, index: int, entry: EvaluationCounts, state: LedgerState) -> Iterator[Finding]:
        """Hear of a custodian's counts, or of a part; they are judged once they are whole."""
        custodian = entry.custodian
        try:
            self.begun[custodian] = entry = entry.joined_to(self.begun.get(custodian))
        except CountError as error:
            sentence = f"{named(custodian)}: {error.what}"
            yield Finding(index, Kind.EVALUATIONS_DECREASE, Severity.VIOLATION, sentence)
            self.begun[custodian] = entry if entry.part == 0 else None
        if self.begun[custodian] is None or not entry.whole:
            return
        key = (entry.custodian, entry.day)
        before = self.days.get(key)
        had = _by_grant(before)
        for grant_id, evaluated in _by_grant(entry).items():
            total = (entry.custodian, grant_id)
            self.totals[total] = self.totals.get(total, 0) + max(evaluated - had.get(grant_id, 0), 0)
        self.days[key] = entry
        self._open_days[entry.day] = index
        view = EvaluationView(entry, before, self.totals, state, self.dates, self.policies)
        yield from judged(EVALUATION_RULES, view, index)

    def closing(self, witnessed_at: int) -> Iterator[Finding]:
        """What is to be said at a checkpoint witnessed at ``witnessed_at``: days whose counts must all be there by now."""
        for day, index in sorted(self._open_days.items()):
            try:
                over = first_second(day) + DAY_SECONDS
            except CountError:
                del self._open_days[day]
                continue
            if over + OVERDUE_SECONDS > witnessed_at:
                continue
            del self._open_days[day]
            a, b = (_evaluated(self.days.get((one, day))) for one in Custodian)
            if abs(a - b) > _APART and max(a, b) > 2 * min(a, b):
                sentence = f"Custodian A evaluated {a:,} pseudonyms on {day} and custodian B {b:,}, although each takes both."
                yield Finding(index, Kind.EVALUATIONS_APART, Severity.NOTE, sentence)


def _by_grant(entry: EvaluationCounts | None) -> dict[str, int]:
    return {one.grant_id: one.evaluated for one in entry.grants} if entry else {}


def _evaluated(entry: EvaluationCounts | None) -> int:
    if entry is None:
        return 0
    return sum(one.evaluated for one in entry.grants) + sum(one.evaluated for one in entry.zones)
