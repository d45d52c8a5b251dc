"""Statements on their way into the ledger: kept, signed, until each has its receipt, and sent in order.

Guarantees that what is sent again after a crash is the very statement that may have been sent before, so that the
ledger has it once. Every function runs inside the caller's transaction. Protocol section 7.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from blindplate.core.signing import Statement
from blindplate.server.matcher.tables import outbox


@dataclass(frozen=True, slots=True)
class Unsent:
    """A statement that has no receipt yet, by its number."""

    number: int
    statement: Statement


def put(connection: Connection, statement: Statement) -> int:
    """Have ``statement`` sent; give its number."""
    number: int = connection.execute(
        insert(outbox).values(statement=statement.to_json()).returning(outbox.c.number)
    ).scalar_one()
    return number


def unsent(connection: Connection, limit: int) -> list[Unsent]:
    """The oldest statements without a receipt, at most ``limit``."""
    rows = connection.execute(select(outbox).order_by(outbox.c.number).limit(limit))
    return [Unsent(row.number, Statement.from_json(row.statement)) for row in rows]


def remove(connection: Connection, numbers: Collection[int]) -> None:
    """Forget statements that have their receipts."""
    connection.execute(delete(outbox).where(outbox.c.number.in_(numbers)))
