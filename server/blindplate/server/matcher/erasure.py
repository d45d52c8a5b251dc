"""Erasing what has reached the end of its window, and counting it.

Guarantees that a record and its sealed match secret are gone from the database, its freed pages overwritten, once
its window has ended; the write-ahead log is truncated afterwards by the keeper. What a file system or a flash disk
keeps of overwritten blocks, and backups, are out of its reach: there the destroyed window keys are what counts.
Protocol sections 4 and 5, guarantee G7.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, select

from blindplate.server.matcher import answers_store, counts_store, segments_store
from blindplate.server.matcher.counts_store import Event
from blindplate.server.matcher.tables import receipts, records

# One transaction's worth: so that a great erasure does not hold up intake.
_AT_ONCE: Final = 2_000


def erase_ended(connection: Connection, now_ms: int) -> list[int]:
    """Erase records whose windows have ended, at most 2,000 at once; give their numbers."""
    ended = connection.execute(
        select(records.c.number, records.c.claimed_ms)
        .where(records.c.expires_ms <= now_ms)
        .order_by(records.c.expires_ms)
        .limit(_AT_ONCE)
    ).all()
    for event, claimed in ((Event.ERASED_UNCLAIMED, False), (Event.ERASED_CLAIMED, True)):
        numbers = [row.number for row in ended if (row.claimed_ms is not None) == claimed]
        counts_store.add(connection, event, counts_store.places(connection, numbers), now_ms)
    numbers = [row.number for row in ended]
    if numbers:
        connection.execute(delete(records).where(records.c.number.in_(numbers)))
    return numbers


def drop_ended(connection: Connection, now_ms: int) -> list[bytes]:
    """Drop receipts, answers and segments that have reached their end; give the segments' ids."""
    held = select(records.c.record_id)
    connection.execute(
        delete(receipts).where(receipts.c.expires_ms <= now_ms, receipts.c.record_id.not_in(held))
    )
    answers_store.drop_ended(connection, now_ms)
    return segments_store.drop_ended(connection, now_ms)
