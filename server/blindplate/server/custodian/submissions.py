"""Taking release requests in: authenticity, the checks, nonce and quota, and the automatic decision.

Guarantees that the same bytes get the same answer, that a nonce serves one request, and that every refusal of an
authentic request is a signed decision like any other. A request that is not its sender's own word is refused
without being recorded: anyone could make any number of those. Protocol section 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from blindplate.core.errors import (
    BlindplateError,
    GoneError,
    MessageError,
    NotFoundError,
    QuotaError,
    ReplayError,
)
from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement
from blindplate.core.statements.releases import ReleaseRequest
from blindplate.server.custodian import requests
from blindplate.server.custodian.checks import Authentic, Evidence, authenticate, read_record
from blindplate.server.custodian.decision import Case, State, Terms, opened, refused, terms_of
from blindplate.server.custodian.docket import Docket, Standing
from blindplate.server.custodian.grants import PermissionFolders
from blindplate.server.custodian.storage import reading, writing
from blindplate.server.limits import Rate, RateLimiter

_AUTOMATIC: Final = "Released automatically, as the grant's policy says."
# New requests of one owner, about what a custodian can take in; asking again for the same one costs nothing.
_SUBMISSIONS: Final = Rate(per_second=100, burst=1_000)
# Refusals of one owner put on record. Every one is an entry for ever: an owner must not fill the disk with them.
_REFUSALS: Final = Rate(per_second=0.1, burst=200)


@dataclass(frozen=True, slots=True)
class Submissions:
    """What owners do at the desk."""

    docket: Docket
    folders: PermissionFolders
    limiter: RateLimiter

    def submit(self, statement: Statement, requester: str) -> Standing:
        """Take in the request of ``requester`` (SPIFFE id), or find it taken in before.

        A refusal comes back as a denied standing. Raises what ``authenticate`` raises, QuotaError when too many
        come, or are refused, at once, StorageError and UnavailableError; none of these is recorded.
        """
        with reading(self.docket.engine) as connection:
            known = requests.find(connection, statement.statement_id) is not None
        if not known:
            self.limiter.take(requester, 1, _SUBMISSIONS)
            authentic = authenticate(statement, requester, self.folders.current())
            outcome = self.docket.examine(authentic, self.folders.current())
            with writing(self.docket.engine) as connection:
                self._take(connection, authentic, outcome)
        return self.standing(statement.statement_id, requester)

    def standing(self, request_id: bytes, requester: str) -> Standing:
        """Where the request (32-byte id) of ``requester`` stands.

        Raises NotFoundError for an unknown one or another's, GoneError when its answer was erased.
        """
        self.docket.expire()
        with reading(self.docket.engine) as connection:
            standing = self.docket.standing(connection, request_id)
        if standing is None or standing.requester != requester:
            raise NotFoundError("This custodian has no such release request of yours.", "Submit it first.")
        if standing.state is State.APPROVED and standing.sealed_reply is None:
            raise GoneError("The answer was erased with the release key it came from.")
        return standing

    def _take(
        self, connection: Connection, authentic: Authentic, outcome: Evidence | BlindplateError
    ) -> None:
        request, request_id = authentic.request, authentic.request_id
        if requests.find(connection, request_id) is not None:
            return  # the same bytes came twice at once, and the other call took them in
        requests.add(
            connection,
            authentic.statement,
            request,
            release_key_id=_release_key_id(request, self.docket.custodian),
            moment=self.docket.clock.now(),
        )
        terms = _terms(authentic, outcome)
        try:
            requests.claim_nonce(connection, request.requester, request.nonce, request_id)
            if isinstance(outcome, Evidence):
                self._admit(connection, authentic, terms)
        except (ReplayError, QuotaError) as error:
            outcome = error
        if isinstance(outcome, BlindplateError):
            self.limiter.take(f"refused {request.requester}", 1, _REFUSALS)
            case = refused(Case(terms))
            self.docket.reject(connection, request_id, request, case, outcome.code, outcome.what)
            return
        case = opened(terms)
        if case.state is State.APPROVED:
            self.docket.approve(connection, request_id, request, case, outcome, _AUTOMATIC)

    def _admit(self, connection: Connection, authentic: Authentic, terms: Terms) -> None:
        """Hold the day's quota: an automatic release counts now; one that waits needs room beside the others."""
        grant = authentic.grant
        if terms.officers_needed == 0:
            self.docket.debit_release(connection, grant)
            return
        # This request is among those waiting already.
        waiting = requests.count_waiting(connection, grant.grant_id)
        if self.docket.releases_today(connection, grant) + waiting > grant.release.daily_quota:
            raise QuotaError("As many releases as the grant allows a day are made or wait for an officer.")


def _terms(authentic: Authentic, outcome: Evidence | BlindplateError) -> Terms:
    expires_at = authentic.request.expires_at
    if isinstance(outcome, BlindplateError):
        return Terms(1, expires_at)
    alternate = outcome.record.header.alternate
    return terms_of(authentic.grant.release, alternate=alternate, expires_at=expires_at)


def _release_key_id(request: ReleaseRequest, custodian: Custodian) -> bytes | None:
    """Which release key the record's envelope is sealed to, for a record that can be read."""
    try:
        return read_record(request).header.key_id(custodian)
    except MessageError:
        return None
