"""Every entry judged in its order: by the ledger's own rules first, then by those of its subject.

Guarantees that an entry which the ledger should have refused is a violation and counts for nothing afterwards, and that
every other is heard by the rules of its kind. Knows no files and no clock: what it is given is taken for what the ledger
holds (``audit``). Protocol sections 6 and 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from blindplate.client.auditor.cameras import Cameras
from blindplate.client.auditor.dating import LedgerTime
from blindplate.client.auditor.evaluations import Evaluations
from blindplate.client.auditor.findings import Finding, Kind, Severity
from blindplate.client.auditor.grants import GrantDates
from blindplate.client.auditor.matching import Matching
from blindplate.client.auditor.releases import Releases
from blindplate.core.errors import BlindplateError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import PartyKeys
from blindplate.core.statements.cameras import CameraCounts
from blindplate.core.statements.evaluations import EvaluationCounts
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.matching import Batches, MatcherCounts
from blindplate.core.statements.model import StatementModel
from blindplate.core.statements.release_entries import DecisionEntry, OutcomeEntry, RequestEntry


@dataclass(frozen=True, slots=True)
class Judged:
    """An entry's model, None when it was refused, and what was found about it."""

    model: StatementModel | None
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class Judge:
    """Everything that the entries up to the last one judged establish, subject by subject."""

    state: LedgerState
    time: LedgerTime
    dates: GrantDates
    releases: Releases
    matching: Matching
    evaluations: Evaluations
    cameras: Cameras = field(default_factory=Cameras)

    @classmethod
    def of(cls, parties: PartyKeys, witnessed_at: int) -> Judge:
        """Before the first entry of a ledger whose checkpoint under audit was witnessed at ``witnessed_at``."""
        dates = GrantDates()
        return cls(
            state=LedgerState(parties),
            time=LedgerTime(witnessed_at),
            dates=dates,
            releases=Releases(dates),
            matching=Matching(dates),
            evaluations=Evaluations(dates),
        )

    def enter(
        self, index: int, entry: bytes, document: bytes | None, witnessed_at: int | None = None
    ) -> Judged:
        """Judge the entry at ``index``; ``document`` is the one it names.

        ``witnessed_at`` is when both custodians had witnessed it at the latest, if the ledger keeps a record of that.
        """
        applied = self.state.apply(index, entry, self.time.now, document)
        if applied.model is None:
            return Judged(None, (_refusal(index, applied.error),))
        model = applied.model
        if witnessed_at is not None and isinstance(model, Grant | GrantSuspension | GrantEnd):
            self.dates.witnessed[index] = witnessed_at
        found = (*self.time.judged(index, model), *self._heard(index, model))
        self.time.stated(model)
        return Judged(model, found)

    def _heard(self, index: int, model: StatementModel) -> Iterator[Finding]:
        grants = self.state.grants
        match model:
            case GrantEnd():
                self.dates.end(index, model)
            case RequestEntry():
                yield from self.releases.request(index, model, grants[model.grant_id])
            case DecisionEntry():
                yield from self.releases.decision(index, model, grants.get(model.grant_id))
            case OutcomeEntry():
                yield from self.releases.outcome(index, model)
            case Batches():
                yield from self.matching.batches(index, model, grants)
            case MatcherCounts():
                yield from self.matching.counts(index, model)
                if model.whole:
                    yield from self.cameras.compared(index, self.matching.received(), model.made_at)
            case CameraCounts():
                yield from self.cameras.report(index, model)
            case EvaluationCounts():
                yield from self.evaluations.counts(index, model, self.state)
            case _:
                # What else there is was judged by the ledger's own rules.
                pass


def _refusal(index: int, error: BlindplateError | None) -> Finding:
    why = error.what if error else "It is of no kind that the ledger takes."
    sentence = f"The ledger holds an entry that it should have refused, and that counts for nothing. {why}"
    return Finding(index, Kind.ENTRY_REFUSED, Severity.VIOLATION, sentence)
