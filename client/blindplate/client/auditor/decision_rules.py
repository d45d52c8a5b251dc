"""What a custodian's decision must be: after its request, in its chain, once, in time, and within the grant.

Each rule raises an error of its own. What the ledger cannot show, they do not judge: membership in the list, the
camera's signature and the match itself are the custodians' own checks (docs/spec/audit.md). Protocol section 6, G6.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blindplate.client.auditor.findings import Kind, Rule, Severity, at, named, short
from blindplate.client.auditor.requests import Decided, Requested
from blindplate.core.errors import (
    ChainError,
    ExpiredError,
    GrantError,
    IdentityError,
    MembershipError,
    PolicyError,
    QuotaError,
    ReplayError,
    UnwitnessedError,
)
from blindplate.core.parties import Custodian
from blindplate.core.statements.grants import Grant, ReleaseMode
from blindplate.core.statements.release_entries import DecisionEntry
from blindplate.core.statements.releases import Verdict

# A claimed hit that was on no list: somebody with the matcher's help, or a broken list (protocol section 6).
_ALARMING_CODES: Final = frozenset({"membership", "match-proof"})


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision and everything entered before it that it is judged by.

    ``sequence`` and ``previous`` are what the custodian's chain asks for; ``request`` is None when none was entered
    before, ``earlier`` the same custodian's earlier decision on it. ``grants`` are the amendments that can have been in
    force; ``barred`` says that the custodian must have known the grant ended or had suspended it itself.
    ``approved_today`` and ``standing_today`` count this decision too.
    """

    decision: DecisionEntry
    sequence: int
    previous: bytes
    request: Requested | None
    earlier: Decided | None
    grants: Sequence[Grant]
    barred: bool
    approved_today: int
    standing_today: int

    @property
    def who(self) -> str:
        """The custodian, as sentences name it."""
        return named(self.decision.custodian)

    @property
    def what(self) -> str:
        """The request, as sentences name it."""
        return f"request {short(self.decision.request_id)}"


def require_chain(view: DecisionView) -> None:
    """It is the custodian's next decision and names the one before. Raises ChainError."""
    decision = view.decision
    if decision.sequence != view.sequence:
        raise ChainError(
            f"{view.who} entered its decision number {decision.sequence} where number {view.sequence} had to follow: a "
            "decision is missing, repeated or out of order."
        )
    if not hmac.compare_digest(decision.previous, view.previous):
        raise ChainError(
            f"{view.who}'s decision number {decision.sequence} does not follow from the one entered before it."
        )


def require_request(view: DecisionView) -> None:
    """The request was entered before the decision (G6). Raises UnwitnessedError."""
    if view.request is None and view.decision.verdict is Verdict.APPROVED:
        raise UnwitnessedError(
            f"{view.who} approved {view.what} although no such request had been entered before."
        )


def require_first(view: DecisionView) -> None:
    """The custodian had not decided the request before. Raises ReplayError."""
    if view.earlier is not None:
        raise ReplayError(f"{view.who} decided {view.what} a second time.")


def require_same_grant(view: DecisionView) -> None:
    """It is made under the request's own grant. Raises GrantError."""
    if view.request is not None and view.request.grant_id != view.decision.grant_id:
        raise GrantError(
            f"{view.who} decided {view.what} under grant {view.decision.grant_id}, but it was made under grant "
            f"{view.request.grant_id}."
        )


def require_not_too_early(view: DecisionView) -> None:
    """A request is called expired only once it is. Raises ExpiredError."""
    decision, request = view.decision, view.request
    if request and decision.verdict is Verdict.EXPIRED and decision.decided_at < request.expires_at:
        raise ExpiredError(
            f"{view.who} let {view.what} expire on {at(decision.decided_at)}, before its time of "
            f"{at(request.expires_at)}."
        )


def require_in_time(view: DecisionView) -> None:
    """Nothing is approved once it has expired. Raises ExpiredError."""
    decision, request = view.decision, view.request
    if request and decision.verdict is Verdict.APPROVED and decision.decided_at >= request.expires_at:
        raise ExpiredError(
            f"{view.who} approved {view.what} on {at(decision.decided_at)}, after it had expired on "
            f"{at(request.expires_at)}."
        )


def require_sound_request(view: DecisionView) -> None:
    """No request is approved that should not have been made. Raises PolicyError."""
    request = view.request
    if request and request.faults and view.decision.verdict is Verdict.APPROVED:
        raise PolicyError(
            f"{view.who} approved {view.what}, which should have been refused. "
            + " ".join(fault.sentence for fault in request.faults)
        )


def require_in_force(view: DecisionView) -> None:
    """The grant was in force for this custodian when it approved. Raises GrantError."""
    if view.decision.verdict is Verdict.APPROVED and (view.barred or not view.grants):
        raise GrantError(
            f"{view.who} approved {view.what} on {at(view.decision.decided_at)}, when grant "
            f"{view.decision.grant_id} was not in force, had ended, or was suspended by this custodian."
        )


def require_quota(view: DecisionView) -> None:
    """No more releases a UTC day than the grant allows. Raises QuotaError."""
    allowed = max((grant.release.daily_quota for grant in view.grants), default=0)
    if view.decision.verdict is Verdict.APPROVED and view.grants and view.approved_today > allowed:
        raise QuotaError(
            f"{view.who} approved {view.what} as release number {view.approved_today:,} of that day under grant "
            f"{view.decision.grant_id}, which allows {allowed:,} a day."
        )


def require_standing_quota(view: DecisionView) -> None:
    """No more releases a day on a standing authorisation than it allows. Raises QuotaError."""
    quotas = [grant.release.standing.daily_quota for grant in view.grants if grant.release.standing]
    if not _alone(view.decision) or _automatic(view.grants) or not quotas:
        return
    if view.standing_today > max(quotas):
        raise QuotaError(
            f"{view.who} approved {view.what} without an officer as number {view.standing_today:,} of that day, where the "
            f"standing authorisation of grant {view.decision.grant_id} allows {max(quotas):,} a day."
        )


def require_officers(view: DecisionView) -> None:
    """As many officers as the policy demands decided, unless it or an emergency spares them. Raises IdentityError."""
    decision, request = view.decision, view.request
    if decision.verdict is not Verdict.APPROVED or decision.emergency or not view.grants:
        return
    if request and decision.officers == 0 and any(_spared(grant, request) for grant in view.grants):
        return
    needed = min(grant.release.officers for grant in view.grants)
    if decision.automatic or decision.officers < needed:
        raise IdentityError(
            f"{view.who} approved {view.what} on the word of {decision.officers} officers, where grant "
            f"{decision.grant_id} asks for {needed}."
        )


def require_no_alternate(view: DecisionView) -> None:
    """A less likely spelling is never released without an officer. Raises PolicyError."""
    request = view.request
    if request and request.alternate and _approved_alone(view.decision):
        raise PolicyError(
            f"{view.who} approved {view.what} without an officer, although the plate was a less likely reading that a "
            "person must look at."
        )


def require_emergency(view: DecisionView) -> None:
    """An override was asked for and is allowed. Raises PolicyError."""
    decision, request = view.decision, view.request
    if not decision.emergency:
        return
    if request and not (request.emergency and decision.verdict is Verdict.APPROVED):
        raise PolicyError(
            f"{view.who} used the emergency override on {view.what}, which did not ask for it or was not approved."
        )
    if view.grants and not any(grant.release.emergency for grant in view.grants):
        raise PolicyError(
            f"{view.who} used the emergency override on {view.what}, which grant {decision.grant_id} does not allow."
        )


def require_subject_tag(view: DecisionView) -> None:
    """Custodian B alone marks its approvals for keepers who will ask, and all of them. Raises IdentityError."""
    decision = view.decision
    due = decision.custodian is Custodian.B and decision.verdict is Verdict.APPROVED
    if due and decision.subject_tag is None:
        raise IdentityError(
            f"{view.who} approved {view.what} without the mark by which the vehicle's keeper could later find it."
        )
    if not due and decision.subject_tag is not None:
        raise IdentityError(
            f"{view.who} marked its decision on {view.what} for a keeper to find, which only custodian B does, and only "
            "for an approval."
        )


def note_no_request(view: DecisionView) -> None:
    """A refusal of what was never entered is no release, but is odd. Raises UnwitnessedError."""
    if view.request is None and view.decision.verdict is not Verdict.APPROVED:
        raise UnwitnessedError(f"{view.who} refused {view.what}, which had not been entered in the ledger.")


def note_emergency(view: DecisionView) -> None:
    """Every override is shown. Raises PolicyError."""
    if view.decision.emergency and view.decision.verdict is Verdict.APPROVED:
        raise PolicyError(f"{view.who} approved {view.what} by emergency override: no officer decided.")


def note_not_listed(view: DecisionView) -> None:
    """A hit that proves to be on no list is an alarm. Raises MembershipError."""
    decision = view.decision
    if decision.verdict is Verdict.DENIED and decision.code in _ALARMING_CODES:
        raise MembershipError(
            f"{view.who} refused {view.what} because the vehicle was not shown to have been on the list before it was "
            "read. Somebody asked for a record that was no true hit."
        )


DECISION_RULES: Final = (
    Rule(Kind.DECISION_CHAIN, require_chain),
    Rule(Kind.DECISION_WITHOUT_REQUEST, require_request),
    Rule(Kind.DECISION_WITHOUT_REQUEST, note_no_request, Severity.NOTE),
    Rule(Kind.DECISION_TWICE, require_first),
    Rule(Kind.DECISION_OTHER_GRANT, require_same_grant),
    Rule(Kind.DECISION_TOO_EARLY, require_not_too_early),
    Rule(Kind.APPROVAL_LATE, require_in_time),
    Rule(Kind.APPROVAL_OUTSIDE_GRANT, require_sound_request),
    Rule(Kind.APPROVAL_NOT_IN_FORCE, require_in_force),
    Rule(Kind.APPROVAL_QUOTA, require_quota),
    Rule(Kind.APPROVAL_STANDING_QUOTA, require_standing_quota),
    Rule(Kind.APPROVAL_OFFICERS, require_officers),
    Rule(Kind.APPROVAL_ALTERNATE, require_no_alternate),
    Rule(Kind.APPROVAL_EMERGENCY, require_emergency),
    Rule(Kind.SUBJECT_TAG, require_subject_tag),
    Rule(Kind.EMERGENCY_USED, note_emergency, Severity.NOTE),
    Rule(Kind.NOT_LISTED, note_not_listed, Severity.NOTE),
)


def _alone(decision: DecisionEntry) -> bool:
    return decision.verdict is Verdict.APPROVED and decision.automatic and not decision.emergency


def _approved_alone(decision: DecisionEntry) -> bool:
    return decision.verdict is Verdict.APPROVED and (decision.automatic or decision.officers == 0)


def _automatic(grants: Sequence[Grant]) -> bool:
    return any(grant.release.mode is ReleaseMode.AUTOMATIC for grant in grants)


def _spared(grant: Grant, request: Requested) -> bool:
    policy = grant.release
    if policy.mode is ReleaseMode.AUTOMATIC:
        return True
    return policy.standing is not None and request.purpose in policy.standing.purposes
