"""The record of decisions: append-only, each signed by the custodian and chained to the one before.

Guarantees that every decision is put into the outbox for the ledger as it is recorded; that an entry altered, taken
out or put in is found when the record is verified, which happens at every start, and so is a request whose state is
not what was decided. A database put back whole to an earlier time is found by its decisions in the ledger: no number of
theirs is used again, the next decision follows the last of them and says so. Protocol section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, insert, or_, select

from blindplate.core.encoding import DIGEST_BYTES
from blindplate.core.errors import BlindplateError, ChainError, MessageError
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.release_entries import DecisionEntry
from blindplate.core.statements.releases import Decision, Verdict, require_next
from blindplate.edge.logs import log
from blindplate.server.custodian import outbox
from blindplate.server.custodian.decision import State
from blindplate.server.custodian.stored import fitting, from_stored_form, stored_form
from blindplate.server.custodian.tables import DECISIONS, OUTBOX, REQUESTS

FIRST_PREVIOUS: Final = bytes(DIGEST_BYTES)
MAX_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided of one request: a decision before it has its place in the chain.

    ``code`` is ``ok`` or the stable code of the error that refused it; ``automatic`` whether no officer decided,
    ``emergency`` whether that was because of an emergency. ``subject_tag`` is for the ledger (``subject_tags``).
    """

    request_id: bytes
    grant_id: str
    requester: str
    verdict: Verdict
    code: str
    reason: str
    automatic: bool
    emergency: bool
    officers: tuple[str, ...]
    decided_at: int
    subject_tag: bytes | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as it was signed, and the id (32 bytes) of its entry for the ledger.

    None for a decision from before there was a ledger.
    """

    statement: Statement
    entry_id: bytes | None


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row of the record beside the state of the request it decides; None where that request is missing.

    ``enters``: its entry is in the outbox, or it is from before there was a ledger.
    """

    sequence: int
    request_id: bytes
    statement_id: bytes
    statement: bytes
    state: str | None
    enters: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the next decision stands in the chain."""

    sequence: int
    previous: bytes
    resumed: bool = False


class DecisionRecord:
    """One custodian's record of decisions, signed with ``signer``.

    ``entered`` gives its decision of the highest number that it has read in the ledger.
    """

    def __init__(
        self,
        custodian: Custodian,
        signer: SigningKey,
        entered: Callable[[], DecisionEntry | None] = lambda: None,
    ) -> None:
        self._custodian = custodian
        self._signer = signer
        self._entered = entered

    def append(self, connection: Connection, ruling: Ruling) -> Decided:
        """Sign ``ruling`` as the next decision, and its entry for the ledger.

        Needs a writing transaction, in which nothing else appends.
        """
        place = self._next(connection)
        decision = Decision(
            custodian=self._custodian,
            sequence=place.sequence,
            previous=place.previous,
            resumed=place.resumed,
            request_id=ruling.request_id,
            grant_id=ruling.grant_id,
            requester=ruling.requester,
            verdict=ruling.verdict,
            code=ruling.code,
            reason=ruling.reason,
            automatic=ruling.automatic,
            emergency=ruling.emergency,
            officers=ruling.officers,
            decided_at=ruling.decided_at,
        )
        statement = decision.statement(self._signer)
        entry = _public(decision, statement.statement_id, ruling.subject_tag).statement(self._signer)
        connection.execute(
            insert(DECISIONS).values(
                sequence=decision.sequence,
                request_id=decision.request_id,
                statement_id=statement.statement_id,
                statement=stored_form(statement),
                entry_id=entry.statement_id,
            )
        )
        outbox.put(connection, entry)
        return Decided(statement, entry.statement_id)

    def find(self, connection: Connection, request_id: bytes) -> Decided | None:
        """The decision on a request (32 bytes), if there is one."""
        row = connection.execute(
            select(DECISIONS.c.statement, DECISIONS.c.entry_id).where(DECISIONS.c.request_id == request_id)
        ).one_or_none()
        return None if row is None else Decided(from_stored_form(row.statement), row.entry_id)

    def page(self, connection: Connection, start: int, limit: int) -> list[Statement]:
        """Decisions from sequence number ``start``, at most ``limit`` (up to 1,000) and as many as fit a message.

        None only after the last one. Raises MessageError.
        """
        if not 1 <= limit <= MAX_PAGE or start < 0:
            raise MessageError(f"A page of decisions is of 1 to {MAX_PAGE:,}, from 0 upwards.")
        rows = connection.execute(
            select(DECISIONS.c.statement)
            .where(DECISIONS.c.sequence >= start)
            .order_by(DECISIONS.c.sequence)
            .limit(limit)
        )
        return fitting(rows.scalars())

    def verify(self, connection: Connection) -> int:
        """Check the whole record and that every request stands as decided; the number of decisions.

        Raises ChainError naming the first sequence number that does not hold.
        """
        held, expected, previous = 0, 0, FIRST_PREVIOUS
        for entry in _entries(connection):
            try:
                self._verify_entry(entry, expected, previous)
            except BlindplateError as error:
                raise ChainError(f"The record of decisions is broken at {expected}: {error.what}") from None
            held, expected, previous = held + 1, entry.sequence + 1, entry.statement_id
        decided = connection.execute(
            select(func.count()).select_from(REQUESTS).where(REQUESTS.c.state != State.PENDING)
        ).scalar_one()
        if decided != held:
            raise ChainError("A request is decided, but the record of decisions does not hold the decision.")
        return held

    def _next(self, connection: Connection) -> _Place:
        last = connection.execute(
            select(DECISIONS.c.sequence, DECISIONS.c.statement_id)
            .order_by(DECISIONS.c.sequence.desc())
            .limit(1)
        ).one_or_none()
        own = _Place(0, FIRST_PREVIOUS) if last is None else _Place(last.sequence + 1, last.statement_id)
        entered = self._entered()
        if entered is None or entered.sequence < own.sequence:
            return own
        log().error("decisions-lost", first=own.sequence, last=entered.sequence)
        return _Place(entered.sequence + 1, entered.decision_id, resumed=True)

    def _verify_entry(self, entry: _Entry, expected: int, previous: bytes) -> None:
        statement = from_stored_form(entry.statement)
        decision = Decision.verified(statement, [self._signer.public])
        if (decision.custodian, decision.sequence) != (self._custodian, entry.sequence):
            raise ChainError("An entry is another's.")
        require_next(decision, expected, previous)
        if statement.statement_id != entry.statement_id:
            raise ChainError("An entry is not chained to the one before.")
        if decision.request_id != entry.request_id or decision.verdict != entry.state:
            raise ChainError("A request does not stand as it was decided.")
        if not entry.enters:
            raise ChainError("A decision's entry for the ledger was taken out.")


def _public(decision: Decision, decision_id: bytes, subject_tag: bytes | None) -> DecisionEntry:
    """What everyone may know of a decision: neither its reason nor its officers' names."""
    return DecisionEntry(
        custodian=decision.custodian,
        sequence=decision.sequence,
        decision_id=decision_id,
        previous=decision.previous,
        request_id=decision.request_id,
        grant_id=decision.grant_id,
        verdict=decision.verdict,
        code=decision.code,
        automatic=decision.automatic,
        emergency=decision.emergency,
        officers=len(decision.officers),
        subject_tag=subject_tag,
        decided_at=decision.decided_at,
    )


def _entries(connection: Connection) -> Iterator[_Entry]:
    query = (
        select(
            DECISIONS.c.sequence,
            DECISIONS.c.request_id,
            DECISIONS.c.statement_id,
            DECISIONS.c.statement,
            REQUESTS.c.state,
            or_(DECISIONS.c.entry_id.is_(None), OUTBOX.c.number.is_not(None)).label("enters"),
        )
        .join(REQUESTS, REQUESTS.c.request_id == DECISIONS.c.request_id, isouter=True)
        .join(OUTBOX, OUTBOX.c.statement_id == DECISIONS.c.entry_id, isouter=True)
        .order_by(DECISIONS.c.sequence)
    )
    # Not all at once: the record only ever grows.
    for row in connection.execution_options(yield_per=MAX_PAGE).execute(query):
        yield _Entry(
            row.sequence, row.request_id, row.statement_id, row.statement, row.state, bool(row.enters)
        )
