"""What owners say of the evidence they keep, held against what was released to them and what they hold in public (G7).

Guarantees that no owner says it keeps, or erased, more than was released to it, nor more than its grant's days and its
holds account for, and that one with releases says something every week. That it erased what it says, and copied nothing
first, nobody can show. Protocol section 7; docs/spec/audit.md section 3.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from blindplate.client.auditor.dating import SKEW_SECONDS
from blindplate.client.auditor.evaluation_rules import DAY_SECONDS
from blindplate.client.auditor.findings import Finding, Kind, Rule, Severity, at, day_of, judged, short
from blindplate.core.errors import CountError, ExpiredError, PolicyError
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.ledger.state import LedgerState
from blindplate.core.statements.evidence import EvidenceErasures
from blindplate.core.statements.holds import LegalHold

# An owner tells of every day; a week without it is no bad day any more.
SILENT_SECONDS: Final = 8 * DAY_SECONDS
# A round of erasure, and a statement made a while after its day.
_GRACE_SECONDS: Final = DAY_SECONDS


@dataclass(slots=True)
class Told:
    """What one grant's owner has said up to now, and when its releases were decided (seconds since 1970, UTC), in order."""

    released: list[int] = field(default_factory=list[int])
    last: EvidenceErasures | None = None
    begun: EvidenceErasures | None = None
    erased: int = 0
    overdue: int = 0
    silent: bool = False

    def released_since(self, moment: float) -> int:
        """How many releases were decided at ``moment`` or later."""
        return len(self.released) - bisect_left(self.released, moment)


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """A day's statement, whole; what was told before it; the grant; and how many of its requests are held in public."""

    entry: EvidenceErasures
    told: Told
    history: GrantHistory
    holds: int


@dataclass(slots=True)
class Evidences:
    """What owners have said of their evidence up to the last entry heard, by grant."""

    told: dict[str, Told] = field(default_factory=dict[str, Told])

    def released(self, grant_id: str, decided_at: int) -> None:
        """Hear that both custodians have approved a request."""
        insort(self.told.setdefault(grant_id, Told()).released, decided_at)

    def held(self, index: int, hold: LegalHold) -> Iterator[Finding]:
        """Hear of a hold: allowed, and to be seen."""
        sentence = (
            f"Evidence of request {short(hold.request_id)} under grant {hold.grant_id} is kept until {at(hold.until)}, "
            f"for {hold.reason.value.replace('-', ' ')}."
        )
        yield Finding(index, Kind.EVIDENCE_HOLD, Severity.NOTE, sentence)

    def erasures(self, index: int, entry: EvidenceErasures, state: LedgerState) -> Iterator[Finding]:
        """Hear of a day's statement, or of a part; it is judged once it is whole."""
        told = self.told.setdefault(entry.grant_id, Told())
        try:
            told.begun = entry.joined_to(told.begun)
        except CountError as error:
            yield Finding(index, Kind.EVIDENCE_COUNTS, Severity.VIOLATION, error.what)
            told.begun = entry if entry.part == 0 else None
        whole = told.begun
        if whole is None or not whole.whole:
            return
        holds = sum(
            one.grant_id == entry.grant_id and one.until > entry.made_at - SKEW_SECONDS
            for one in state.holds.values()
        )
        yield from judged(
            EVIDENCE_RULES, EvidenceView(whole, told, state.grants[entry.grant_id], holds), index
        )
        told.erased += sum(row.erased for row in whole.evidence)
        told.overdue += whole.overdue
        told.last, told.silent = whole, False

    def closing(self, witnessed_at: int, state: LedgerState) -> Iterator[Finding]:
        """Which owners should have said something by a checkpoint witnessed at ``witnessed_at``, and have not."""
        for grant_id, told in sorted(self.told.items()):
            said_at = told.last.made_at if told.last else 0
            kept = sum(row.kept for row in told.last.evidence) if told.last else 0
            # Nothing is due of an owner that had nothing left, and to which nothing was released since.
            begins = said_at if kept else next((one for one in told.released if one > said_at), witnessed_at)
            if told.silent or witnessed_at - begins <= SILENT_SECONDS:
                continue
            told.silent = True
            sentence = (
                f"The owner of grant {grant_id}, to which records were released, has not said since {at(begins)} what it "
                "erased of them."
            )
            yield Finding(
                state.grants[grant_id].amendments[-1].index,
                Kind.EVIDENCE_SILENT,
                Severity.VIOLATION,
                sentence,
            )


def require_day(view: EvidenceView) -> None:
    """It is of a day that was over, and of a later one than the last. Raises CountError."""
    entry, last = view.entry, view.told.last
    if entry.day >= day_of(entry.made_at + SKEW_SECONDS):
        raise CountError(
            f"The evidence under grant {entry.grant_id} was counted before {entry.day} was over."
        )
    if last is not None and entry.day <= last.day:
        raise CountError(
            f"The evidence under grant {entry.grant_id} of {entry.day} was counted a second time, or after a later day's."
        )


def require_released(view: EvidenceView) -> None:
    """Nothing was erased or is kept that was not released, and each once. Raises CountError."""
    entry, told = view.entry, view.told
    rows = [(row.list_id, row.zone) for row in entry.evidence]
    if len(set(rows)) != len(rows) or any(one != view.history.latest.list_id for one, _ in rows):
        raise CountError(f"Evidence under grant {entry.grant_id} is counted twice, or of another list.")
    erased = told.erased + sum(row.erased for row in entry.evidence)
    kept = sum(row.kept for row in entry.evidence)
    released = len(told.released)
    if erased + kept > released:
        raise CountError(
            f"Under grant {entry.grant_id} {erased:,} pieces of evidence are said to be erased and {kept:,} to be kept, "
            f"of {released:,} that were released."
        )


def require_held(view: EvidenceView) -> None:
    """No more is held than the ledger has holds for. Raises PolicyError."""
    entry = view.entry
    held = sum(row.held for row in entry.evidence)
    if held > view.holds or any(row.held > row.kept for row in entry.evidence):
        raise PolicyError(
            f"Under grant {entry.grant_id} {held:,} pieces of evidence are said to be held, with {view.holds:,} holds in "
            "the ledger."
        )


def require_erased(view: EvidenceView) -> None:
    """What is kept and not held was released within the days the grant gives. Raises ExpiredError."""
    entry, history = view.entry, view.history
    days = max(amendment.grant.evidence_days for amendment in history.amendments)
    since = entry.made_at - days * DAY_SECONDS - _GRACE_SECONDS
    kept = sum(row.kept - row.held for row in entry.evidence)
    recent = view.told.released_since(since)
    if kept > recent:
        raise ExpiredError(
            f"Under grant {entry.grant_id} {kept:,} pieces of evidence are kept without a hold, and {recent:,} were "
            f"released in the last {days:,} days: it keeps them for too long."
        )


def require_none_overdue(view: EvidenceView) -> None:
    """The owner's own check found nothing past its time. Raises ExpiredError."""
    if view.entry.overdue:
        raise ExpiredError(
            f"The owner of grant {view.entry.grant_id} found {view.entry.overdue:,} things on {view.entry.day} that it "
            "should have erased."
        )


EVIDENCE_RULES: Final = (
    Rule(Kind.EVIDENCE_COUNTS, require_day),
    Rule(Kind.EVIDENCE_COUNTS, require_released),
    Rule(Kind.EVIDENCE_HELD, require_held),
    Rule(Kind.EVIDENCE_KEPT, require_erased),
    Rule(Kind.EVIDENCE_OVERDUE, require_none_overdue),
)
