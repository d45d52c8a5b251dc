"""Answers in the database: stored, entered in the ledger, offered, claimed from, acknowledged, and gone.

Guarantees that an answer, the map from its slots to reads, and the reads' change of state are one transaction, that
a sequence number is never given out twice, that the same number always gives the same bytes, and that an answer is
there only for who holds the grant of its segment, and only once its batch stands in the ledger (``batch_entries``).
Every function runs inside the caller's transaction. Protocol section 5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Select, and_, delete, func, insert, select, update

from blindplate.core.errors import GoneError, NotFoundError
from blindplate.core.statements.uploads import Stage
from blindplate.server.matcher import counts_store, lifecycle, openings, reads_store
from blindplate.server.matcher.chunks import chunks
from blindplate.server.matcher.counts_store import Event
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
    connection: Connection,
    segment: Segment,
    body: bytes,
    slot_count: int,
    placed: Mapping[int, int],
    now_ms: int,
    retained: Mapping[int, bytes] | None = None,
) -> int:
    """Store an answer of ``segment``, some of whose slots (keys) hold reads (values, by number); give its number.

    ``retained`` are the openings of retention tokens, by number, where the answer carries those. A read that was erased,
    kept or claimed while the batch was evaluated keeps no slot: its claim finds nothing. Raises TooEarlyError when the
    answer would open a read before payment for its day has closed: nothing of it is stored then.
    """
    sequence = _next_sequence(connection, segment.list_id)
    held = reads_store.load_numbers(connection, placed.values())
    reads = {number: read for number, read in held.items() if segment.segment_id in read.waiting}
    expires_ms = max((read.expires_ms for read in reads.values()), default=segment.ends_ms)
    connection.execute(
        insert(answers).values(
            list_id=segment.list_id,
            sequence=sequence,
            segment_id=segment.segment_id,
            grant_id=segment.grant_id,
            body=body,
            openings=openings.table(slot_count, _openings(connection, placed, reads, retained)),
            expires_ms=expires_ms,
            stage=segment.stage.value,
        )
    )
    answered = {
        number: lifecycle.answer(read, segment.segment_id, sequence, now_ms) for number, read in reads.items()
    }
    reads_store.save(connection, reads, answered, now_ms)
    rows = [
        {"list_id": segment.list_id, "sequence": sequence, "slot": slot, "number": number}
        for slot, number in placed.items()
        if number in answered
    ]
    if rows:
        connection.execute(insert(slots), rows)
        counts_store.add(connection, Event.ANSWERED, counts_store.places(connection, answered), now_ms)
    return sequence


def following(
    connection: Connection, list_id: str, grant_ids: Collection[str], after: int
) -> StoredAnswer | None:
    """The oldest unacknowledged answer under these grants with a sequence number above ``after``."""
    row = connection.execute(
        select(answers.c.sequence, answers.c.segment_id, answers.c.body)
        .where(answers.c.list_id == list_id, answers.c.grant_id.in_(grant_ids))
        .where(answers.c.sequence > after, answers.c.body.is_not(None), answers.c.ledger_index.is_not(None))
        .order_by(answers.c.sequence)
        .limit(1)
    ).first()
    return None if row is None else StoredAnswer(row.sequence, row.segment_id, row.body)


def unacknowledged(connection: Connection, list_id: str) -> dict[str, int]:
    """How many answers of a list wait for acknowledgement, by grant."""
    rows = connection.execute(
        select(answers.c.grant_id, func.count().label("left"))
        .where(answers.c.list_id == list_id, answers.c.acknowledged_ms.is_(None))
        .group_by(answers.c.grant_id)
    )
    return {row.grant_id: row.left for row in rows}


def open_slots(connection: Connection, list_id: str, grant_ids: Collection[str], sequence: int) -> bytes:
    """What claims of an answer are checked against (``openings``). Raises as ``claim`` does."""
    require_open(connection, list_id, grant_ids, sequence)
    key = and_(answers.c.list_id == list_id, answers.c.sequence == sequence)
    found: bytes = connection.execute(select(answers.c.openings).where(key)).scalar_one()
    return found


def stage_of(connection: Connection, list_id: str, sequence: int) -> Stage:
    """Of which stage the segment of an answer is: whether it carries match secrets or retention tokens."""
    key = and_(answers.c.list_id == list_id, answers.c.sequence == sequence)
    return Stage(connection.execute(select(answers.c.stage).where(key)).scalar_one())


def require_open(connection: Connection, list_id: str, grant_ids: Collection[str], sequence: int) -> None:
    """Check that an answer may be claimed from under these grants. Raises as ``claim`` does."""
    last = connection.execute(
        select(sequences.c.last).where(sequences.c.list_id == list_id)
    ).scalar_one_or_none()
    # A number beyond any given out may also be beyond what the database can hold.
    if not 1 <= sequence <= (last or 0):
        raise NotFoundError("There is no answer of that number.", "Ask for the next answer.")
    key = and_(answers.c.list_id == list_id, answers.c.sequence == sequence)
    row = connection.execute(
        select(answers.c.acknowledged_ms, answers.c.grant_id, answers.c.ledger_index).where(key)
    ).first()
    if row is not None and row.grant_id not in grant_ids:
        raise NotFoundError("There is no answer of that number.", "Ask for the next answer.")
    if row is not None and row.acknowledged_ms is None and row.ledger_index is None:
        # What was not offered can neither be claimed from nor have its reads erased.
        raise NotFoundError("There is no answer of that number yet.", "Ask for the next answer.")
    if row is None or row.acknowledged_ms is not None:
        raise GoneError("That answer was acknowledged, or the windows of its reads have ended.")


def claim(
    connection: Connection,
    list_id: str,
    grant_ids: Collection[str],
    sequence: int,
    proven: Iterable[int],
    now_ms: int,
) -> dict[int, int]:
    """Mark the reads in the ``proven`` slots of an answer as claimed; give those still held: slot to number.

    Raises GoneError when the answer was acknowledged or its reads' windows have ended, NotFoundError when there
    never was one of this number under these grants.
    """
    require_open(connection, list_id, grant_ids, sequence)
    chosen = and_(slots.c.list_id == list_id, slots.c.sequence == sequence, slots.c.slot.in_(list(proven)))
    rows = connection.execute(select(slots.c.slot, slots.c.number).where(chosen)).all()
    reads = reads_store.load(connection, select(slots.c.number).where(chosen))
    claimed = {number: lifecycle.claim(read, sequence) for number, read in reads.items()}
    reads_store.save(connection, reads, claimed, now_ms)
    return {row.slot: row.number for row in rows}


def acknowledge(
    connection: Connection, list_id: str, grant_ids: Collection[str], sequence: int, now_ms: int
) -> list[int]:
    """Take an acknowledgement; give the numbers of the reads that it erases. Again erases nothing.

    Raises NotFoundError when there never was an answer of this number under these grants.
    """
    try:
        require_open(connection, list_id, grant_ids, sequence)
    except GoneError:
        return []
    reads = reads_store.load(connection, _numbers(list_id, sequence))
    after = {number: lifecycle.acknowledge(read, sequence) for number, read in reads.items()}
    erased = reads_store.save(connection, reads, after, now_ms)
    key = and_(answers.c.list_id == list_id, answers.c.sequence == sequence)
    connection.execute(update(answers).where(key).values(body=None, openings=None, acknowledged_ms=now_ms))
    return erased


def give_up(connection: Connection, numbers: Iterable[int], now_ms: int) -> None:
    """Let reads whose envelopes do not open wait no more.

    They are held until their windows end, unless their owner has had and acknowledged every answer that holds them.
    """
    reads = reads_store.load_numbers(connection, numbers)
    left = {number: lifecycle.leave(read, *read.waiting) for number, read in reads.items()}
    reads_store.save(connection, reads, left, now_ms)


def drop_ended(connection: Connection, now_ms: int) -> None:
    """Delete answers none of whose reads can be held any more. An acknowledged one is a small row until then.

    One that no statement names yet stays until one does, or the ledger would lack its number.
    """
    named = answers.c.entry.is_not(None) | answers.c.acknowledged_ms.is_not(None)
    connection.execute(delete(answers).where(answers.c.expires_ms <= now_ms, named))


def _openings(
    connection: Connection,
    placed: Mapping[int, int],
    reads: Collection[int],
    retained: Mapping[int, bytes] | None,
) -> dict[int, bytes]:
    if retained is not None:
        return {slot: retained[number] for slot, number in placed.items() if number in reads}
    found: dict[int, bytes] = {}
    for some in chunks(reads):
        rows = connection.execute(
            select(records.c.number, records.c.opening).where(records.c.number.in_(some))
        )
        found |= {row.number: row.opening for row in rows}
    return {slot: found[number] for slot, number in placed.items() if number in found}


def _next_sequence(connection: Connection, list_id: str) -> int:
    key = sequences.c.list_id == list_id
    raised = connection.execute(update(sequences).where(key).values(last=sequences.c.last + 1))
    if raised.rowcount == 0:
        connection.execute(insert(sequences).values(list_id=list_id, last=1))
    sequence: int = connection.execute(select(sequences.c.last).where(key)).scalar_one()
    return sequence


def _numbers(list_id: str, sequence: int) -> Select[tuple[int]]:
    return select(slots.c.number).where(slots.c.list_id == list_id, slots.c.sequence == sequence)
