"""The life cycle of reads in the database: ``lifecycle.Read`` loaded from rows, and its changes written back.

Guarantees that what is written is exactly the difference that the state machine made. Every function runs inside
the caller's transaction.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, select, update

from blindplate.server.matcher.lifecycle import Read, State
from blindplate.server.matcher.tables import answers, records, slots, waiting


def load(connection: Connection, numbers: Select[Any]) -> dict[int, Read]:
    """The held reads whose numbers the query ``numbers`` gives."""
    segments: dict[int, set[bytes]] = defaultdict(set)
    for row in connection.execute(
        select(waiting.c.number, waiting.c.segment_id).where(waiting.c.number.in_(numbers))
    ):
        segments[row.number].add(row.segment_id)
    answered: dict[int, set[bytes]] = defaultdict(set)
    offered: dict[int, set[int]] = defaultdict(set)
    for place in connection.execute(
        select(slots.c.number, slots.c.sequence, answers.c.segment_id, answers.c.acknowledged_ms)
        .join(answers, and_(answers.c.list_id == slots.c.list_id, answers.c.sequence == slots.c.sequence))
        .where(slots.c.number.in_(numbers))
    ):
        answered[place.number].add(place.segment_id)
        if place.acknowledged_ms is None:
            offered[place.number].add(place.sequence)
    rows = connection.execute(
        select(records.c.number, records.c.expires_ms, records.c.claimed_ms).where(
            records.c.number.in_(numbers)
        )
    )
    return {
        row.number: Read(
            expires_ms=row.expires_ms,
            waiting=frozenset(segments[row.number]),
            answered=frozenset(answered[row.number]),
            offered=frozenset(offered[row.number]),
            claimed=row.claimed_ms is not None,
        )
        for row in rows
    }


def save(connection: Connection, number: int, before: Read, after: Read, now_ms: int = 0) -> None:
    """Write what changed from ``before`` to ``after``. Answers and their slots are written by whoever makes them.

    An erased read takes its waiting rows and slots with it; a claimed one loses its sealed match secret.
    """
    if after.state is State.ERASED:
        connection.execute(delete(records).where(records.c.number == number))
        return
    if after.claimed and not before.claimed:
        connection.execute(
            update(records).where(records.c.number == number).values(claimed_ms=now_ms, envelope=None)
        )
    left = before.waiting - after.waiting
    if left:
        connection.execute(delete(waiting).where(waiting.c.number == number, waiting.c.segment_id.in_(left)))
