"""Release requests as the owner keeps them: what was asked, for what purpose, and what each custodian said.

Guarantees that the request, its ledger entry, the list entries that go with it and the key the shares are sealed to are
stored before anything of it leaves; and that key and shares are erased once the record is revealed. Protocol section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, and_, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from blindplate.client.owner.tables import replies, requests
from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement
from blindplate.core.statements.purposes import Purpose

# All but the list entries, which are large and only wanted when a request is handed in.
_COLUMNS: Final = tuple(column for column in requests.c if column is not requests.c.candidates)


class Standing(StrEnum):
    """Where a request stands at one custodian, or at both together."""

    UNREACHED = "unreached"
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Reply:
    """One custodian's last word. ``code`` and ``reason`` are those of its signed decision."""

    custodian: Custodian
    standing: Standing
    code: str = ""
    reason: str = ""
    sealed_share: bytes | None = field(default=None, repr=False)
    decision: Statement | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request and both custodians' replies, A's first. Times are seconds since 1970, UTC.

    ``entry`` stands for it in the ledger, at ``ledger_index`` once it has its receipt.
    """

    request_id: bytes
    hit_id: int
    purpose: Purpose
    case_reference: str
    automatic: bool
    emergency: bool
    made_at: float
    expires_at: float
    replies: tuple[Reply, Reply]
    statement: Statement
    entry: Statement
    ledger_index: int | None
    reply_seed: bytes | None = field(repr=False)

    @property
    def standing(self) -> Standing:
        """Of both together: approved only when both approved; one refusal settles it."""
        found = {reply.standing for reply in self.replies}
        order = (Standing.DENIED, Standing.EXPIRED, Standing.UNREACHED, Standing.PENDING)
        return next((standing for standing in order if standing in found), Standing.APPROVED)


def keep_request(connection: Connection, request: Request, candidates: bytes) -> None:
    """Store a new request with the serialized list entries that go with it."""
    row = {
        "request_id": request.request_id,
        "hit_id": request.hit_id,
        "statement": request.statement.to_json(),
        "candidates": candidates,
        "entry": request.entry.to_json(),
        "ledger_index": request.ledger_index,
        "reply_seed": request.reply_seed,
        "purpose": request.purpose,
        "case_reference": request.case_reference,
        "automatic": request.automatic,
        "emergency": request.emergency,
        "made_at": request.made_at,
        "expires_at": request.expires_at,
    }
    connection.execute(insert(requests).values(row))
    for reply in request.replies:
        keep_reply(connection, request.request_id, reply)


def keep_reply(connection: Connection, request_id: bytes, reply: Reply) -> None:
    """Store a custodian's word in place of its last one."""
    row = {
        "standing": reply.standing,
        "code": reply.code,
        "reason": reply.reason,
        "sealed_share": reply.sealed_share,
        "decision": None if reply.decision is None else reply.decision.to_json(),
    }
    key = {"request_id": request_id, "custodian": reply.custodian}
    connection.execute(
        upsert(replies).values({**key, **row}).on_conflict_do_update(index_elements=list(key), set_=row)
    )


def set_request_entered(connection: Connection, request_id: bytes, ledger_index: int) -> None:
    """The ledger has its entry."""
    chosen = update(requests).where(requests.c.request_id == request_id)
    connection.execute(chosen.values(ledger_index=ledger_index))


def candidates_with(connection: Connection, request_id: bytes) -> bytes:
    """The serialized list entries that go with a request, which is known to be there."""
    chosen = select(requests.c.candidates).where(requests.c.request_id == request_id)
    found: bytes = connection.execute(chosen).scalar_one()
    return found


def latest_request(connection: Connection, hit_id: int) -> Request | None:
    """The request made last for a hit."""
    chosen = select(*_COLUMNS).where(requests.c.hit_id == hit_id)
    # An emergency follows what was waiting, perhaps within the second.
    latest = (requests.c.made_at.desc(), requests.c.emergency.desc())
    row = connection.execute(chosen.order_by(*latest).limit(1)).mappings().first()
    return None if row is None else _request(connection, row)


def all_requests(connection: Connection) -> list[Request]:
    """Every request, oldest first."""
    rows = connection.execute(select(*_COLUMNS).order_by(requests.c.made_at)).mappings().all()
    return [_request(connection, row) for row in rows]


def unfinished(connection: Connection, now: float) -> list[Request]:
    """The unexpired requests that some custodian is still to be asked about without anybody's doing.

    Those it has not been handed, and those of the standing authorisation that it has not decided.
    """
    unreached, pending = (
        select(replies.c.request_id).where(replies.c.standing == standing)
        for standing in (Standing.UNREACHED, Standing.PENDING)
    )
    chosen = select(*_COLUMNS).where(
        requests.c.expires_at > now,
        or_(
            requests.c.request_id.in_(unreached),
            and_(requests.c.automatic, requests.c.request_id.in_(pending)),
        ),
    )
    rows = connection.execute(chosen.order_by(requests.c.made_at)).mappings().all()
    return [_request(connection, row) for row in rows]


def forget_keys(connection: Connection, request_id: bytes) -> None:
    """Erase the reply key, the sealed shares and the list entries: they have done their work."""
    erased = update(requests).where(requests.c.request_id == request_id)
    connection.execute(erased.values(reply_seed=None, candidates=b""))
    connection.execute(update(replies).where(replies.c.request_id == request_id).values(sealed_share=None))


def _request(connection: Connection, row: Mapping[Any, Any]) -> Request:
    chosen = select(replies).where(replies.c.request_id == row["request_id"]).order_by(replies.c.custodian)
    reply_a, reply_b = (_reply(found) for found in connection.execute(chosen).mappings())
    return Request(
        request_id=row["request_id"],
        hit_id=row["hit_id"],
        purpose=Purpose(row["purpose"]),
        case_reference=row["case_reference"],
        automatic=row["automatic"],
        emergency=row["emergency"],
        made_at=row["made_at"],
        expires_at=row["expires_at"],
        replies=(reply_a, reply_b),
        statement=Statement.from_json(row["statement"]),
        entry=Statement.from_json(row["entry"]),
        ledger_index=row["ledger_index"],
        reply_seed=row["reply_seed"],
    )


def _reply(row: Mapping[Any, Any]) -> Reply:
    return Reply(
        custodian=Custodian(row["custodian"]),
        standing=Standing(row["standing"]),
        code=row["code"],
        reason=row["reason"],
        sealed_share=row["sealed_share"],
        decision=None if row["decision"] is None else Statement.from_json(row["decision"]),
    )
