"""What the matcher's counts must be: balanced, rising, begun anew seldom, and of nothing held too long or never claimed.

Each rule raises an error of its own. That what is counted as erased was erased is the matcher's own word; that nothing
more is open than its window can hold is what its own earlier counts say. Protocol sections 5 and 7, guarantee G7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from blindplate.client.auditor.findings import Kind, Rule, Severity, at
from blindplate.core.errors import CountError
from blindplate.core.statements.matching import MatcherCounts, RecordCount

Place = tuple[str, str]  # list and zone
# A database that was lost, and set up again: whose counts begin anew more often hides what they would have said.
SELDOM_SECONDS: Final = 7 * 86_400
_RISING: Final = (
    "received",
    "answered",
    "claimed",
    "erased_acknowledged",
    "erased_unclaimed",
    "erased_claimed",
    "erased_unopened",
)


@dataclass(frozen=True, slots=True)
class CountsView:
    """Counts, those entered before, and whether they began ``anew`` since.

    ``renewed`` is when they had last begun anew before that (seconds since 1970, UTC; None for never); ``overdue`` how
    many records of a list and zone had been received so long before that none of them can be open any more.
    """

    entry: MatcherCounts
    last: MatcherCounts | None
    anew: bool
    renewed: int | None
    overdue: Mapping[Place, int]


def require_balance(view: CountsView) -> None:
    """Every record received was claimed, erased or is open, and none was claimed unanswered. Raises CountError."""
    seen: set[Place] = set()
    for row in view.entry.records:
        place = (row.list_id, row.zone)
        if place in seen:
            raise CountError(f"The matcher counts {_where(row)} twice in one statement.")
        seen.add(place)
        told = row.claimed + row.erased_acknowledged + row.erased_unclaimed + row.open
        if row.received != told:
            raise CountError(
                f"The matcher received {row.received:,} records {_where(row)}, but says what became of {told:,}."
            )
        if row.erased_claimed > row.claimed:
            raise CountError(f"The matcher erased more claimed records {_where(row)} than were claimed.")
        if row.kept > row.open or row.erased_unopened > row.erased_acknowledged:
            raise CountError(
                f"The matcher kept more records {_where(row)} than it held, or erased more of them."
            )
        if row.claimed > row.answered:
            raise CountError(
                f"The matcher says that {row.claimed:,} records {_where(row)} were claimed, but that {row.answered:,} "
                "were in an answer."
            )


def require_rising(view: CountsView) -> None:
    """Totals never decrease, and no list or zone is left out again. Raises CountError."""
    entry, last = view.entry, view.last
    if last is None:
        return
    if view.anew:
        if entry.since <= last.since:
            raise CountError(
                "The matcher's counts go back to an earlier beginning than those entered before."
            )
        return
    rows = {(row.list_id, row.zone): row for row in entry.records}
    for before in last.records:
        after = rows.get((before.list_id, before.zone))
        if after is None:
            raise CountError(f"The matcher no longer counts the records {_where(before)}.")
        if any(getattr(after, name) < getattr(before, name) for name in _RISING):
            raise CountError(f"The matcher counts fewer records {_where(before)} than it did before.")
    if entry.refused_claims < last.refused_claims:
        raise CountError("The matcher counts fewer refused claims than it did before.")
    if entry.made_at < last.made_at:
        raise CountError("The matcher's counts are older than those entered before them.")


def require_none_overdue(view: CountsView) -> None:
    """Nothing is open that was received longer ago than its window is. Raises CountError."""
    for row in view.entry.records:
        young = row.received - view.overdue.get((row.list_id, row.zone), 0)
        if row.open > young:
            raise CountError(
                f"The matcher still holds {row.open:,} unclaimed records {_where(row)}, but received only "
                f"{max(young, 0):,} within the window of its grant: it keeps records for too long."
            )


def require_seldom_anew(view: CountsView) -> None:
    """Counts begin anew once a week at most. Raises CountError."""
    if view.anew and view.renewed is not None and view.entry.since < view.renewed + SELDOM_SECONDS:
        raise CountError(
            f"The matcher's counts begin anew on {at(view.entry.since)}, less than a week after they last did."
        )


def note_anew(view: CountsView) -> None:
    """Its database was lost, or it was set up again. Raises CountError."""
    if view.anew:
        raise CountError(f"The matcher's counts begin anew on {at(view.entry.since)}.")


def note_refused_claims(view: CountsView) -> None:
    """Somebody claimed a record without its secret. Raises CountError."""
    before = view.last.refused_claims if view.last and not view.anew else 0
    if view.entry.refused_claims > before:
        raise CountError(
            f"The matcher refused {view.entry.refused_claims - before:,} claims of records by somebody who could not "
            "show that they matched."
        )


@dataclass(frozen=True, slots=True)
class ReleasedView:
    """Of one list: records ``released`` before the matcher's counts were made, and ``claimed`` by them."""

    list_id: str
    released: int
    claimed: int


def note_unclaimed(view: ReleasedView) -> None:
    """A record is claimed before anyone can ask for it, and released once unless its answer was lost. Raises CountError."""
    if view.released > view.claimed:
        raise CountError(
            f"Custodians released {view.released:,} records of list {view.list_id}, of which the matcher says that only "
            f"{view.claimed:,} were claimed."
        )


COUNTS_RULES: Final = (
    Rule(Kind.COUNTS_BALANCE, require_balance),
    Rule(Kind.COUNTS_DECREASE, require_rising),
    Rule(Kind.COUNTS_OPEN, require_none_overdue),
    Rule(Kind.COUNTS_ANEW_OFTEN, require_seldom_anew),
    Rule(Kind.COUNTS_ANEW, note_anew, Severity.NOTE),
    Rule(Kind.CLAIMS_REFUSED, note_refused_claims, Severity.NOTE),
)
RELEASED_RULES: Final = (Rule(Kind.COUNTS_RELEASED, note_unclaimed, Severity.NOTE),)


def _where(row: RecordCount) -> str:
    return f"of list {row.list_id} in zone {row.zone}"
