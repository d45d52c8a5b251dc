"""Requests, decisions and outcomes as the ledger tells them, each judged against everything entered before it.

Guarantees that no approval goes unjudged, and that each custodian's decisions are followed without a gap. The rules
themselves are in ``request_rules``, ``decision_rules`` and at the end of this module. Protocol section 6, guarantee G6.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from blindplate.client.auditor.dating import SKEW_SECONDS
from blindplate.client.auditor.decision_rules import DECISION_RULES, DecisionView
from blindplate.client.auditor.findings import Finding, Kind, Rule, Severity, day_of, judged, short
from blindplate.client.auditor.grants import GrantDates
from blindplate.client.auditor.request_rules import REQUEST_RULES, RequestView
from blindplate.client.auditor.requests import Decided, Fault, Requested
from blindplate.core.errors import CommitmentError, PolicyError, UnwitnessedError
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.parties import Custodian
from blindplate.core.statements.release_entries import DecisionEntry, Outcome, OutcomeEntry, RequestEntry
from blindplate.core.statements.releases import Verdict

_NO_DECISION: Final = bytes(32)


@dataclass(slots=True)
class Chain:
    """Where one custodian's decisions stand: the next number, the last id, and how far it must have read the ledger."""

    sequence: int = 0
    decision_id: bytes = _NO_DECISION
    horizon: int = -1


@dataclass(slots=True)
class Releases:
    """Everything about releases up to the last entry heard; ``dates`` is kept by the caller."""

    dates: GrantDates
    requests: dict[bytes, Requested] = field(default_factory=dict[bytes, Requested])
    chains: dict[Custodian, Chain] = field(default_factory=lambda: {one: Chain() for one in Custodian})
    # By custodian, grant and UTC day: approvals, and those of them that a standing authorisation made.
    approved: Counter[tuple[Custodian, str, str]] = field(default_factory=Counter[tuple[Custodian, str, str]])
    standing: Counter[tuple[Custodian, str, str]] = field(default_factory=Counter[tuple[Custodian, str, str]])
    # Of each list, records that both custodians had released; and those released since, with the dates.
    _settled: Counter[str] = field(default_factory=Counter[str])
    _fresh: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def request(self, index: int, entry: RequestEntry, history: GrantHistory) -> Iterator[Finding]:
        """Hear of a request."""
        view = RequestView(entry, history, self.dates)
        found = list(judged(REQUEST_RULES, view, index))
        self.requests[entry.request_id] = Requested(
            index=index,
            grant_id=entry.grant_id,
            requester=entry.requester,
            list_id=entry.list_id,
            zone=entry.zone,
            purpose=entry.purpose,
            alternate=entry.alternate,
            emergency=entry.emergency,
            made_at=entry.made_at,
            expires_at=entry.expires_at,
            faults=tuple(Fault(one.kind, one.sentence) for one in found),
        )
        yield from found

    def decision(self, index: int, entry: DecisionEntry, history: GrantHistory | None) -> Iterator[Finding]:
        """Hear of a decision; ``history`` is the named grant's, None when there is no such grant."""
        chain, request = self.chains[entry.custodian], self.requests.get(entry.request_id)
        if request is not None:
            chain.horizon = max(chain.horizon, request.index)
        day = (entry.custodian, entry.grant_id, day_of(entry.decided_at))
        if entry.verdict is Verdict.APPROVED:
            self.approved[day] += 1
            self.standing[day] += entry.automatic and not entry.emergency
        view = DecisionView(
            decision=entry,
            sequence=chain.sequence,
            previous=chain.decision_id,
            request=request,
            earlier=None if request is None else request.decisions.get(entry.custodian),
            grants=() if history is None else self.dates.possible(history, entry.decided_at),
            barred=history is not None and self._barred(entry, history, chain.horizon),
            approved_today=self.approved[day],
            standing_today=self.standing[day],
        )
        yield from judged(DECISION_RULES, view, index)
        # After a gap the chain goes on from what there is: one missing decision is one finding.
        if entry.sequence >= chain.sequence:
            chain.sequence, chain.decision_id = entry.sequence + 1, entry.decision_id
        if request is not None and entry.custodian not in request.decisions:
            request.decisions[entry.custodian] = Decided.of(index, entry)
            if request.released:
                moment = max(one.decided_at for one in request.decisions.values())
                self._fresh.append((moment, request.list_id))

    def outcome(self, index: int, entry: OutcomeEntry) -> Iterator[Finding]:
        """Hear of an outcome, of a request that was entered before."""
        request = self.requests[entry.request_id]
        yield from judged(OUTCOME_RULES, OutcomeView(entry, request), index)
        request.outcomes = (*request.outcomes, entry.outcome)

    def settled(self, moment: int) -> Mapping[str, int]:
        """How many records of each list both custodians had certainly released before ``moment``, by any clock."""
        left = [one for one in self._fresh if one[0] + SKEW_SECONDS > moment]
        self._settled.update(
            list_id for released_at, list_id in self._fresh if released_at + SKEW_SECONDS <= moment
        )
        self._fresh = left
        return self._settled

    def _barred(self, entry: DecisionEntry, history: GrantHistory, horizon: int) -> bool:
        moment = entry.decided_at
        return self.dates.ended(entry.grant_id, horizon, moment) or self.dates.suspended(
            history, entry.custodian, horizon, moment
        )


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """An outcome, and its request as it stood before."""

    entry: OutcomeEntry
    request: Requested


def require_released(view: OutcomeView) -> None:
    """Nothing comes of a request before both custodians approved it (G6). Raises UnwitnessedError."""
    if not view.request.released:
        raise UnwitnessedError(
            f"The owner reports an outcome of request {short(view.entry.request_id)}, which both custodians had not "
            "approved."
        )


def note_change(view: OutcomeView) -> None:
    """What was said before counts no more. Raises PolicyError."""
    said = [outcome for outcome in view.request.outcomes if outcome is not Outcome.OPENED]
    if said and said[-1] is not view.entry.outcome:
        raise PolicyError(
            f"The owner now reports {view.entry.outcome} for request {short(view.entry.request_id)}, after "
            f"{said[-1]} before."
        )


def note_failure(view: OutcomeView) -> None:
    """A record that did not open as it must is an alarm. Raises CommitmentError."""
    if view.entry.outcome is Outcome.FAILED:
        raise CommitmentError(
            f"The record of request {short(view.entry.request_id)} did not open as it must: a camera, a custodian or the "
            "matcher gave something false."
        )


OUTCOME_RULES: Final = (
    Rule(Kind.OUTCOME_WITHOUT_RELEASE, require_released),
    Rule(Kind.OUTCOME_CHANGED, note_change, Severity.NOTE),
    Rule(Kind.OUTCOME_FAILED, note_failure, Severity.NOTE),
)
