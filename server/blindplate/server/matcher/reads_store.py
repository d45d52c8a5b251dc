"""The life cycle of reads in the database: ``lifecycle.Read`` loaded from rows, and its changes written back.

Guarantees that what is written is exactly the difference that the state machine made, and that every read that is
claimed or erased by it is counted. Every function runs inside the caller's transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, select, update

from blindplate.server.matcher import counts_store
from blindplate.server.matcher.chunks import chunks
from blindplate.server.matcher.counts_store import Event
from blindplate.server.matcher.lifecycle import Erasure, Read, State
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


def load_numbers(connection: Connection, numbers: Iterable[int]) -> dict[int, Read]:
    """The held reads of these numbers, however many."""
    reads: dict[int, Read] = {}
    for some in chunks(numbers):
        reads |= load(connection, select(records.c.number).where(records.c.number.in_(some)))
    return reads


def save(
    connection: Connection, before: Mapping[int, Read], after: Mapping[int, Read], now_ms: int
) -> list[int]:
    """Write what changed ``before`` to ``after``, by number, and count it; give the numbers of the reads it erased.

    Whoever makes an answer writes it and its slots. An erased read takes its waiting rows and slots with it; a claimed
    one loses its sealed match secret. Reads whose windows end are erased elsewhere (``erasure``).
    """
    erased = [number for number, read in after.items() if read.erasure is Erasure.ACKNOWLEDGED]
    claimed = [number for number, read in after.items() if read.claimed and not before[number].claimed]
    counts_store.add(connection, Event.ERASED_ACKNOWLEDGED, _places(connection, erased), now_ms)
    counts_store.add(connection, Event.CLAIMED, _places(connection, claimed), now_ms)
    for some in chunks(erased):
        connection.execute(delete(records).where(records.c.number.in_(some)))
    for some in chunks(claimed):
        connection.execute(
            update(records).where(records.c.number.in_(some)).values(claimed_ms=now_ms, envelope=None)
        )
    _leave(connection, before, after)
    return erased


def _leave(connection: Connection, before: Mapping[int, Read], after: Mapping[int, Read]) -> None:
    left: dict[bytes, list[int]] = defaultdict(list)
    for number, read in after.items():
        if read.state is not State.ERASED:
            for segment_id in before[number].waiting - read.waiting:
                left[segment_id].append(number)
    for segment_id, numbers in left.items():
        for some in chunks(numbers):
            connection.execute(
                delete(waiting).where(waiting.c.segment_id == segment_id, waiting.c.number.in_(some))
            )


def _places(connection: Connection, numbers: Iterable[int]) -> Iterator[tuple[str, str]]:
    for some in chunks(numbers):
        rows = connection.execute(select(records.c.list_id, records.c.zone).where(records.c.number.in_(some)))
        yield from ((row.list_id, row.zone) for row in rows)
