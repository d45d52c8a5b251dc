"""Taking release requests in: authenticity, the witnessed entry, the checks, nonce and quota, the decision without officers.

Guarantees that the same bytes get the same answer, that a nonce serves one request, and that every refusal of an
authentic, witnessed request is a signed decision like any other. A request that is not its sender's own word, or whose
entry is not witnessed, is refused without being recorded: of the first anyone could make any number, and the second
may be asked again. An approval is given out only once its entry is in the ledger. Protocol section 6, guarantee G6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from blindplate.core.errors import GoneError, NotFoundError, QuotaError, ReplayError
from blindplate.core.signing import Statement
from blindplate.server.custodian import release_quotas, requests
from blindplate.server.custodian.authentic import Authentic, authenticate
from blindplate.server.custodian.checks import Evidence
from blindplate.server.custodian.decision import (
    Case,
    State,
    Terms,
    Way,
    opened,
    refused,
    terms_of,
    unexamined,
)
from blindplate.server.custodian.docket import Docket, Standing
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.settling import Examined, settle
from blindplate.server.custodian.storage import reading
from blindplate.server.limits import Rate, RateLimiter

_REASONS: Final = {
    Way.AUTOMATIC: "Released automatically, as the grant's policy says.",
    Way.STANDING: "Released under the grant's standing authorisation.",
    Way.EMERGENCY: "Released in an emergency, without approval, as the grant allows.",
}
# New requests of one owner, about what a custodian can take in; asking again for the same one costs nothing.
_SUBMISSIONS: Final = Rate(per_second=100, burst=1_000)
# Refusals of one owner put on record. Every one is an entry for ever: an owner must not fill the disk with them.
_REFUSALS: Final = Rate(per_second=0.1, burst=200)


@dataclass(frozen=True, slots=True)
class Submissions:
    """What owners do at the desk. ``permissions`` gives what is allowed now."""

    docket: Docket
    permissions: Callable[[], Permissions]
    limiter: RateLimiter

    def submit(self, statement: Statement, candidates: bytes, requester: str) -> Standing:
        """Take in the request of ``requester`` (SPIFFE id), or find it taken in before.

        A refusal comes back as a denied standing. Raises what ``authenticate`` and ``witnessed.require_entry`` raise,
        QuotaError when too many come, or are refused, at once, StorageError and UnavailableError; none of these is
        recorded.
        """
        with reading(self.docket.engine) as connection:
            known = requests.find(connection, statement.statement_id) is not None
        if not known:
            self.limiter.take(requester, 1, _SUBMISSIONS)
            settle(
                self.docket,
                self.permissions,
                lambda permissions: self._examine(statement, candidates, requester, permissions),
                self._take,
            )
        return self.standing(statement.statement_id, requester)

    def standing(self, request_id: bytes, requester: str) -> Standing:
        """Where the request (32-byte id) of ``requester`` stands; pending until an approval is in the ledger.

        Raises NotFoundError for an unknown one or another's, GoneError when its answer was erased.
        """
        self.docket.expire()
        with reading(self.docket.engine) as connection:
            standing = self.docket.standing(connection, request_id)
        if standing is None or standing.requester != requester:
            raise NotFoundError("This custodian has no such release request of yours.", "Submit it first.")
        if standing.state is State.APPROVED and not standing.entered:
            return replace(standing, state=State.PENDING, decision=None, sealed_reply=None)
        if standing.state is State.APPROVED and standing.sealed_reply is None:
            raise GoneError("The answer was erased with the release key it came from.")
        return standing

    def _examine(
        self, statement: Statement, candidates: bytes, requester: str, permissions: Permissions
    ) -> Examined:
        authentic = authenticate(statement, candidates, requester, permissions)
        return Examined(authentic, self.docket.examine(authentic, permissions))

    def _take(self, connection: Connection, examined: Examined) -> None:
        authentic, outcome = examined.authentic, examined.outcome
        request, request_id = authentic.request, authentic.request_id
        if requests.find(connection, request_id) is not None:
            return  # the same bytes came twice at once, and the other call took them in
        requests.add(
            connection,
            authentic.statement,
            request,
            release_key_id=authentic.record.header.key_id(self.docket.custodian),
            moment=self.docket.clock.now(),
        )
        try:
            requests.claim_nonce(connection, request.requester, request.nonce, request_id)
            if isinstance(outcome, Evidence):
                self._open(connection, authentic, outcome)
                return
        except (ReplayError, QuotaError) as error:
            outcome = error
        self.limiter.take(f"refused {request.requester}", 1, _REFUSALS)
        case = refused(Case(unexamined(request.expires_at)))
        self.docket.reject(connection, request_id, request, case, outcome.code, outcome.what)

    def _open(self, connection: Connection, authentic: Authentic, evidence: Evidence) -> None:
        """Approve at once what needs no officer; keep the rest for them. Raises QuotaError when a quota is used up."""
        terms = self._terms(connection, authentic, evidence)
        self._hold_quota(connection, evidence, terms)
        case = opened(terms)
        if case.state is State.APPROVED:
            request_id, reason = authentic.request_id, _REASONS[terms.way]
            self.docket.approve(connection, request_id, authentic.request, case, evidence, reason)
        else:
            requests.keep_candidates(connection, authentic.request_id, authentic.candidate_bytes)

    def _terms(self, connection: Connection, authentic: Authentic, evidence: Evidence) -> Terms:
        request, grant = authentic.request, evidence.grant
        return terms_of(
            grant.release,
            request.purpose,
            evidence.member.priority,
            doubted=evidence.record.header.alternate or evidence.suspected,
            emergency=request.emergency,
            standing_left=release_quotas.standing_left(connection, grant, self.docket.clock.now()),
            expires_at=request.expires_at,
        )

    def _hold_quota(self, connection: Connection, evidence: Evidence, terms: Terms) -> None:
        """What is released now counts now; what waits needs room beside the others that do."""
        grant, now = evidence.grant, self.docket.clock.now()
        if terms.way is Way.OFFICERS:
            # This request is among those waiting already.
            waiting = requests.count_waiting(connection, grant.grant_id)
            if release_quotas.used(connection, grant, now) + waiting > grant.release.daily_quota:
                raise QuotaError(
                    "As many releases as the grant allows a day are made or wait for an officer."
                )
            return
        release_quotas.debit(connection, grant, now)
        if terms.way is Way.STANDING:
            release_quotas.debit_standing(connection, grant, now)
