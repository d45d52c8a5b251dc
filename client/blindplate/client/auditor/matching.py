"""What the matcher enters, judged: batches in an unbroken row, and counts that add up and only rise.

Guarantees that an answer which left out of order, twice, or for another list than its grant's is found, and that what
the matcher says became of the records balances at every moment it counted. That it erased what it counts as erased is
its own word. Protocol sections 5 and 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from blindplate.client.auditor.findings import Finding, Kind, Rule, Severity, at, judged
from blindplate.client.auditor.grants import GRACE_SECONDS, GrantDates
from blindplate.core.errors import ChainError, CountError, GrantError
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.statements.matching import AnsweredBatch, Batches, MatcherCounts, RecordCount

Place = tuple[str, str]  # list and zone
# The matcher follows the ledger by the minute: what it answers an hour after an end, it answers against the end.
_END_SECONDS: Final = 3600
_RISING: Final = (
    "received",
    "answered",
    "claimed",
    "erased_acknowledged",
    "erased_unclaimed",
    "erased_claimed",
)


@dataclass(slots=True)
class Matching:
    """What the matcher has said up to the last entry heard.

    ``earlier`` is the sum of the last counts of every beginning before the present one (``since``), ``begun`` the counts
    under way, part by part.
    """

    dates: GrantDates
    sequences: dict[str, int] = field(default_factory=dict[str, int])
    last: MatcherCounts | None = None
    earlier: dict[Place, int] = field(default_factory=dict[Place, int])
    begun: MatcherCounts | None = None

    def batches(self, index: int, entry: Batches, grants: Mapping[str, GrantHistory]) -> Iterator[Finding]:
        """Hear of batches."""
        for batch in entry.batches:
            view = BatchView(
                batch,
                entry.made_at,
                self.sequences.get(batch.list_id, 0),
                grants.get(batch.grant_id),
                self.dates,
            )
            yield from judged(BATCH_RULES, view, index)
            self.sequences[batch.list_id] = max(batch.sequence, self.sequences.get(batch.list_id, 0))

    def counts(self, index: int, entry: MatcherCounts) -> Iterator[Finding]:
        """Hear of counts, or of a part; they are judged once they are whole."""
        try:
            self.begun = entry = entry.joined_to(self.begun)
        except CountError as error:
            yield Finding(index, Kind.COUNTS_BALANCE, Severity.VIOLATION, f"The matcher: {error.what}")
            self.begun = entry if entry.part == 0 else None
        if self.begun is None or not entry.whole:
            return
        anew = self.last is not None and entry.since != self.last.since
        if self.last is not None and anew:
            for row in self.last.records:
                place = (row.list_id, row.zone)
                self.earlier[place] = self.earlier.get(place, 0) + row.received
        view = CountsView(entry, self.last, anew)
        yield from judged(COUNTS_RULES, view, index)
        self.last = entry

    def received(self) -> dict[Place, int]:
        """The records ever received, by list and zone, as of the last counts."""
        total = dict(self.earlier)
        for row in self.last.records if self.last else ():
            place = (row.list_id, row.zone)
            total[place] = total.get(place, 0) + row.received
        return total


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch, when its entry was made, the last number of its list before it, its grant and the dates of grants so far."""

    batch: AnsweredBatch
    made_at: int
    last: int
    history: GrantHistory | None
    dates: GrantDates


def require_next(view: BatchView) -> None:
    """Answers of a list are numbered from 1 without a gap. Raises ChainError."""
    batch = view.batch
    if batch.sequence <= view.last:
        raise ChainError(
            f"The matcher entered answer number {batch.sequence} of list {batch.list_id} again: it may have answered "
            "the same reads twice."
        )
    if batch.sequence != view.last + 1:
        raise ChainError(
            f"The matcher entered answer number {batch.sequence} of list {batch.list_id} after number {view.last}: "
            "an answer in between is missing from the ledger."
        )


def require_granted(view: BatchView) -> None:
    """The batch is of its grant's list, in the grant's time. Raises GrantError."""
    batch, history = view.batch, view.history
    if history is None or history.latest.list_id != batch.list_id:
        raise GrantError(
            f"The matcher answered reads for list {batch.list_id} under {batch.grant_id}, which is no grant for that "
            "list."
        )
    begins = min(amendment.begins for amendment in history.amendments)
    # What was captured in the last second of a grant waits for its answer as long as its window is.
    expires = (
        max(one.grant.not_after + one.grant.window_seconds for one in history.amendments) + GRACE_SECONDS
    )
    end = view.dates.ends.get(batch.grant_id)
    ended = end is not None and view.made_at > end.made_at + _END_SECONDS
    if ended or not begins <= view.made_at < expires:
        raise GrantError(
            f"The matcher answered reads for list {batch.list_id} on {at(view.made_at)}, when grant {batch.grant_id} was "
            "not in force."
        )


@dataclass(frozen=True, slots=True)
class CountsView:
    """Counts, those entered before, and whether they began ``anew`` since."""

    entry: MatcherCounts
    last: MatcherCounts | None
    anew: bool


def require_balance(view: CountsView) -> None:
    """Every record received was claimed, erased or is open. Raises CountError."""
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


BATCH_RULES: Final = (
    Rule(Kind.BATCH_ORDER, require_next),
    Rule(Kind.BATCH_GRANT, require_granted),
)
COUNTS_RULES: Final = (
    Rule(Kind.COUNTS_BALANCE, require_balance),
    Rule(Kind.COUNTS_DECREASE, require_rising),
    Rule(Kind.COUNTS_ANEW, note_anew, Severity.NOTE),
    Rule(Kind.CLAIMS_REFUSED, note_refused_claims, Severity.NOTE),
)


def _where(row: RecordCount) -> str:
    return f"of list {row.list_id} in zone {row.zone}"
