"""Release requests as the owner keeps them: what was asked, for what purpose, and what each custodian said.

Guarantees that the key the shares are sealed to is stored before the request leaves, and is erased with the shares
once the record is revealed. Protocol section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from blindplate.client.owner.tables import replies, requests
from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement
from blindplate.core.statements.purposes import Purpose


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
    """One request and both custodians' replies, A's first. Times are seconds since 1970, UTC."""

    request_id: bytes
    hit_id: int
    purpose: Purpose
    case_reference: str
    automatic: bool
    made_at: float
    expires_at: float
    replies: tuple[Reply, Reply]
    statement: Statement
    reply_seed: bytes | None = field(repr=False)

    @property
    def standing(self) -> Standing:
        """Of both together: approved only when both approved; one refusal settles it."""
        found = {reply.standing for reply in self.replies}
        order = (Standing.DENIED, Standing.EXPIRED, Standing.UNREACHED, Standing.PENDING)
        return next((standing for standing in order if standing in found), Standing.APPROVED)


def keep_request(connection: Connection, request: Request) -> None:
    """Store a new request."""
    row = {
        "request_id": request.request_id,
        "hit_id": request.hit_id,
        "statement": request.statement.to_json(),
        "reply_seed": request.reply_seed,
        "purpose": request.purpose,
        "case_reference": request.case_reference,
        "automatic": request.automatic,
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


def latest_request(connection: Connection, hit_id: int) -> Request | None:
    """The request made last for a hit."""
    chosen = select(requests).where(requests.c.hit_id == hit_id).order_by(requests.c.made_at.desc())
    row = connection.execute(chosen.limit(1)).mappings().first()
    return None if row is None else _request(connection, row)


def all_requests(connection: Connection) -> list[Request]:
    """Every request, oldest first."""
    rows = connection.execute(select(requests).order_by(requests.c.made_at)).mappings().all()
    return [_request(connection, row) for row in rows]


def open_automatic(connection: Connection, now: float) -> list[Request]:
    """The standing authorisation's requests that some custodian has not decided and that have not expired."""
    undecided = select(replies.c.request_id).where(
        replies.c.standing.in_((Standing.UNREACHED, Standing.PENDING))
    )
    chosen = select(requests).where(
        requests.c.automatic, requests.c.expires_at > now, requests.c.request_id.in_(undecided)
    )
    rows = connection.execute(chosen.order_by(requests.c.made_at)).mappings().all()
    return [_request(connection, row) for row in rows]


def forget_keys(connection: Connection, request_id: bytes) -> None:
    """Erase the reply key and the sealed shares: they have done their work."""
    connection.execute(update(requests).where(requests.c.request_id == request_id).values(reply_seed=None))
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
        made_at=row["made_at"],
        expires_at=row["expires_at"],
        replies=(reply_a, reply_b),
        statement=Statement.from_json(row["statement"]),
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
