"""Answers in the database: stored before they are offered, claimed from, acknowledged, and gone.

Guarantees that an answer, the map from its slots to reads, and the reads' change of state are one transaction, that
a sequence number is never given out twice, and that the same number always gives the same bytes. Every function
runs inside the caller's transaction. Protocol section 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Select, and_, delete, func, insert, select, update

from blindplate.core.errors import GoneError, NotFoundError
from blindplate.server.matcher import counts_store, lifecycle, reads_store
from blindplate.server.matcher.counts_store import Event
from blindplate.server.matcher.lifecycle import State
from blindplate.server.matcher.segments_store import Segment
from blindplate.server.matcher.tables import answers, records, sequences, slots, waiting


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """One answer that waits for its owner's acknowledgement."""

    sequence: int
    segment_id: bytes
    body: bytes


def waiting_for(connection: Connection, segment_id: bytes, limit: int) -> list[int]:
    """The numbers of reads that wait for a segment, oldest first, at most ``limit``."""
    rows = connection.execute(
        select(waiting.c.number)
        .where(waiting.c.segment_id == segment_id)
        .order_by(waiting.c.number)
        .limit(limit)
    )
    return [row.number for row in rows]


def store(
    connection: Connection, segment: Segment, body: bytes, placed: Mapping[int, int], now_ms: int
) -> int:
    """Store an answer of ``segment`` whose slots (keys) hold reads (values, by number); give its sequence number.

    A read that was erased or claimed while the batch was evaluated keeps no slot: its claim finds nothing.
    """
    sequence = _next_sequence(connection, segment.list_id)
    chosen = (
        select(waiting.c.number)
        .where(waiting.c.segment_id == segment.segment_id)
        .where(waiting.c.number.in_(list(placed.values())))
    )
    reads = reads_store.load(connection, chosen)
    expires_ms = max((read.expires_ms for read in reads.values()), default=segment.ends_ms)
    connection.execute(
        insert(answers).values(
            list_id=segment.list_id,
            sequence=sequence,
            segment_id=segment.segment_id,
            body=body,
            expires_ms=expires_ms,
        )
    )
    answered = {
        number: lifecycle.answer(read, segment.segment_id, sequence) for number, read in reads.items()
    }
    reads_store.save(connection, reads, answered)
    rows = [
        {"list_id": segment.list_id, "sequence": sequence, "slot": slot, "number": number}
        for slot, number in placed.items()
        if number in answered
    ]
    if rows:
        connection.execute(insert(slots), rows)
        counts_store.add(connection, Event.ANSWERED, _places(connection, segment.list_id, sequence), now_ms)
    return sequence


def following(connection: Connection, list_id: str, after: int) -> StoredAnswer | None:
    """The oldest unacknowledged answer with a sequence number above ``after``."""
    row = connection.execute(
        select(answers.c.sequence, answers.c.segment_id, answers.c.body)
        .where(answers.c.list_id == list_id, answers.c.sequence > after, answers.c.body.is_not(None))
        .order_by(answers.c.sequence)
        .limit(1)
    ).first()
    return None if row is None else StoredAnswer(row.sequence, row.segment_id, row.body)


def unacknowledged(connection: Connection, list_id: str) -> int:
    """How many answers of a list wait for acknowledgement."""
    return connection.execute(
        select(func.count())
        .select_from(answers)
        .where(answers.c.list_id == list_id, answers.c.acknowledged_ms.is_(None))
    ).scalar_one()


def claim(
    connection: Connection, list_id: str, sequence: int, proven: Iterable[int], now_ms: int
) -> dict[int, int]:
    """Mark the reads in the ``proven`` slots of an answer as claimed; give those still held: slot to number.

    Raises GoneError when the answer was acknowledged or its reads' windows have ended, NotFoundError when there
    never was one of this number.
    """
    _require_open(connection, list_id, sequence)
    chosen = and_(slots.c.list_id == list_id, slots.c.sequence == sequence, slots.c.slot.in_(list(proven)))
    rows = connection.execute(
        select(slots.c.slot, slots.c.number, records.c.zone)
        .join(records, records.c.number == slots.c.number)
        .where(chosen)
    ).all()
    reads = reads_store.load(connection, select(slots.c.number).where(chosen))
    claimed = {number: lifecycle.claim(read, sequence) for number, read in reads.items()}
    reads_store.save(connection, reads, claimed, now_ms)
    fresh = [(list_id, row.zone) for row in rows if not reads[row.number].claimed]
    counts_store.add(connection, Event.CLAIMED, fresh, now_ms)
    return {row.slot: row.number for row in rows}


def acknowledge(connection: Connection, list_id: str, sequence: int, now_ms: int) -> list[int]:
    """Take an acknowledgement; give the numbers of the reads that it erases. Again erases nothing.

    Raises NotFoundError when there never was an answer of this number.
    """
    try:
        _require_open(connection, list_id, sequence)
    except GoneError:
        return []
    rows = connection.execute(
        select(slots.c.number, records.c.zone)
        .join(records, records.c.number == slots.c.number)
        .where(slots.c.list_id == list_id, slots.c.sequence == sequence)
    )
    zones = {row.number: row.zone for row in rows}
    reads = reads_store.load(connection, _numbers(list_id, sequence))
    after = {number: lifecycle.acknowledge(read, sequence) for number, read in reads.items()}
    reads_store.save(connection, reads, after)
    erased = [number for number, read in after.items() if read.state is State.ERASED]
    key = and_(answers.c.list_id == list_id, answers.c.sequence == sequence)
    connection.execute(update(answers).where(key).values(body=None, acknowledged_ms=now_ms))
    counts_store.add(
        connection, Event.ERASED_ACKNOWLEDGED, [(list_id, zones[number]) for number in erased], now_ms
    )
    return erased


def give_up(connection: Connection, numbers: Iterable[int]) -> None:
    """Let reads whose envelopes do not open wait no more; they are held until their windows end."""
    chosen = select(records.c.number).where(records.c.number.in_(list(numbers)))
    reads = reads_store.load(connection, chosen)
    reads_store.save(
        connection, reads, {number: lifecycle.leave(read, *read.waiting) for number, read in reads.items()}
    )


def drop_ended(connection: Connection, now_ms: int) -> None:
    """Delete answers none of whose reads can be held any more. An acknowledged one is a small row until then."""
    connection.execute(delete(answers).where(answers.c.expires_ms <= now_ms))


def _require_open(connection: Connection, list_id: str, sequence: int) -> None:
    last = connection.execute(
        select(sequences.c.last).where(sequences.c.list_id == list_id)
    ).scalar_one_or_none()
    if not 1 <= sequence <= (last or 0):
        raise NotFoundError("There is no answer of that number.", "Ask for the next answer.")
    key = and_(answers.c.list_id == list_id, answers.c.sequence == sequence)
    row = connection.execute(select(answers.c.acknowledged_ms).where(key)).first()
    if row is None or row.acknowledged_ms is not None:
        raise GoneError("That answer was acknowledged, or the windows of its reads have ended.")


def _next_sequence(connection: Connection, list_id: str) -> int:
    key = sequences.c.list_id == list_id
    raised = connection.execute(update(sequences).where(key).values(last=sequences.c.last + 1))
    if raised.rowcount == 0:
        connection.execute(insert(sequences).values(list_id=list_id, last=1))
    sequence: int = connection.execute(select(sequences.c.last).where(key)).scalar_one()
    return sequence


def _places(connection: Connection, list_id: str, sequence: int) -> list[tuple[str, str]]:
    rows = connection.execute(
        select(records.c.list_id, records.c.zone).where(records.c.number.in_(_numbers(list_id, sequence)))
    )
    return [(row.list_id, row.zone) for row in rows]


def _numbers(list_id: str, sequence: int) -> Select[tuple[int]]:
    return select(slots.c.number).where(slots.c.list_id == list_id, slots.c.sequence == sequence)
