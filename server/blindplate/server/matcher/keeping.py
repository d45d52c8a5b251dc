"""Keeping reads whose retention tokens were shown until payment has closed, one a vehicle, domain and day.

Guarantees that a read which is kept waits for the segments that will open it, that of a vehicle's reads of a day one
stays and the others are erased in the transaction that keeps them, and that whoever shows a token is told the same
either way, also when it is shown again. Protocol section 8.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, insert, select, update

from blindplate.core.records.wire import Wire
from blindplate.core.statements.uploads import Stage
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.server.matcher import (
    answers_store,
    counts_store,
    lifecycle,
    reads_store,
    records_store,
    segments_store,
)
from blindplate.server.matcher.counts_store import Event
from blindplate.server.matcher.folding import Folding, Tagged, fold
from blindplate.server.matcher.lifecycle import Read
from blindplate.server.matcher.match_secrets import MatchSecrets
from blindplate.server.matcher.metrics import RECORDS
from blindplate.server.matcher.retention_keys import Place, RetentionKeys
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.tables import kept_tags, records, slots


@dataclass(frozen=True, slots=True)
class Shown:
    """Slots of one answer whose tokens were shown, ``refused`` claims beside them, and under which grants."""

    list_id: str
    grant_ids: Collection[str]
    sequence: int
    slots: Collection[int]
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """The numbers of the reads that were kept just now, and how many of them, or before them, were folded."""

    numbers: Collection[int]
    folded: int


@dataclass(frozen=True, slots=True)
class Keeping:
    """Keeps reads. ``keys`` make the tags by which reads of one vehicle's day are told."""

    database: Database
    keys: RetentionKeys
    secrets: MatchSecrets
    clock: Clock

    def keep(self, shown: Shown) -> None:
        """Keep the reads in those slots, as far as they are held and not kept yet.

        Raises GoneError when the answer was acknowledged meanwhile, StorageError.
        """
        with self.database.read() as connection:
            wires = records_store.unkept(connection, shown.list_id, shown.sequence, shown.slots)
        if not wires:
            self._write(shown, ())
            return
        pseudonyms = self._pseudonyms(wires)
        # An answer is of one epoch.
        epoch = next(iter(wires.values())).record.header.epoch
        with self.keys.using(shown.list_id, epoch) as key:
            tagged = [
                Tagged(number, key.tag(header.domain, header.epoch, pseudonyms[number]), header.alternate)
                for number, header in ((number, wire.record.header) for number, wire in wires.items())
                if number in pseudonyms
            ]
            self._write(shown, tagged)

    def _pseudonyms(self, wires: Mapping[int, Wire]) -> dict[int, bytes]:
        held = self.secrets.get(list(wires), {}).pairs
        closed = {number: wire for number, wire in wires.items() if number not in held}
        opened = self.secrets.get(list(closed), closed)
        if opened.unreadable:
            # They are kept all the same, and nothing will open them.
            log().error("envelopes-unreadable", records=len(opened.unreadable))
        return {number: y for number, (y, _) in (*held.items(), *opened.pairs.items())}

    def _write(self, shown: Shown, tagged: Collection[Tagged]) -> None:
        now_ms = int(self.clock.now() * 1000)
        kept = self.database.write(lambda connection: keep(connection, shown, tagged, now_ms))
        # Not needed before payment has closed: no match secret lies in memory for days.
        self.secrets.forget(kept.numbers)
        RECORDS.labels("kept").inc(len(kept.numbers))
        RECORDS.labels("folded").inc(kept.folded)


def keep(connection: Connection, shown: Shown, tagged: Collection[Tagged], now_ms: int) -> Kept:
    """Keep the reads in the slots ``shown``, and fold those ``tagged`` that are of one vehicle's day.

    One without a tag is kept by itself. Raises as ``answers_store.claim`` does.
    """
    answers_store.require_open(connection, shown.list_id, shown.grant_ids, shown.sequence)
    counts_store.add_refused_claims(connection, shown.refused)
    in_slots = and_(
        slots.c.list_id == shown.list_id,
        slots.c.sequence == shown.sequence,
        slots.c.slot.in_(list(shown.slots)),
    )
    before = {
        number: read
        for number, read in reads_store.load(connection, select(slots.c.number).where(in_slots)).items()
        if not read.kept
    }
    opening = _opening(connection, list(before))
    after = {number: lifecycle.keep(read, shown.sequence, opening[number]) for number, read in before.items()}
    reads_store.save(connection, before, after, now_ms)
    epoch = _epoch(connection, list(before))
    holders = _holders(connection, (shown.list_id, epoch), [one.tag for one in tagged])
    folding = fold(holders, (one for one in tagged if one.number in before))
    _store(connection, (shown.list_id, epoch), folding, now_ms)
    return Kept(list(before), len(folding.into))


def tagged_places(connection: Connection) -> list[Place]:
    """The lists and epochs (by their names) of all tags held."""
    rows = connection.execute(select(kept_tags.c.list_id, kept_tags.c.epoch).distinct())
    return [(row.list_id, row.epoch) for row in rows]


def _opening(connection: Connection, numbers: Collection[int]) -> dict[int, list[bytes]]:
    """For each read the OPEN segments in force for it: some, where it was kept after payment had closed."""
    rows = connection.execute(
        select(records.c.number, records.c.list_id, records.c.epoch, records.c.latest_ms).where(
            records.c.number.in_(numbers)
        )
    ).all()
    present = {
        place: segments_store.of_epoch(connection, *place)
        for place in {(row.list_id, row.epoch) for row in rows}
    }
    return {
        row.number: [
            one.segment_id
            for one in present[row.list_id, row.epoch]
            if one.stage is Stage.OPEN and one.matches(row.latest_ms)
        ]
        for row in rows
    }


def _epoch(connection: Connection, numbers: Collection[int]) -> str:
    rows = connection.execute(select(records.c.epoch).where(records.c.number.in_(numbers)).limit(1))
    return rows.scalar_one_or_none() or ""


def _holders(connection: Connection, place: Place, tags: Collection[bytes]) -> dict[bytes, Tagged]:
    """The reads that hold these tags."""
    rows = connection.execute(
        select(kept_tags.c.tag, kept_tags.c.number, kept_tags.c.alternate, records.c.reads)
        .join(records, records.c.number == kept_tags.c.number)
        .where(_of(place), kept_tags.c.tag.in_(tags))
    ).all()
    reads: Mapping[int, Read] = reads_store.load_numbers(connection, [row.number for row in rows])
    return {
        row.tag: Tagged(row.number, row.tag, row.alternate, row.reads, lifecycle.foldable(reads[row.number]))
        for row in rows
    }


def _store(connection: Connection, place: Place, folding: Folding, now_ms: int) -> None:
    if not folding.stays:
        return
    list_id, epoch = place
    staying = list(folding.stays.values())
    # Before the erasure: it takes the tags that are still theirs with it.
    connection.execute(delete(kept_tags).where(_of(place), kept_tags.c.tag.in_([one.tag for one in staying])))
    connection.execute(
        insert(kept_tags),
        [
            {
                "list_id": list_id,
                "epoch": epoch,
                "tag": one.tag,
                "number": one.number,
                "alternate": one.alternate,
            }
            for one in staying
        ],
    )
    gone = reads_store.load_numbers(connection, folding.into)
    for read in gone.values():
        lifecycle.fold(read)
    counts_store.add(connection, Event.FOLDED, counts_store.places(connection, gone), now_ms)
    # What comes late into a record that was claimed is claimed with it.
    claimed = _claimed(connection, {one.number for one in folding.into.values()})
    late = [number for number, one in folding.into.items() if one.number in claimed]
    counts_store.add(connection, Event.CLAIMED, counts_store.places(connection, late), now_ms)
    connection.execute(delete(records).where(records.c.number.in_(list(gone))))
    connection.execute(
        update(records)
        .where(records.c.number == bindparam("staying"))
        .values(reads=bindparam("standing_for")),
        [{"staying": one.number, "standing_for": one.reads} for one in staying],
    )


def _claimed(connection: Connection, numbers: Collection[int]) -> set[int]:
    rows = connection.execute(
        select(records.c.number).where(records.c.number.in_(numbers), records.c.claimed_ms.is_not(None))
    )
    return {row.number for row in rows}


def _of(place: Place) -> ColumnElement[bool]:
    list_id, epoch = place
    return and_(kept_tags.c.list_id == list_id, kept_tags.c.epoch == epoch)
