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
from blindplate.client.auditor.erasures import ErasureDays
from blindplate.client.auditor.evaluations import Evaluations
from blindplate.client.auditor.evidence import Evidences
from blindplate.client.auditor.findings import Finding, Kind, Severity
from blindplate.client.auditor.grants import GrantDates
from blindplate.client.auditor.lists import Lists
from blindplate.client.auditor.matching import Matching
from blindplate.client.auditor.releases import Releases
from blindplate.core.errors import BlindplateError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import PartyKeys
from blindplate.core.statements.cameras import CameraCounts, RegisterEntry
from blindplate.core.statements.erasures import Erasures
from blindplate.core.statements.evaluations import EvaluationCounts
from blindplate.core.statements.evidence import EvidenceErasures
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.holds import LegalHold
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.matching import Batches, MatcherCounts
from blindplate.core.statements.model import StatementModel
from blindplate.core.statements.policies import ZonePolicy
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
    lists: Lists
    cameras: Cameras = field(default_factory=Cameras)
    erasures: ErasureDays = field(default_factory=ErasureDays)
    evidence: Evidences = field(default_factory=Evidences)

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
            lists=Lists(dates),
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
        if witnessed_at is not None and isinstance(model, Grant | GrantSuspension | GrantEnd | ListVersion):
            self.dates.witnessed[index] = witnessed_at
        found = (*self.time.judged(index, model), *self._heard(index, model))
        self.time.stated(model)
        return Judged(model, found)

    def closing(self) -> Iterator[Finding]:
        """What the entries judged so far should be followed by, and are not, at the checkpoint under audit."""
        yield from self.matching.closing(self.time.witnessed_at)
        yield from self.evaluations.closing(self.time.witnessed_at)
        yield from self.cameras.closing(self.time.witnessed_at, self.state, self.dates)
        yield from self.evidence.closing(self.time.witnessed_at, self.state)

    def _heard(self, index: int, model: StatementModel) -> Iterator[Finding]:
        grants = self.state.grants
        match model:
            case RegisterEntry():
                self.cameras.registered(index, model, self._at(model.made_at))
            case GrantEnd():
                self.dates.end(index, model)
            case ZonePolicy():
                self.evaluations.policies.append(model)
            case ListVersion():
                yield from self.lists.version(index, model, grants[model.grant_id], self.time.now)
            case RequestEntry():
                yield from self.releases.request(index, model, grants[model.grant_id])
            case DecisionEntry():
                yield from self._decision(index, model)
            case OutcomeEntry():
                yield from self.releases.outcome(index, model)
            case LegalHold():
                yield from self.evidence.held(index, model)
            case EvidenceErasures():
                yield from self.evidence.erasures(index, model, self.state)
            case Batches():
                self.matching.owe(index, self._at(model.made_at))
                yield from self.matching.batches(index, model, grants)
            case MatcherCounts():
                yield from self._counts(index, model)
            case Erasures():
                yield from self.erasures.stated(index, model)
            case CameraCounts():
                self.matching.owe(index, self._at(model.made_at))
                yield from self.cameras.report(index, model)
            case EvaluationCounts():
                yield from self.evaluations.counts(index, model, self.state)
            case _:
                # What else there is was judged by the ledger's own rules.
                pass

    def _decision(self, index: int, entry: DecisionEntry) -> Iterator[Finding]:
        history, request = self.state.grants.get(entry.grant_id), self.releases.requests.get(entry.request_id)
        before = request is not None and request.released
        yield from self.releases.decision(index, entry, history)
        if request is not None and request.released and not before:
            self.evidence.released(request.grant_id, entry.decided_at)
        if history is not None and request is not None:
            yield from self.lists.decision(index, entry, history, request)

    def _counts(self, index: int, entry: MatcherCounts) -> Iterator[Finding]:
        yield from self.matching.counts(index, entry, self.state.grants)
        if entry.whole:
            last = self.matching.last
            if last is not None and last.made_at == entry.made_at:
                yield from self.erasures.counted(index, last)
            yield from self.cameras.compared(index, self.matching.received(), entry.made_at)
            yield from self.matching.claims(index, self.releases.settled(entry.made_at))

    def _at(self, made_at: int) -> int:
        """When an entry was entered at the earliest: whoever dates it back does not make it older than it is."""
        return min(max(made_at, self.time.now), self.time.witnessed_at)


def _refusal(index: int, error: BlindplateError | None) -> Finding:
    why = error.what if error else "It is of no kind that the ledger takes."
    sentence = f"The ledger holds an entry that it should have refused, and that counts for nothing. {why}"
    return Finding(index, Kind.ENTRY_REFUSED, Severity.VIOLATION, sentence)
