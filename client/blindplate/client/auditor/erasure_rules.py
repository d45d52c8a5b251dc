"""What the matcher's statement of a day must be: the next day, over, checked everywhere, with nothing left, and adding up.

Each rule raises an error of its own. Protocol section 7, guarantee G7; docs/spec/audit.md section 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from blindplate.client.auditor.count_rules import Place
from blindplate.client.auditor.findings import Kind, Rule, Severity, at
from blindplate.core.errors import ChainError, CountError, ExpiredError
from blindplate.core.statements import erasures
from blindplate.core.statements.erasures import DAY_COUNTED, Erasures, Looked
from blindplate.core.statements.matching import RecordCount

# A statement comes in the first minute after midnight, unless the matcher was stopped.
LATE_SECONDS: Final = 6 * 3600


@dataclass(frozen=True, slots=True)
class DayView:
    """A day's statement, whole, the one before it, and which day it should be of."""

    entry: Erasures
    last: Erasures | None
    expected: str


def require_next(view: DayView) -> None:
    """Every day is stated once, in order, and none is left out. Raises ChainError."""
    entry, last = view.entry, view.last
    if last is not None and entry.since < last.since:
        raise ChainError("The matcher states a day of counts that had ended before others began.")
    if last is not None and entry.since == last.since and entry.day <= last.day:
        raise ChainError(
            f"The matcher states what it erased on {entry.day} after it had stated {last.day}: twice, or out of order."
        )
    if entry.day != view.expected:
        raise ChainError(
            f"The matcher states what it erased on {entry.day}, and leaves out what it did from {view.expected} on."
        )


def require_over(view: DayView) -> None:
    """A day is stated, and the check made, once it is over. Raises ChainError."""
    entry = view.entry
    if not entry.ends <= entry.checked_at <= entry.made_at:
        raise ChainError(
            f"The matcher states what it erased on {entry.day} on {at(entry.made_at)}, by a check on "
            f"{at(entry.checked_at)}: before the day, or the check, was over."
        )


def require_checked(view: DayView) -> None:
    """The check looked everywhere. Raises CountError."""
    looked = {one.place for one in view.entry.places}
    left_out = [place.value for place in erasures.Place if place not in looked]
    if left_out:
        raise CountError(
            f"The matcher's check of {view.entry.day} did not look everywhere: {', '.join(left_out)} left out."
        )


def require_none_overdue(view: DayView) -> None:
    """Nothing outlived its window. Raises ExpiredError."""
    late = [one for one in view.entry.places if one.overdue]
    if late:
        raise ExpiredError(
            f"The matcher's check of {view.entry.day} found what it should have erased: {_said(late)}."
        )


def note_late(view: DayView) -> None:
    """It was stopped, or could not look. Raises CountError."""
    entry = view.entry
    if entry.made_at > entry.ends + LATE_SECONDS:
        raise CountError(
            f"The matcher stated what it erased on {entry.day} only on {at(entry.made_at)}: nobody looked that night "
            "for what it had left."
        )


@dataclass(frozen=True, slots=True)
class SumView:
    """``sums`` of the days stated, and the matcher's totals: at a later time, or ``of_before`` the last of them was over."""

    sums: Mapping[Place, Counter[str]]
    totals: Iterable[RecordCount]
    of_before: bool = False


def require_sums(view: SumView) -> None:
    """Days add up to no more than later totals, and to no less than earlier ones. Raises CountError."""
    totals = {(row.list_id, row.zone): row for row in view.totals}
    for list_id, zone in sorted({*totals, *view.sums}):
        row, days = totals.get((list_id, zone)), view.sums.get((list_id, zone), Counter())
        for name in DAY_COUNTED:
            total, summed = getattr(row, name, 0), days[name]
            if (summed < total) if view.of_before else (summed > total):
                raise CountError(
                    f"The matcher's statements of days add up to {summed:,} records {name.replace('_', ' ')} of list "
                    f"{list_id} in zone {zone}, but it counted {total:,} in all."
                )


def _said(late: Iterable[Looked]) -> str:
    return ", ".join(
        f"{one.overdue:,} of {one.place.value}"
        + (f" (by up to {one.oldest_seconds:,} s)" if one.oldest_seconds else "")
        for one in late
    )


ERASURE_RULES: Final = (
    Rule(Kind.ERASURES_ORDER, require_next),
    Rule(Kind.ERASURES_ORDER, require_over),
    Rule(Kind.ERASURES_CHECKED, require_checked),
    Rule(Kind.ERASURES_OVERDUE, require_none_overdue),
    Rule(Kind.ERASURES_LATE, note_late, Severity.NOTE),
)
SUM_RULES: Final = (Rule(Kind.ERASURES_SUMS, require_sums),)
