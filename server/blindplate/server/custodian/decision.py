"""The life of a release request at one custodian, as a state machine without I/O.

    pending ──> approved | denied | expired                 (each of the three is final)

Rules:
 1. A request is approved as soon as it is opened, without officers, where the grant's policy is automatic; where a
    standing authorisation names its purpose and the list entry's priority and has room left today; or in an
    emergency, where the grant allows that. Never when its record is doubted: an alternate reading, or of a camera under
    suspicion. Every other needs as many distinct officers as the policy says, at least one. An emergency is used only
    where nothing else spares the officers.
 2. An officer's approval counts once. The last one needed approves.
 3. One officer's denial denies, also after that officer's own approval, as long as the request is pending.
 4. A pending request expires at ``expires_at``; from that moment no officer's word counts.
 5. A check that fails denies a pending request, however many have approved.
 6. Nothing leaves a final state. An officer who repeats the word already given changes nothing and is not refused.

It does not handle: what the checks are (``checks``), quotas, who is an officer, signatures, storage.
Protocol section 6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from blindplate.core.errors import ExpiredError, PolicyError
from blindplate.core.statements.grants import ReleaseMode, ReleasePolicy
from blindplate.core.statements.priorities import Priority
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.releases import Verdict

_MORE_THAN_THERE_ARE: Final = 1 << 30


class State(StrEnum):
    """Where a request stands."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        """Whether nothing can change it."""
        return self is not State.PENDING


class Way(StrEnum):
    """What a request rests on if it is approved."""

    AUTOMATIC = "automatic"
    STANDING = "standing"
    EMERGENCY = "emergency"
    OFFICERS = "officers"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request needs: distinct approvals, 0 for none, before ``expires_at`` (seconds since 1970, UTC)."""

    way: Way
    officers_needed: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Case:
    """A request under its terms. ``approved_by`` are officers' names in the order they approved."""

    terms: Terms
    state: State = State.PENDING
    approved_by: tuple[str, ...] = ()
    denied_by: str | None = None

    @property
    def officers(self) -> tuple[str, ...]:
        """Every officer whose word stands, the one who denied last."""
        return self.approved_by if self.denied_by is None else (*self.approved_by, self.denied_by)

    @property
    def automatic(self) -> bool:
        """Whether no officer's word decided."""
        return self.denied_by is None and not (self.state is State.APPROVED and self.approved_by)

    @property
    def emergency(self) -> bool:
        """Whether approval was skipped because of an emergency."""
        return self.state is State.APPROVED and self.terms.way is Way.EMERGENCY


def terms_of(
    policy: ReleasePolicy,
    purpose: Purpose,
    priority: Priority,
    *,
    doubted: bool,
    emergency: bool,
    standing_left: int,
    expires_at: int,
) -> Terms:
    """The terms a grant's policy sets for one request (rule 1).

    ``priority`` is that of the entry the record is of, as its owner committed to it before the capture.
    ``standing_left`` is how many releases of today its standing authorisation has left.
    """
    if doubted:
        return officers_terms(policy, expires_at)
    if policy.mode is ReleaseMode.AUTOMATIC:
        return Terms(Way.AUTOMATIC, 0, expires_at)
    if _stands(policy, purpose, priority) and standing_left > 0:
        return Terms(Way.STANDING, 0, expires_at)
    if emergency and policy.emergency:
        return Terms(Way.EMERGENCY, 0, expires_at)
    return officers_terms(policy, expires_at)


def officers_terms(policy: ReleasePolicy, expires_at: int) -> Terms:
    """The terms of what officers decide (rule 1)."""
    return Terms(Way.OFFICERS, policy.officers, expires_at)


def unexamined(expires_at: int) -> Terms:
    """The terms of a request whose grant was not looked at: nothing is approved under them."""
    return Terms(Way.OFFICERS, _MORE_THAN_THERE_ARE, expires_at)


def opened(terms: Terms) -> Case:
    """The case of a request that passed every check (rule 1)."""
    return Case(terms, State.APPROVED if terms.officers_needed == 0 else State.PENDING)


def voted(case: Case, officer: str, verdict: Verdict, moment: float) -> Case:
    """The case after ``officer`` says ``verdict`` (approved or denied) at ``moment`` (rules 2, 3, 4 and 6).

    Raises ExpiredError when the request has expired, PolicyError when it is decided and this was no repetition.
    """
    if _repeats(case, officer, verdict):
        return case
    if case.state is State.EXPIRED or (case.state is State.PENDING and moment >= case.terms.expires_at):
        raise ExpiredError(
            "The release request has expired.", "If it is still needed, the owner makes a new one."
        )
    if case.state.final:
        raise PolicyError("The release request is decided already.", "A decision cannot be changed.")
    if verdict is Verdict.DENIED:
        others = tuple(name for name in case.approved_by if name != officer)
        return replace(case, state=State.DENIED, approved_by=others, denied_by=officer)
    approved_by = (*case.approved_by, officer)
    enough = len(approved_by) >= case.terms.officers_needed
    return replace(case, state=State.APPROVED if enough else State.PENDING, approved_by=approved_by)


def lapsed(case: Case, moment: float) -> Case:
    """The case at ``moment``: expired if it was pending past its time (rule 4)."""
    if case.state is State.PENDING and moment >= case.terms.expires_at:
        return replace(case, state=State.EXPIRED)
    return case


def refused(case: Case) -> Case:
    """A pending case after a check failed (rule 5). Raises PolicyError for a decided one (rule 6)."""
    if case.state.final:
        raise PolicyError("The release request is decided already.", "A decision cannot be changed.")
    return replace(case, state=State.DENIED)


def _stands(policy: ReleasePolicy, purpose: Purpose, priority: Priority) -> bool:
    standing = policy.standing
    return standing is not None and purpose in standing.purposes and priority in standing.priorities


def _repeats(case: Case, officer: str, verdict: Verdict) -> bool:
    if verdict is Verdict.DENIED:
        return case.denied_by == officer
    return officer in case.approved_by
