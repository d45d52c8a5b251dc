"""Records and receipts in the database: taking records in, and reading them back.

Guarantees that an id is taken once: the same bytes again are confirmed, other bytes under it are refused, until its
window ends. Every function runs inside the caller's transaction. Protocol sections 4 and 5.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, insert, select

from blindplate.core.errors import ReplayError
from blindplate.core.records.record import SealedRecord
from blindplate.core.records.wire import Wire
from blindplate.core.statements.uploads import Stage
from blindplate.server.matcher import counts_store, segments_store
from blindplate.server.matcher.chunks import chunks
from blindplate.server.matcher.counts_store import Event
from blindplate.server.matcher.epochs import epoch_name
from blindplate.server.matcher.openings import opening_of
from blindplate.server.matcher.tables import receipts, records, slots, waiting


@dataclass(frozen=True, slots=True)
class Admitted:
    """A wire that may be taken in.

    ``wire_digest`` (32 bytes) stands for the very wire sent, ``record_bytes`` is its record serialized. The read was
    captured before ``latest_ms``, as finely as its header tells; its window ends at ``expires_ms``; payment for its day
    closes at ``opens_ms``, None without charging terms (all milliseconds since 1970, UTC).
    """

    wire: Wire
    wire_digest: bytes
    record_bytes: bytes
    latest_ms: int
    expires_ms: int
    opens_ms: int | None = None


def take(connection: Connection, admitted: Sequence[Admitted], now_ms: int) -> list[int | ReplayError | None]:
    """Take records in. For each: its new number, None when it was taken before, or why it is refused."""
    ids = [one.wire.record.header.record_id for one in admitted]
    known: dict[bytes, bytes] = {
        row.record_id: row.wire_digest
        for row in connection.execute(
            select(receipts.c.record_id, receipts.c.wire_digest).where(receipts.c.record_id.in_(ids))
        )
    }
    outcomes: list[int | ReplayError | None] = []
    fresh: list[tuple[int, Admitted]] = []
    for place, (record_id, one) in enumerate(zip(ids, admitted, strict=True)):
        earlier = known.get(record_id)
        outcomes.append(None)
        if earlier is None:
            known[record_id] = one.wire_digest
            fresh.append((place, one))
        elif not hmac.compare_digest(earlier, one.wire_digest):
            outcomes[place] = ReplayError(
                "Another record was taken under this id before.", "Seal the read anew under a new id."
            )
    if fresh:
        taken = [one for _, one in fresh]
        numbers = _insert(connection, taken)
        for (place, _), number in zip(fresh, numbers, strict=True):
            outcomes[place] = number
        _queue(connection, taken, numbers)
        counts_store.add(connection, Event.RECEIVED, map(_place, taken), now_ms)
    return outcomes


def held(connection: Connection) -> int:
    """How many records are held."""
    return connection.execute(select(func.count()).select_from(records)).scalar_one()


def held_by_list(connection: Connection) -> dict[str, int]:
    """How many records of each list are held."""
    rows = connection.execute(
        select(records.c.list_id, func.count().label("held")).group_by(records.c.list_id)
    )
    return {row.list_id: row.held for row in rows}


def wires(connection: Connection, numbers: Iterable[int]) -> dict[int, Wire]:
    """The wires of those ``numbers`` that are held and not claimed, to be opened again."""
    query = select(records.c.number, records.c.record, records.c.envelope, records.c.window_key_id)
    return {
        row.number: Wire(SealedRecord.from_bytes(row.record), row.envelope, row.window_key_id)
        for some in chunks(numbers)
        for row in connection.execute(
            query.where(records.c.number.in_(some), records.c.envelope.is_not(None))
        )
    }


def in_slots(
    connection: Connection, list_id: str, sequence: int, wanted: Sequence[int]
) -> dict[int, SealedRecord]:
    """The records in the ``wanted`` slots of an answer, as far as they are still held.

    Only for slots whose secrets were shown: how long it takes tells which of them hold records.
    """
    rows = connection.execute(
        select(slots.c.slot, records.c.record)
        .join(records, records.c.number == slots.c.number)
        .where(and_(slots.c.list_id == list_id, slots.c.sequence == sequence, slots.c.slot.in_(list(wanted))))
    )
    return {row.slot: SealedRecord.from_bytes(row.record) for row in rows}


def unkept(connection: Connection, list_id: str, sequence: int, wanted: Collection[int]) -> dict[int, Wire]:
    """The wires of the reads in the ``wanted`` slots of an answer that are under charging terms and not kept yet.

    Only for slots whose tokens were shown: how long it takes tells which of them hold records.
    """
    rows = connection.execute(
        select(records.c.number, records.c.record, records.c.envelope, records.c.window_key_id)
        .join(slots, records.c.number == slots.c.number)
        .where(slots.c.list_id == list_id, slots.c.sequence == sequence, slots.c.slot.in_(list(wanted)))
        .where(records.c.opens_ms.is_not(None), records.c.kept_ms.is_(None), records.c.envelope.is_not(None))
    )
    return {
        row.number: Wire(SealedRecord.from_bytes(row.record), row.envelope, row.window_key_id) for row in rows
    }


def _insert(connection: Connection, fresh: Sequence[Admitted]) -> list[int]:
    connection.execute(
        insert(receipts),
        [
            {
                "record_id": one.wire.record.header.record_id,
                "wire_digest": one.wire_digest,
                "expires_ms": one.expires_ms,
            }
            for one in fresh
        ],
    )
    rows = connection.execute(
        insert(records).returning(records.c.number, sort_by_parameter_order=True),
        [_row(one) for one in fresh],
    )
    return [row.number for row in rows]


def _row(one: Admitted) -> dict[str, object]:
    header = one.wire.record.header
    return {
        "record_id": header.record_id,
        "list_id": header.domain.list_id,
        "zone": header.domain.zone,
        "epoch": epoch_name(header.epoch),
        "latest_ms": one.latest_ms,
        "expires_ms": one.expires_ms,
        "opens_ms": one.opens_ms,
        "record": one.record_bytes,
        "opening": opening_of(one.wire.record),
        "envelope": one.wire.envelope,
        "window_key_id": one.wire.window_key_id,
    }


def _queue(connection: Connection, taken: Sequence[Admitted], numbers: Sequence[int]) -> None:
    epochs = {(one.wire.record.header.domain.list_id, one.wire.record.header.epoch) for one in taken}
    segments = {key: segments_store.of_epoch(connection, key[0], epoch_name(key[1])) for key in epochs}
    rows = [
        {"segment_id": segment.segment_id, "number": number}
        for one, number in zip(taken, numbers, strict=True)
        for segment in segments[one.wire.record.header.domain.list_id, one.wire.record.header.epoch]
        if segment.stage is (Stage.MATCH if one.opens_ms is None else Stage.KEEP)
        and segment.matches(one.latest_ms)
    ]
    if rows:
        connection.execute(insert(waiting), rows)


def _place(one: Admitted) -> tuple[str, str]:
    domain = one.wire.record.header.domain
    return domain.list_id, domain.zone
