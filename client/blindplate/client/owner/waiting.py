"""Vehicles that were submitted and do not count yet: they wait here until their effective date.

Guarantees that nothing of them is evaluated, committed to or uploaded before: they are no entries of the list. A plate
waits at most once, and not while it is listed; keeping to that is ``roster``'s. Specified in docs/spec/owner.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from blindplate.client.owner.entries import Details
from blindplate.client.owner.entry_rows import columns_of, details_of
from blindplate.client.owner.tables import waiting


@dataclass(frozen=True, slots=True)
class Waiting:
    """One vehicle to come. ``listed_at`` is when it was submitted, in seconds since 1970, UTC."""

    details: Details = field(repr=False)
    listed_at: float


def count(connection: Connection) -> int:
    """How many wait."""
    return connection.execute(select(func.count()).select_from(waiting)).scalar_one()


def next_day(connection: Connection) -> date | None:
    """The first effective date of those that wait."""
    return connection.execute(select(func.min(waiting.c.effective_date))).scalar()


def find(connection: Connection, plate: bytes) -> Waiting | None:
    """What waits under an encoded plate."""
    row = connection.execute(select(waiting).where(waiting.c.plate == plate)).mappings().first()
    return None if row is None else _waiting(row)


def all_waiting(connection: Connection) -> dict[bytes, Waiting]:
    """Everything that waits, by encoded plate."""
    return {row["plate"]: _waiting(row) for row in connection.execute(select(waiting)).mappings()}


def take_begun(connection: Connection, day: date) -> dict[bytes, Waiting]:
    """Take out what counts on ``day`` (Europe/London), and forget what is over before it began."""
    chosen = waiting.c.effective_date <= day
    begun = {
        row["plate"]: _waiting(row) for row in connection.execute(select(waiting).where(chosen)).mappings()
    }
    connection.execute(delete(waiting).where(chosen | (waiting.c.weed_date < day)))
    return {plate: one for plate, one in begun.items() if not one.details.is_over(day)}


def put(connection: Connection, coming: Mapping[bytes, Waiting]) -> None:
    """Have these wait, whether or not they did already."""
    drop(connection, coming)
    if coming:
        connection.execute(
            insert(waiting),
            [
                {"plate": plate, **columns_of(one.details), "listed_at": one.listed_at}
                for plate, one in coming.items()
            ],
        )


def drop(connection: Connection, plates: Iterable[bytes]) -> None:
    """Forget these, where they wait."""
    rows = [{"gone": plate} for plate in plates]
    if rows:
        connection.execute(delete(waiting).where(waiting.c.plate == bindparam("gone")), rows)


def clear(connection: Connection) -> None:
    """Forget everything that waits."""
    connection.execute(delete(waiting))


def _waiting(row: Mapping[Any, Any]) -> Waiting:
    return Waiting(details_of(row), row["listed_at"])
