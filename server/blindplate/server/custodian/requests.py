"""Release requests in the database: as they were signed, where they stand, officers' words, nonces.

Everything a decision is made from is read from signed statements, not from columns beside them: who can write to
the database can delay or lose a request, but not make one that was not asked for or approve it. The candidates of a
request lie here only while it is pending. Protocol section 6.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, tuple_, update

from blindplate.core.errors import BlindplateError, NotFoundError, ReplayError
from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement
from blindplate.core.statements.releases import Approval, ReleaseRequest, Verdict
from blindplate.server.custodian.decision import State
from blindplate.server.custodian.stored import fitting, from_stored_form, stored_form
from blindplate.server.custodian.tables import APPROVALS, CANDIDATES, NONCES, REQUESTS


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """One request. ``sealed_reply`` is there once it is approved, until its release key is destroyed."""

    request_id: bytes
    requester: str
    statement: Statement
    state: State
    sealed_reply: bytes | None


def add(
    connection: Connection,
    statement: Statement,
    request: ReleaseRequest,
    *,
    release_key_id: bytes,
    moment: float,
) -> None:
    """Store a new request as pending; ``release_key_id`` (16 bytes) is of the key its envelope is sealed to."""
    connection.execute(
        insert(REQUESTS).values(
            request_id=statement.statement_id,
            grant_id=request.grant_id,
            requester=request.requester,
            statement=stored_form(statement),
            submitted_at=int(moment),
            expires_at=request.expires_at,
            state=State.PENDING,
            release_key_id=release_key_id,
        )
    )


def claim_nonce(connection: Connection, requester: str, nonce: bytes, request_id: bytes) -> None:
    """Bind a nonce to the first request that bears it. Raises ReplayError when it is another's."""
    same = (NONCES.c.requester == requester) & (NONCES.c.nonce == nonce)
    owner = connection.execute(select(NONCES.c.request_id).where(same)).scalar_one_or_none()
    if owner is None:
        connection.execute(insert(NONCES).values(requester=requester, nonce=nonce, request_id=request_id))
    elif owner != request_id:
        raise ReplayError(
            "The nonce of a release request was used before with other content.",
            "Make the request anew, with a fresh nonce.",
        )


def keep_candidates(connection: Connection, request_id: bytes, candidates: bytes) -> None:
    """Store what a pending request came with, for the checks to be made again when an officer approves."""
    connection.execute(insert(CANDIDATES).values(request_id=request_id, candidates=candidates))


def candidates(connection: Connection, request_id: bytes) -> bytes:
    """What a pending request came with; empty once it is decided."""
    found = select(CANDIDATES.c.candidates).where(CANDIDATES.c.request_id == request_id)
    return connection.execute(found).scalar_one_or_none() or b""


def find(connection: Connection, request_id: bytes) -> StoredRequest | None:
    """The request of that id (32 bytes), if it was ever taken in."""
    row = connection.execute(select(REQUESTS).where(REQUESTS.c.request_id == request_id)).one_or_none()
    if row is None:
        return None
    return StoredRequest(
        row.request_id, row.requester, from_stored_form(row.statement), State(row.state), row.sealed_reply
    )


def waiting(connection: Connection, after: bytes, limit: int) -> list[Statement]:
    """Pending requests, oldest first, at most ``limit`` and as many as fit a message; none only when no more wait.

    They begin after the request of id ``after`` (32 bytes), whatever became of it; with the oldest where it is empty.
    Raises NotFoundError when there is no such request.
    """
    place = (REQUESTS.c.submitted_at, REQUESTS.c.request_id)
    chosen = (
        select(REQUESTS.c.statement).where(REQUESTS.c.state == State.PENDING).order_by(*place).limit(limit)
    )
    if after:
        last = connection.execute(select(*place).where(REQUESTS.c.request_id == after)).one_or_none()
        if last is None:
            raise NotFoundError("This custodian has no such release request.", "List from the beginning.")
        chosen = chosen.where(tuple_(*place) > tuple_(*last))
    return fitting(connection.execute(chosen).scalars())


def count_waiting(connection: Connection, grant_id: str) -> int:
    """How many requests of a grant are pending."""
    return connection.execute(
        select(func.count())
        .select_from(REQUESTS)
        .where(REQUESTS.c.grant_id == grant_id, REQUESTS.c.state == State.PENDING)
    ).scalar_one()


def overdue(connection: Connection, moment: float) -> list[bytes]:
    """The ids of pending requests that expire at ``moment`` or did before."""
    rows = connection.execute(
        select(REQUESTS.c.request_id).where(
            REQUESTS.c.state == State.PENDING, REQUESTS.c.expires_at <= int(moment)
        )
    )
    return list(rows.scalars())


def finish(
    connection: Connection, request_id: bytes, state: State, sealed_reply: bytes | None = None
) -> bool:
    """Put a request into its final state, with the sealed reply of an approved one, and erase its candidates.

    Whether there were any: the database's log may hold them a little longer.
    """
    connection.execute(
        update(REQUESTS)
        .where(REQUESTS.c.request_id == request_id)
        .values(state=state, sealed_reply=sealed_reply)
    )
    erased = connection.execute(delete(CANDIDATES).where(CANDIDATES.c.request_id == request_id))
    return erased.rowcount > 0


def erase_replies(connection: Connection, release_key_ids: Iterable[bytes]) -> int:
    """Erase the sealed replies that came from these release keys (16 bytes each); how many there were."""
    # One by one: their number grows without end, that of a statement's variables does not.
    return sum(
        connection.execute(
            update(REQUESTS)
            .where(REQUESTS.c.release_key_id == name, REQUESTS.c.sealed_reply.is_not(None))
            .values(sealed_reply=None)
        ).rowcount
        for name in release_key_ids
    )


def put_word(
    connection: Connection, request_id: bytes, officer: str, statement: Statement, moment: float
) -> None:
    """Store an officer's signed word on a request, in place of an earlier one."""
    connection.execute(
        delete(APPROVALS).where(APPROVALS.c.request_id == request_id, APPROVALS.c.officer == officer)
    )
    connection.execute(
        insert(APPROVALS).values(
            request_id=request_id,
            officer=officer,
            statement=stored_form(statement),
            received_at=int(moment),
        )
    )


def words(
    connection: Connection, request_id: bytes, custodian: Custodian, officers: dict[str, bytes]
) -> tuple[tuple[str, ...], str | None]:
    """Who of ``officers`` (name to Ed25519 key) approved, in that order, and who denied.

    Read from the signed words alone: one that an officer of today did not sign for this custodian counts for nothing.
    """
    rows = connection.execute(
        select(APPROVALS.c.officer, APPROVALS.c.statement)
        .where(APPROVALS.c.request_id == request_id, APPROVALS.c.officer.in_(list(officers)))
        .order_by(APPROVALS.c.received_at, APPROVALS.c.officer)
    )
    approved: list[str] = []
    denied: str | None = None
    for officer, stored in rows:
        try:
            word = Approval.verified(from_stored_form(stored), [officers[officer]])
        except BlindplateError:
            continue
        if (word.custodian, word.request_id, word.officer) != (custodian, request_id, officer):
            continue
        if word.verdict is Verdict.DENIED:
            denied = officer
        else:
            approved.append(officer)
    return tuple(approved), denied
