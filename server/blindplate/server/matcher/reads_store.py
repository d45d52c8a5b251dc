"""The life cycle of reads in the database: ``lifecycle.Read`` loaded from rows, and its changes written back.

Guarantees that what is written is exactly the difference that the state machine made, and that every read that is
kept, claimed or erased by it is counted: one that stands for others as often as it stands for. Every function runs inside the caller's transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, insert, select, update

from blindplate.core.statements.uploads import Stage
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
    answered: dict[tuple[int, Stage], set[bytes]] = defaultdict(set)
    offered: dict[tuple[int, Stage], set[int]] = defaultdict(set)
    for place in connection.execute(
        select(
            slots.c.number, slots.c.sequence, answers.c.segment_id, answers.c.acknowledged_ms, answers.c.stage
        )
        .join(answers, and_(answers.c.list_id == slots.c.list_id, answers.c.sequence == slots.c.sequence))
        .where(slots.c.number.in_(numbers))
    ):
        of_stage = place.number, Stage(place.stage)
        answered[of_stage].add(place.segment_id)
        if place.acknowledged_ms is None:
            offered[of_stage].add(place.sequence)
    rows = connection.execute(
        select(
            records.c.number,
            records.c.expires_ms,
            records.c.claimed_ms,
            records.c.opens_ms,
            records.c.kept_ms,
        ).where(records.c.number.in_(numbers))
    )
    reads: dict[int, Read] = {}
    for held in rows:
        read = Read(
            expires_ms=held.expires_ms,
            waiting=frozenset(segments[held.number]),
            claimed=held.claimed_ms is not None,
            opens_ms=held.opens_ms,
            kept=held.kept_ms is not None,
        )
        # What answered it before it was kept counts no more (rule 9).
        of_stage = held.number, read.stage
        reads[held.number] = replace(
            read, answered=frozenset(answered[of_stage]), offered=frozenset(offered[of_stage])
        )
    return reads


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
    one loses its sealed match secret. Reads whose windows end are erased elsewhere (``erasure``), those that are folded
    into others by who knows these (``keeping``).
    """
    erased = [number for number, read in after.items() if read.erasure is Erasure.ACKNOWLEDGED]
    unopened = [number for number in erased if before[number].kept]
    claimed = [number for number, read in after.items() if read.claimed and not before[number].claimed]
    kept = [number for number, read in after.items() if read.kept and not before[number].kept]
    for event, numbers in (
        (Event.ERASED_ACKNOWLEDGED, erased),
        (Event.ERASED_UNOPENED, unopened),
        (Event.CLAIMED, claimed),
    ):
        counts_store.add(connection, event, counts_store.places(connection, numbers), now_ms)
    for some in chunks(erased):
        connection.execute(delete(records).where(records.c.number.in_(some)))
    for some in chunks(kept):
        connection.execute(update(records).where(records.c.number.in_(some)).values(kept_ms=now_ms))
    for some in chunks(claimed):
        connection.execute(
            update(records).where(records.c.number.in_(some)).values(claimed_ms=now_ms, envelope=None)
        )
    _leave(connection, before, after)
    _wait(connection, {number: read for number, read in after.items() if number in kept})
    return erased


def _wait(connection: Connection, kept: Mapping[int, Read]) -> None:
    rows = [
        {"segment_id": segment_id, "number": number}
        for number, read in kept.items()
        for segment_id in sorted(read.waiting)
    ]
    if rows:
        connection.execute(insert(waiting), rows)


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
