"""The outbox: signed statements this custodian enters into the ledger, stored with what they tell of.

Guarantees that a statement put in is there exactly when the transaction it tells of is, that it is kept until it has
its index in the ledger, and that the same statement stands there once. ``clerk`` does the appending. Protocol
section 7, guarantee G6.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from blindplate.core.signing import Statement
from blindplate.server.custodian.stored import from_stored_form, stored_form
from blindplate.server.custodian.tables import OUTBOX


@dataclass(frozen=True, slots=True)
class Waiting:
    """A statement without an index yet; ``number`` is its place in the outbox."""

    number: int
    statement: Statement


def put(connection: Connection, statement: Statement) -> int:
    """Put ``statement`` at the end, or find it there; its number. Needs a writing transaction."""
    known: int | None = connection.execute(
        select(OUTBOX.c.number).where(OUTBOX.c.statement_id == statement.statement_id)
    ).scalar_one_or_none()
    if known is not None:
        return known
    last = connection.execute(select(func.max(OUTBOX.c.number))).scalar_one()
    number = 0 if last is None else last + 1
    connection.execute(
        insert(OUTBOX).values(
            number=number, statement_id=statement.statement_id, statement=stored_form(statement)
        )
    )
    return number


def waiting(connection: Connection, limit: int, after: int = -1) -> list[Waiting]:
    """The first statements without an index, at most ``limit``, in the order they were put in.

    They begin behind the number ``after``.
    """
    rows = connection.execute(
        select(OUTBOX.c.number, OUTBOX.c.statement)
        .where(OUTBOX.c.ledger_index.is_(None), OUTBOX.c.number > after)
        .order_by(OUTBOX.c.number)
        .limit(limit)
    )
    return [Waiting(row.number, from_stored_form(row.statement)) for row in rows]


def entered(connection: Connection, number: int, ledger_index: int) -> None:
    """Note the index that a verified receipt gives for the statement of that number."""
    connection.execute(update(OUTBOX).where(OUTBOX.c.number == number).values(ledger_index=ledger_index))


def index_of(connection: Connection, statement_id: bytes) -> int | None:
    """Where in the ledger the statement of that id (32 bytes) stands; None until it has its receipt."""
    return connection.execute(
        select(OUTBOX.c.ledger_index).where(OUTBOX.c.statement_id == statement_id)
    ).scalar_one_or_none()
