"""The docket: every release request at one custodian, from examination to its one decision and its answer.

Guarantees that a request's state, its decision, its quota and its answer change together or not at all. A share is
computed from the envelope for its one answer and stored only sealed to the requester, until the release key it
came from is destroyed; the answer goes then, too. Protocol section 6.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine

from blindplate.core.errors import BlindplateError, GoneError, InputError, RefusedError, SecurityError
from blindplate.core.parties import Custodian
from blindplate.core.records.reply import seal_reply
from blindplate.core.signing import Statement
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.releases import ReleaseRequest, Verdict
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.server.custodian import quotas, requests
from blindplate.server.custodian.checks import Authentic, Evidence, check
from blindplate.server.custodian.decision import Case, State, Terms, lapsed
from blindplate.server.custodian.decisions import DecisionRecord, Ruling
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.release_keys import ReleaseKeys
from blindplate.server.custodian.requests import StoredRequest
from blindplate.server.custodian.storage import reading, truncate_log, writing

APPROVED_CODE: Final = "ok"
EXPIRED_CODE: Final = "expired"
# Errors that are a verdict on the request. Any other is this custodian's own trouble, and passes.
_VERDICTS: Final = (SecurityError, RefusedError, InputError, GoneError)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a request stands: the signed decision once it is final, the sealed reply once approved."""

    request_id: bytes
    requester: str
    state: State
    decision: Statement | None
    sealed_reply: bytes | None


@dataclass(frozen=True, slots=True)
class Docket:
    """One custodian's requests. ``officers`` maps the names of today's officers to Ed25519 public keys."""

    custodian: Custodian
    officers: Mapping[str, bytes]
    release_keys: ReleaseKeys
    record: DecisionRecord
    engine: Engine
    clock: Clock

    def examine(self, authentic: Authentic, permissions: Permissions) -> Evidence | BlindplateError:
        """Evidence that a share may be given, or the error that is the verdict on the request.

        Raises an error that is no verdict: StorageError or UnavailableError.
        """
        now = self.clock.now()
        try:
            return check(
                authentic,
                permissions,
                lambda name: self.release_keys.opening_key(name, now),
                self.custodian,
                now,
            )
        except _VERDICTS as error:
            return error

    def case(self, connection: Connection, stored: StoredRequest, terms: Terms) -> Case:
        """A stored request as the state machine sees it, under ``terms``; officers' words are verified anew."""
        approved_by, denied_by = requests.words(
            connection, stored.request_id, self.custodian, dict(self.officers)
        )
        return Case(terms, stored.state, approved_by, denied_by)

    def debit_release(self, connection: Connection, grant: Grant) -> None:
        """Count one release of today. Raises QuotaError when the grant allows no more."""
        quotas.debit(
            connection,
            _subject(grant),
            1,
            limit=grant.release.daily_quota,
            period=quotas.DAY,
            moment=self.clock.now(),
        )

    def releases_today(self, connection: Connection, grant: Grant) -> int:
        """How many releases of this UTC day count against the grant."""
        return quotas.used(connection, _subject(grant), period=quotas.DAY, moment=self.clock.now())

    def approve(
        self,
        connection: Connection,
        request_id: bytes,
        request: ReleaseRequest,
        case: Case,
        evidence: Evidence,
        reason: str,
    ) -> None:
        """Decide an approved case, and seal the share to the requester."""
        sealed = seal_reply(evidence.reply, evidence.reply_key, self.custodian, request_id)
        requests.finish(connection, request_id, State.APPROVED, sealed)
        self._append(connection, request_id, request, case, APPROVED_CODE, reason)

    def reject(
        self,
        connection: Connection,
        request_id: bytes,
        request: ReleaseRequest,
        case: Case,
        code: str,
        reason: str,
    ) -> None:
        """Decide a denied or expired case. ``code`` is that of the error behind it."""
        requests.finish(connection, request_id, case.state)
        self._append(connection, request_id, request, case, code, reason)

    def standing(self, connection: Connection, request_id: bytes) -> Standing | None:
        """Where a request (32-byte id) stands; None for one never taken in."""
        stored = requests.find(connection, request_id)
        if stored is None:
            return None
        decision = self.record.find(connection, request_id)
        return Standing(request_id, stored.requester, stored.state, decision, stored.sealed_reply)

    def expire(self) -> None:
        """Decide every pending request past its time as expired."""
        now = self.clock.now()
        with reading(self.engine) as connection:
            due = requests.overdue(connection, now)
        for request_id in due:
            with writing(self.engine) as connection:
                stored = requests.find(connection, request_id)
                if stored is None or stored.state.final:
                    continue
                request = ReleaseRequest.parsed(stored.statement.payload)
                case = lapsed(self.case(connection, stored, Terms(1, request.expires_at)), now)
                if case.state.final:
                    reason = "No officer decided in time."
                    self.reject(connection, request_id, request, case, EXPIRED_CODE, reason)

    def erase_replies(self, release_key_ids: Collection[bytes]) -> int:
        """Erase the sealed replies that came from these release keys (16 bytes each); how many there were.

        Raises StorageError; done only once it has returned, also when an attempt before erased them.
        """
        with writing(self.engine) as connection:
            erased = requests.erase_replies(connection, release_key_ids)
        truncate_log(self.engine)
        return erased

    def _append(
        self,
        connection: Connection,
        request_id: bytes,
        request: ReleaseRequest,
        case: Case,
        code: str,
        reason: str,
    ) -> None:
        automatic = case.denied_by is None and (case.state is not State.APPROVED or not case.approved_by)
        ruling = Ruling(
            request_id=request_id,
            grant_id=request.grant_id,
            requester=request.requester,
            verdict=Verdict(case.state.value),
            code=code,
            reason=reason,
            automatic=automatic,
            officers=case.officers,
            decided_at=int(self.clock.now()),
        )
        self.record.append(connection, ruling)
        log().info("release-decided", grant=request.grant_id, verdict=ruling.verdict.value, code=code)


def _subject(grant: Grant) -> str:
    return f"releases grant {grant.grant_id}"
