"""The docket: every release request at one custodian, from examination to its one decision and its answer.

Guarantees that nothing is decided of a request whose entry both custodians have not just witnessed; that a request's
state, its decision, the decision's entry for the ledger, its quota and its answer change together or not at all; and
that an answer may leave only once that entry has its receipt. A share is computed from the envelope for its one answer
and stored only sealed to the requester, until the release key it came from is destroyed; the answer goes then, too.
What a request came with is erased when it is decided. Protocol section 6, guarantees G4 and G6.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, Engine

from blindplate.core.errors import (
    BlindplateError,
    GoneError,
    InputError,
    RefusedError,
    SecurityError,
)
from blindplate.core.parties import Custodian
from blindplate.core.records.reply import seal_reply
from blindplate.core.signing import Statement
from blindplate.core.statements.releases import ReleaseRequest, Verdict
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.server.custodian import outbox, requests
from blindplate.server.custodian.authentic import Authentic
from blindplate.server.custodian.checks import Evidence, check
from blindplate.server.custodian.decision import Case, State, Terms, lapsed, unexamined
from blindplate.server.custodian.decisions import DecisionRecord, Ruling
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.release_keys import ReleaseKeys
from blindplate.server.custodian.requests import StoredRequest
from blindplate.server.custodian.storage import reading, truncate_log, writing
from blindplate.server.custodian.subject_tags import SubjectTags
from blindplate.server.custodian.witnessed import FRESH_SECONDS, Ledger, require_entry

APPROVED_CODE: Final = "ok"
EXPIRED_CODE: Final = "expired"
# Errors that are a verdict on the request. Any other is this custodian's own trouble, and passes.
_VERDICTS: Final = (SecurityError, RefusedError, InputError, GoneError)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a request stands: the signed decision once it is final, the sealed reply once approved.

    ``entered`` says whether the decision has its place in the ledger.
    """

    request_id: bytes
    requester: str
    state: State
    decision: Statement | None
    entered: bool
    sealed_reply: bytes | None


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass(frozen=True, slots=True)
class Docket:
    """One custodian's requests. ``officers`` maps the names of today's officers to Ed25519 public keys.

    ``subjects`` are custodian B's, None at A. ``remains`` is set while the database's log may hold what was erased,
    ``caught_up`` once this process has read as much of the ledger as both custodians had just cosigned.
    """

    custodian: Custodian
    officers: Mapping[str, bytes]
    release_keys: ReleaseKeys
    record: DecisionRecord
    ledger: Ledger
    subjects: SubjectTags | None
    engine: Engine
    clock: Clock
    # At first, since the process may have stopped just after an erasure.
    remains: threading.Event = field(default_factory=_set)
    caught_up: threading.Event = field(default_factory=threading.Event)

    def examine(self, authentic: Authentic, permissions: Permissions) -> Evidence | BlindplateError:
        """Evidence that a share may be given, or the error that is the verdict on the request.

        Raises an error that is no verdict: UnwitnessedError for a request whose entry is not, or not just now,
        witnessed by both custodians; ForkError or RollbackError of the ledger, StorageError or UnavailableError.
        """
        require_entry(authentic, self.ledger)
        self.caught_up.set()
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

    def require_caught_up(self) -> None:
        """Raise unless it is known since the start which decisions of this custodian the ledger holds.

        A database that was put back knows fewer. Raises UnwitnessedError, ForkError, RollbackError or UnavailableError.
        """
        if not self.caught_up.is_set():
            self.ledger.require_witnessed(0, FRESH_SECONDS)
            self.caught_up.set()

    def case(self, connection: Connection, stored: StoredRequest, terms: Terms) -> Case:
        """A stored request as the state machine sees it, under ``terms``; officers' words are verified anew."""
        approved_by, denied_by = requests.words(
            connection, stored.request_id, self.custodian, dict(self.officers)
        )
        return Case(terms, stored.state, approved_by, denied_by)

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
        self._finish(connection, request_id, State.APPROVED, sealed)
        tag, domain, now = None, evidence.record.header.domain, self.clock.now()
        if self.subjects is not None:
            tag = self.subjects.tag(connection, request_id, domain, evidence.member.f, now)
        self._append(connection, request_id, request, case, (APPROVED_CODE, reason), tag)

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
        self._finish(connection, request_id, case.state, None)
        self._append(connection, request_id, request, case, (code, reason), None)

    def standing(self, connection: Connection, request_id: bytes) -> Standing | None:
        """Where a request (32-byte id) stands; None for one never taken in."""
        stored = requests.find(connection, request_id)
        if stored is None:
            return None
        decided = self.record.find(connection, request_id)
        entry_id = None if decided is None else decided.entry_id
        return Standing(
            request_id,
            stored.requester,
            stored.state,
            None if decided is None else decided.statement,
            entry_id is not None and outbox.index_of(connection, entry_id) is not None,
            stored.sealed_reply,
        )

    def expire(self) -> None:
        """Decide every pending request past its time as expired; later, while it has not caught up with the ledger."""
        now = self.clock.now()
        with reading(self.engine) as connection:
            due = requests.overdue(connection, now)
        if due:
            try:
                self.require_caught_up()
            except BlindplateError as error:
                log().warning("expiry-waits", requests=len(due), error=error)
                return
        for request_id in due:
            with writing(self.engine) as connection:
                stored = requests.find(connection, request_id)
                if stored is None or stored.state.final:
                    continue
                request = ReleaseRequest.parsed(stored.statement.payload)
                case = lapsed(self.case(connection, stored, unexamined(request.expires_at)), now)
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

    def erase_remains(self) -> None:
        """Have the database's log hold nothing of the candidates of decided requests. Raises StorageError."""
        if not self.remains.is_set():
            return
        # Before the work: what is erased meanwhile sets it again.
        self.remains.clear()
        try:
            truncate_log(self.engine)
        except BaseException:
            self.remains.set()
            raise

    def _finish(
        self, connection: Connection, request_id: bytes, state: State, sealed_reply: bytes | None
    ) -> None:
        if requests.finish(connection, request_id, state, sealed_reply):
            self.remains.set()

    def _append(
        self,
        connection: Connection,
        request_id: bytes,
        request: ReleaseRequest,
        case: Case,
        grounds: tuple[str, str],
        subject_tag: bytes | None,
    ) -> None:
        code, reason = grounds
        ruling = Ruling(
            request_id=request_id,
            grant_id=request.grant_id,
            requester=request.requester,
            verdict=Verdict(case.state.value),
            code=code,
            reason=reason,
            automatic=case.automatic,
            emergency=case.emergency,
            officers=case.officers,
            decided_at=int(self.clock.now()),
            subject_tag=subject_tag,
        )
        self.record.append(connection, ruling)
        log().info("release-decided", grant=request.grant_id, verdict=ruling.verdict.value, code=code)
