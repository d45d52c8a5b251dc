"""Which records' media are wanted, and which are here. Every function runs inside the caller's transaction.

Guarantees that media are wanted of claimed records alone, once each, and that a row goes with its record: whatever
erases that erases this. Protocol section 4, guarantee G7.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from blindplate.server.matcher.chunks import chunks
from blindplate.server.matcher.tables import media, records


@dataclass(frozen=True, slots=True)
class Wanted:
    """The media of record ``number``, by their reference (16 bytes). ``zone`` tells which cameras are asked."""

    number: int
    reference: bytes
    list_id: str
    zone: str


def want(connection: Connection, wanted: Iterable[Wanted]) -> None:
    """Want media of records that are claimed. What is wanted already stays as it is."""
    asked = {one.number: one for one in wanted}
    claimed = select(records.c.number).where(
        records.c.number.in_(list(asked)), records.c.claimed_ms.is_not(None)
    )
    known = select(media.c.number).where(media.c.number.in_(list(asked)))
    fresh = set(connection.execute(claimed).scalars()) - set(connection.execute(known).scalars())
    rows = [
        {"number": one.number, "reference": one.reference, "list_id": one.list_id, "zone": one.zone}
        for number, one in asked.items()
        if number in fresh
    ]
    if rows:
        connection.execute(insert(media), rows)


def wanted_after(
    connection: Connection, zones: Collection[str], after: int, limit: int
) -> list[tuple[int, bytes]]:
    """Place and reference of what is wanted in ``zones`` and not here yet, in the order in which it was wanted."""
    rows = connection.execute(
        select(media.c.place, media.c.reference)
        .where(media.c.place > after, media.c.length.is_(None), media.c.zone.in_(zones))
        .order_by(media.c.place)
        .limit(limit)
    )
    return [(row.place, row.reference) for row in rows]


def is_wanted(connection: Connection, zones: Collection[str], reference: bytes) -> bool:
    """Whether media of this reference are wanted in one of ``zones``, and are not here yet."""
    chosen = select(media.c.place).where(
        media.c.reference == reference, media.c.length.is_(None), media.c.zone.in_(zones)
    )
    return connection.execute(chosen).first() is not None


def put(connection: Connection, reference: bytes, length: int) -> bool:
    """The media of this reference are here, durable, ``length`` bytes. False when nobody wants them any more."""
    chosen = update(media).where(media.c.reference == reference, media.c.length.is_(None))
    return bool(connection.execute(chosen.values(length=length)).rowcount)


def lengths(connection: Connection, list_id: str, references: Sequence[bytes]) -> dict[bytes, int]:
    """How many bytes of each of these references of a list are here. What is not here is not in it."""
    return {
        row.reference: row.length
        for some in chunks(references)
        for row in connection.execute(
            select(media.c.reference, media.c.length).where(
                media.c.list_id == list_id, media.c.reference.in_(some), media.c.length.is_not(None)
            )
        )
    }


def total(connection: Connection) -> int:
    """How many bytes of media are here."""
    found: int = connection.execute(select(func.coalesce(func.sum(media.c.length), 0))).scalar_one()
    return found


def references(connection: Connection) -> set[bytes]:
    """All references that are wanted or here."""
    return set(connection.execute(select(media.c.reference)).scalars())
