"""What the matcher enters, judged: batches in an unbroken row, and counts that add up, only rise, and come every day.

Guarantees that an answer which left out of order, twice, for another list than its grant's, or against a grant's end or
suspension is found, and that what the matcher says became of the records balances at every moment it counted
(``count_rules``). Protocol sections 5 and 7.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from blindplate.client.auditor.count_rules import (
    COUNTS_RULES,
    RELEASED_RULES,
    CountsView,
    Place,
    ReleasedView,
)
from blindplate.client.auditor.dating import OVERDUE_SECONDS, SKEW_SECONDS
from blindplate.client.auditor.findings import Finding, Kind, Rule, Severity, at, judged
from blindplate.client.auditor.grants import NOTHING_READ, READING_SECONDS, GrantDates
from blindplate.core.errors import ChainError, CountError, GrantError
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.parties import Custodian
from blindplate.core.statements.matching import AnsweredBatch, Batches, MatcherCounts

# The matcher erases once a second, as fast as its disk can; a camera's clock may be ahead of its own.
_ERASING_SECONDS: Final = 3600


@dataclass(slots=True)
class Matching:
    """What the matcher has said up to the last entry heard.

    ``earlier`` is the sum of the last counts of every beginning before the present one (``since``), ``begun`` the counts
    under way, part by part. ``renewed`` is when the counts last began anew (seconds since 1970, UTC; None for never).
    """

    dates: GrantDates
    sequences: dict[str, int] = field(default_factory=dict[str, int])
    last: MatcherCounts | None = None
    earlier: dict[Place, int] = field(default_factory=dict[Place, int])
    begun: MatcherCounts | None = None
    renewed: int | None = None
    # Counts since the present beginning, as far back as any window goes: when they were made, and what was received.
    _made: list[int] = field(default_factory=list[int])
    _received: list[dict[Place, int]] = field(default_factory=list[dict[Place, int]])
    # The first entry since which counts are called for, the time at it, and whether they were found overdue.
    _owed: tuple[int, int] | None = None
    _told: bool = False

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

    def counts(
        self, index: int, entry: MatcherCounts, grants: Mapping[str, GrantHistory]
    ) -> Iterator[Finding]:
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
            self._made.clear()
            self._received.clear()
        holds = _holds(grants)
        view = CountsView(entry, self.last, anew, self.renewed, self._overdue(entry.made_at, holds))
        yield from judged(COUNTS_RULES, view, index)
        self.last, self._told = entry, False
        self._owed = (index, entry.made_at) if any(row.open for row in entry.records) else None
        if anew:
            self.renewed = entry.since
        self._keep(entry, max(holds.values(), default=0))

    def owe(self, index: int, moment: int) -> None:
        """Hear of an entry, at ``moment``, that the matcher's next counts must take in."""
        if self._owed is None:
            self._owed = (index, moment)

    def closing(self, witnessed_at: int) -> Iterator[Finding]:
        """What is to be said at a checkpoint witnessed at ``witnessed_at``: counts that must be there by now."""
        if self._owed is None or self._told or self._owed[1] + OVERDUE_SECONDS > witnessed_at:
            return
        index, moment = self._owed
        # Said once: until there are counts, whatever follows is the same silence.
        self._told = True
        sentence = (
            f"The matcher has entered no counts since {at(moment)}, although there were records to account for: nobody can "
            "tell what became of them."
        )
        yield Finding(index, Kind.COUNTS_OVERDUE, Severity.VIOLATION, sentence)

    def claims(self, index: int, released: Mapping[str, int]) -> Iterator[Finding]:
        """Hold the counts just heard against the records ``released`` before they were made, by list.

        Not once they began anew: what was claimed between the last counts and the loss of a database is in none.
        """
        if self.last is None or self.renewed is not None:
            return
        claimed: dict[str, int] = {}
        for row in self.last.records:
            claimed[row.list_id] = claimed.get(row.list_id, 0) + row.claimed
        for list_id, number in sorted(released.items()):
            yield from judged(RELEASED_RULES, ReleasedView(list_id, number, claimed.get(list_id, 0)), index)

    def received(self) -> dict[Place, int]:
        """The records ever received, by list and zone, as of the last counts."""
        total = dict(self.earlier)
        for row in self.last.records if self.last else ():
            place = (row.list_id, row.zone)
            total[place] = total.get(place, 0) + row.received
        return total

    def _overdue(self, made_at: int, holds: Mapping[str, int]) -> dict[Place, int]:
        """What had been received so long before ``made_at`` that no window of its list goes back so far."""
        found: dict[Place, int] = {}
        for list_id, hold in holds.items():
            number = bisect_right(self._made, made_at - hold - _ERASING_SECONDS)
            if number:
                received = self._received[number - 1]
                found |= {place: count for place, count in received.items() if place[0] == list_id}
        return found

    def _keep(self, entry: MatcherCounts, hold: int) -> None:
        if self._made and entry.made_at < self._made[-1]:
            return
        self._made.append(entry.made_at)
        self._received.append({(row.list_id, row.zone): row.received for row in entry.records})
        passed = bisect_right(self._made, entry.made_at - hold - _ERASING_SECONDS) - 1
        del self._made[: max(passed, 0)], self._received[: max(passed, 0)]


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
    """The batch is of its grant's list, made while that was in force and nobody had suspended it. Raises GrantError."""
    batch, history, dates = view.batch, view.history, view.dates
    if history is None or history.latest.list_id != batch.list_id:
        raise GrantError(
            f"The matcher answered reads for list {batch.list_id} under {batch.grant_id}, which is no grant for that "
            "list."
        )
    # The matcher's clock is not the custodians'. What it signed in time may be entered whenever the ledger is there.
    earliest, latest = view.made_at - SKEW_SECONDS, view.made_at + SKEW_SECONDS
    if dates.ended(batch.grant_id, NOTHING_READ, earliest) or not dates.overlapping(
        history, earliest - READING_SECONDS, latest
    ):
        raise GrantError(
            f"The matcher answered reads for list {batch.list_id} on {at(view.made_at)}, when grant {batch.grant_id} was "
            "not in force."
        )
    if any(dates.suspended_throughout(history, one, earliest, latest) for one in Custodian):
        raise GrantError(
            f"The matcher answered reads for list {batch.list_id} on {at(view.made_at)}, when a custodian had suspended "
            f"grant {batch.grant_id}."
        )


BATCH_RULES: Final = (
    Rule(Kind.BATCH_ORDER, require_next),
    Rule(Kind.BATCH_GRANT, require_granted),
)


def _holds(grants: Mapping[str, GrantHistory]) -> dict[str, int]:
    """How many seconds a record of each list may be held at most, under any amendment there ever was."""
    holds: dict[str, int] = {}
    for history in grants.values():
        for grant in (amendment.grant for amendment in history.amendments):
            seconds = grant.window_seconds + grant.disclosure.time_granularity_seconds
            holds[grant.list_id] = max(holds.get(grant.list_id, 0), seconds)
    return holds
