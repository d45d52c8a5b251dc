"""A release request as an audit keeps it: what it asked for, what each custodian said, what came of it.

About 300 bytes each, so that a year of a large force's requests fits in memory. Protocol section 6.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from blindplate.client.auditor.findings import Kind
from blindplate.core.parties import Custodian
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import DecisionEntry, Outcome
from blindplate.core.statements.releases import Verdict


class Standing(StrEnum):
    """Where a request stands for a reader of the ledger. Released: both custodians approved."""

    RELEASED = "released"
    REFUSED = "refused"
    EXPIRED = "expired"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Decided:
    """One custodian's decision on a request."""

    index: int
    verdict: Verdict
    code: str
    automatic: bool
    emergency: bool
    officers: int
    decided_at: int

    @classmethod
    def of(cls, index: int, decision: DecisionEntry) -> Decided:
        """What is kept of ``decision``."""
        return cls(
            index,
            decision.verdict,
            decision.code,
            decision.automatic,
            decision.emergency,
            decision.officers,
            decision.decided_at,
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that a request broke: it may be asked for all the same, but must not be approved."""

    kind: Kind
    sentence: str


@dataclass(slots=True)
class Requested:
    """``faults`` are what was wrong with it when it was entered; ``outcomes`` in the order they were entered."""

    index: int
    grant_id: str
    requester: str
    list_id: str
    zone: str
    purpose: Purpose
    alternate: bool
    emergency: bool
    made_at: int
    expires_at: int
    faults: tuple[Fault, ...] = ()
    decisions: dict[Custodian, Decided] = field(default_factory=dict[Custodian, Decided])
    outcomes: tuple[Outcome, ...] = ()

    @property
    def released(self) -> bool:
        """Whether both custodians approved it: then, and only then, the owner could open the record."""
        return len(self.decisions) == len(Custodian) and all(
            one.verdict is Verdict.APPROVED for one in self.decisions.values()
        )

    def standing(self, moment: float) -> Standing:
        """Where it stands at ``moment`` (seconds since 1970, UTC). What no custodian denied in time has expired."""
        verdicts = {one.verdict for one in self.decisions.values()}
        if self.released:
            return Standing.RELEASED
        if Verdict.DENIED in verdicts:
            return Standing.REFUSED
        if Verdict.EXPIRED in verdicts or moment >= self.expires_at:
            return Standing.EXPIRED
        return Standing.WAITING
