"""Segments in the database: which encrypted lists are in force for which reads.

A base (number 0) supersedes every segment before it from its ``matches_from`` on; a delta adds to it. A header's time
can be too coarse to say on which side of a base's beginning a read was captured: it counts as captured at the last
moment its header allows. So at any time a read is matched by one base and its deltas, however many bases there are
and however coarse its time, and what matches it stays within the grant's capacity; the custodians, who see the exact
time, decide at release. Each stage of a charging day has its bases and deltas apart, and matches only reads that have
come to it. Every function runs inside the caller's transaction. Protocol sections 5 and 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, delete, insert, literal, select, update

from blindplate.core.errors import GrantError, ReplayError, UploadError
from blindplate.core.signing import Statement
from blindplate.core.statements.uploads import Manifest, Stage
from blindplate.server.matcher import lifecycle, reads_store
from blindplate.server.matcher.tables import records, segments, waiting

# Which reads are in a stage (``lifecycle.Read.stage``).
_HAS_COME: Final = {
    Stage.MATCH: records.c.opens_ms.is_(None),
    Stage.KEEP: and_(records.c.opens_ms.is_not(None), records.c.kept_ms.is_(None)),
    Stage.OPEN: and_(records.c.opens_ms.is_not(None), records.c.kept_ms.is_not(None)),
}


@dataclass(frozen=True)  # without slots: the parsed manifest is cached on the instance
class Segment:
    """One uploaded list for one epoch and stage.

    ``size`` is bins times degree, ``file_bytes`` what its ciphertexts take on the disk; ``matches_from`` and
    ``matches_until`` are seconds since 1970 (UTC), the latter None while nothing supersedes it; at ``ends_ms`` no read
    of its epoch can be held any more.
    """

    segment_id: bytes
    grant_id: str
    list_id: str
    epoch: str
    number: int
    list_version: int
    stage: Stage
    size: int
    file_bytes: int
    matches_from: int
    matches_until: int | None
    ends_ms: int
    manifest_json: str

    @cached_property
    def manifest(self) -> Manifest:
        """What its owner signed of it."""
        return Manifest.parsed(Statement.from_json(self.manifest_json).payload)

    def matches(self, latest_ms: int) -> bool:
        """Whether it matches a read captured before ``latest_ms``, as far as its header tells."""
        begun = latest_ms > 1000 * self.matches_from
        return begun and (self.matches_until is None or latest_ms <= 1000 * self.matches_until)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one list may take: ``capacity`` places for any one read, ``segments`` for an epoch, ``file_bytes`` in all."""

    capacity: int
    segments: int
    file_bytes: int


def add(connection: Connection, segment: Segment, bounds: Bounds, now_ms: int) -> tuple[bool, list[bytes]]:
    """Put a segment in force: whether it is new, and the ids of segments that it leaves without any reads.

    Raises ReplayError for a number that is not the next one, UploadError for an older list version, a time before the
    base's, or more segments or bytes than the bounds allow, GrantError for more places than they allow.
    """
    listed = of_list(connection, segment.list_id, superseded=True)
    present = [one for one in listed if (one.epoch, one.stage) == (segment.epoch, segment.stage)]
    if any(one.segment_id == segment.segment_id for one in present):
        return False, []
    current = [one for one in present if one.matches_until is None]
    _check_order(segment, current)
    # Every earlier segment, those that another base has ended too: else bases of ever other times would pile up.
    ended = [one for one in present if segment.number == 0 and _reaches(one, segment.matches_from)]
    emptied = {one.segment_id for one in ended if segment.matches_from <= one.matches_from}
    _check_bounds(
        segment,
        bounds,
        [one for one in current if segment.number > 0],
        [one for one in listed if one.segment_id not in emptied],
    )
    connection.execute(insert(segments).values(_row(segment)))
    connection.execute(
        insert(waiting).from_select(
            ["segment_id", "number"],
            select(literal(segment.segment_id), records.c.number).where(
                records.c.list_id == segment.list_id,
                records.c.epoch == segment.epoch,
                records.c.claimed_ms.is_(None),
                _HAS_COME[segment.stage],
                records.c.latest_ms > 1000 * segment.matches_from,
            ),
        )
    )
    for one in ended:
        _supersede(connection, one, segment.matches_from, now_ms, emptied=one.segment_id in emptied)
    return True, sorted(emptied)


def of_epoch(connection: Connection, list_id: str, epoch: str) -> list[Segment]:
    """The segments of one list and epoch (by its name), of every stage, the base first."""
    rows = connection.execute(
        select(segments)
        .where(segments.c.list_id == list_id, segments.c.epoch == epoch)
        .order_by(segments.c.number, segments.c.list_version)
    )
    return [_segment(row) for row in rows]


def of_list(connection: Connection, list_id: str, *, superseded: bool = False) -> list[Segment]:
    """The segments of one list, oldest epoch first; those a later base supersedes only if asked for."""
    chosen = segments.c.list_id == list_id
    if not superseded:
        chosen &= segments.c.matches_until.is_(None)
    rows = connection.execute(select(segments).where(chosen).order_by(segments.c.ends_ms, segments.c.number))
    return [_segment(row) for row in rows]


def everything(connection: Connection) -> list[Segment]:
    """All segments."""
    return [_segment(row) for row in connection.execute(select(segments).order_by(segments.c.ends_ms))]


def drop_ended(connection: Connection, now_ms: int) -> list[bytes]:
    """Delete the segments that no read can need any more; give their ids."""
    ended = select(segments.c.segment_id).where(segments.c.ends_ms <= now_ms)
    ids = [row.segment_id for row in connection.execute(ended)]
    if ids:
        connection.execute(delete(segments).where(segments.c.segment_id.in_(ids)))
    return ids


def _check_order(segment: Segment, current: list[Segment]) -> None:
    newest = max((one.list_version for one in current), default=0)
    if segment.list_version < newest:
        raise UploadError(
            "An upload is of an older list version than the one in force.", "Upload the current list."
        )
    if segment.number == 0:
        return
    expected = max((one.number for one in current), default=-1) + 1
    if not current or segment.number != expected:
        raise ReplayError(
            f"The next segment of this epoch is number {expected}, not {segment.number}.",
            "Ask for the segments in force and number the delta after them.",
        )
    if segment.matches_from < min(one.matches_from for one in current):
        raise UploadError("A delta begins before the base it adds to.", "Give it a later beginning.")


def _reaches(segment: Segment, moment: int) -> bool:
    return segment.matches_until is None or segment.matches_until > moment


def _check_bounds(segment: Segment, bounds: Bounds, beside: list[Segment], held: list[Segment]) -> None:
    size = segment.size + sum(one.size for one in beside)
    if size > bounds.capacity:
        raise GrantError(
            f"The list would have {size} places in this epoch; its grant allows {bounds.capacity}.",
            "Upload a smaller list, merge the deltas into a new base, or ask for an amended grant.",
        )
    if 1 + sum((one.epoch, one.stage) == (segment.epoch, segment.stage) for one in held) > bounds.segments:
        raise UploadError(
            f"The list has {bounds.segments} segments in this epoch and stage, as many as the matcher keeps.",
            "Upload a base that begins earlier and so takes the place of others.",
        )
    if segment.file_bytes + sum(one.file_bytes for one in held) > bounds.file_bytes:
        raise UploadError(
            f"The list's segments would take more than {bounds.file_bytes} bytes, all that the matcher keeps of one.",
            "Upload a smaller list, fewer epochs ahead, or wait for past epochs to end.",
        )


def _supersede(connection: Connection, earlier: Segment, moment: int, now_ms: int, *, emptied: bool) -> None:
    """End ``earlier`` at ``moment`` (seconds), or delete it when that has ``emptied`` it of all its time.

    Every read that leaves it waits for the base that ends it.
    """
    leaving = select(waiting.c.number).where(waiting.c.segment_id == earlier.segment_id)
    if not emptied:
        later = select(records.c.number).where(
            records.c.list_id == earlier.list_id,
            records.c.epoch == earlier.epoch,
            records.c.latest_ms > 1000 * moment,
        )
        leaving = leaving.where(waiting.c.number.in_(later))
    reads = reads_store.load(connection, leaving)
    left = {number: lifecycle.leave(read, earlier.segment_id) for number, read in reads.items()}
    reads_store.save(connection, reads, left, now_ms)
    key = segments.c.segment_id == earlier.segment_id
    if emptied:
        connection.execute(delete(segments).where(key))
    else:
        connection.execute(update(segments).where(key).values(matches_until=moment))


def _row(segment: Segment) -> dict[str, object]:
    names = (column.name for column in segments.columns)
    values: dict[str, object] = {
        name: getattr(segment, "manifest_json" if name == "manifest" else name) for name in names
    }
    return values | {"stage": segment.stage.value}


def _segment(row: Row[Any]) -> Segment:
    return Segment(
        segment_id=row.segment_id,
        grant_id=row.grant_id,
        list_id=row.list_id,
        epoch=row.epoch,
        number=row.number,
        list_version=row.list_version,
        stage=Stage(row.stage),
        size=row.size,
        file_bytes=row.file_bytes,
        matches_from=row.matches_from,
        matches_until=row.matches_until,
        ends_ms=row.ends_ms,
        manifest_json=row.manifest,
    )
