"""What time it was in the ledger: the time basis of an audit.

An auditor comes later, and was not there when an entry was witnessed. It has two bounds. *Not before*: the order of the
entries and what each says of when it was made. The *ledger's time* at an entry is the latest moment that two different
pinned parties (operator, custodians, matcher) have stated up to there: one of them alone cannot move it, and honest ones
make it late by no more than the pace of their entries. Rights begin to count from it. *Not after*: the checkpoint that
the ledger keeps beside an entry, with the times at which both custodians cosigned it (``witnessed``). What takes rights
away counts for everyone from then, and by the order of entries before (``grants``). What this cannot show: that an entry
was held back before it was entered. Protocol section 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from blindplate.client.auditor.findings import Finding, Kind, Severity, at
from blindplate.core.statements.cameras import CameraCounts, CameraStatus, RegisterEntry
from blindplate.core.statements.erasures import Erasures
from blindplate.core.statements.evaluations import EvaluationCounts
from blindplate.core.statements.evidence import EvidenceErasures
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.core.statements.holds import HoldEnd, LegalHold
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.matching import Batches, MatcherCounts
from blindplate.core.statements.model import StatementModel
from blindplate.core.statements.release_entries import DecisionEntry, OutcomeEntry, RequestEntry

# How far the parties' clocks may lie apart; the custodians allow as much.
SKEW_SECONDS: Final = 300
# An outbox that could not reach the ledger for longer is worth a reader's notice.
LATE_SECONDS: Final = 3600
# Every party's counts come once a day at least: later than this, they are kept back or nobody makes them.
OVERDUE_SECONDS: Final = 36 * 3600

_OPERATOR, _MATCHER = "operator", "matcher"


@dataclass(slots=True)
class LedgerTime:
    """``now`` is the ledger's time (seconds since 1970, UTC) at the last entry ``stated``; 0 before two parties spoke.

    ``witnessed_at`` is when the checkpoint under audit was witnessed by both: nothing in it can be later.
    """

    witnessed_at: int
    now: int = 0
    _latest: dict[str, int] = field(default_factory=dict[str, int])

    def stated(self, model: StatementModel) -> None:
        """Hear what one entry says of the time."""
        speaker, moment = _speaker(model), made_at(model)
        if speaker is None or moment is None:
            return
        # No entry was made after it was witnessed, whatever it says.
        self._latest[speaker] = max(self._latest.get(speaker, 0), min(moment, self.witnessed_at))
        spoken = sorted(self._latest.values())
        self.now = spoken[-2] if len(spoken) > 1 else 0

    def judged(self, index: int, model: StatementModel) -> Iterator[Finding]:
        """What is odd about an entry's date, before it is ``stated``."""
        moment = made_at(model)
        if moment is None:
            return
        if moment > self.witnessed_at + SKEW_SECONDS:
            yield Finding(
                index,
                Kind.ENTRY_DATED_AHEAD,
                Severity.VIOLATION,
                f"An entry says it was made on {at(moment)}, after both custodians had witnessed it.",
            )
        elif moment < self.now - LATE_SECONDS:
            yield Finding(
                index,
                Kind.ENTRY_LATE,
                Severity.NOTE,
                f"An entry made on {at(moment)} was entered more than an hour later, among entries of {at(self.now)}.",
            )


def made_at(model: StatementModel) -> int | None:
    """When an entry says it was made; None for kinds that do not say."""
    match model:
        case DecisionEntry():
            return model.decided_at
        case (
            RegisterEntry()
            | CameraStatus()
            | CameraCounts()
            | GrantSuspension()
            | GrantEnd()
            | ListVersion()
            | Batches()
            | MatcherCounts()
            | Erasures()
            | RequestEntry()
            | OutcomeEntry()
            | EvaluationCounts()
            | LegalHold()
            | HoldEnd()
            | EvidenceErasures()
        ):
            return model.made_at
        case _:
            return None


def _speaker(model: StatementModel) -> str | None:
    """Which pinned party an entry's date is the word of; None for owners and cameras."""
    match model:
        case RegisterEntry() | CameraStatus() | GrantEnd():
            return _OPERATOR
        case Batches() | MatcherCounts() | Erasures():
            return _MATCHER
        case DecisionEntry() | EvaluationCounts() | GrantSuspension():
            return f"custodian {model.custodian}"
        case _:
            return None
