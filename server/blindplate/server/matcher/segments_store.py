"""Segments in the database: which encrypted lists are in force for which reads.

A base (number 0) supersedes the segments before it from its ``matches_from`` on; a delta adds to them. A read is
matched by every segment whose time its capture may lie in: the header's time can be too coarse to decide, and then
the custodians, who see the exact time, decide at release. Every function runs inside the caller's transaction.
Protocol section 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, literal, select, update

from blindplate.core.errors import GrantError, ReplayError, UploadError
from blindplate.core.signing import Statement
from blindplate.core.statements.uploads import Manifest
from blindplate.server.matcher import lifecycle, reads_store
from blindplate.server.matcher.tables import records, segments, waiting


@dataclass(frozen=True)  # without slots: the parsed manifest is cached on the instance
class Segment:
    """One uploaded list for one epoch.

    ``size`` is bins times degree; ``matches_from`` and ``matches_until`` are seconds since 1970 (UTC), the latter
    None while nothing supersedes it; at ``ends_ms`` no read of its epoch can be held any more.
    """

    segment_id: bytes
    grant_id: str
    list_id: str
    epoch: str
    number: int
    list_version: int
    size: int
    matches_from: int
    matches_until: int | None
    ends_ms: int
    manifest_json: str

    @cached_property
    def manifest(self) -> Manifest:
        """What its owner signed of it."""
        return Manifest.parsed(Statement.from_json(self.manifest_json).payload)

    def matches(self, earliest_ms: int, latest_ms: int) -> bool:
        """Whether a read captured at or after the one and before the other may lie in its time."""
        begun = latest_ms > 1000 * self.matches_from
        return begun and (self.matches_until is None or earliest_ms < 1000 * self.matches_until)


def add(connection: Connection, segment: Segment, capacity: int) -> tuple[bool, list[bytes]]:
    """Put a segment in force: whether it is new, and the ids of segments that it leaves without any reads.

    Raises ReplayError for a number that is not the next one, UploadError for an older list version or a time
    before the base's, GrantError when all live segments of the epoch together exceed ``capacity``.
    """
    present = of_epoch(connection, segment.list_id, segment.epoch)
    if any(one.segment_id == segment.segment_id for one in present):
        return False, []
    current = [one for one in present if one.matches_until is None]
    _check_order(segment, current)
    size = segment.size + sum(one.size for one in current if segment.number > 0)
    if size > capacity:
        raise GrantError(
            f"The list would have {size} places in this epoch; its grant allows {capacity}.",
            "Upload a smaller list, merge the deltas into a new base, or ask for an amended grant.",
        )
    connection.execute(insert(segments).values(_row(segment)))
    connection.execute(
        insert(waiting).from_select(
            ["segment_id", "number"],
            select(literal(segment.segment_id), records.c.number).where(
                records.c.list_id == segment.list_id,
                records.c.epoch == segment.epoch,
                records.c.claimed_ms.is_(None),
                records.c.latest_ms > 1000 * segment.matches_from,
            ),
        )
    )
    retired = [
        one.segment_id
        for one in current
        if segment.number == 0 and _supersede(connection, one, segment.matches_from)
    ]
    return True, retired


def of_epoch(connection: Connection, list_id: str, epoch: str) -> list[Segment]:
    """The segments of one list and epoch (by its name), the base first."""
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


def _supersede(connection: Connection, earlier: Segment, moment: int) -> bool:
    """End ``earlier`` at ``moment`` (seconds). True when that leaves it no time at all, and it is deleted."""
    emptied = moment <= earlier.matches_from
    leaving = select(waiting.c.number).where(waiting.c.segment_id == earlier.segment_id)
    if not emptied:
        later = select(records.c.number).where(
            records.c.list_id == earlier.list_id,
            records.c.epoch == earlier.epoch,
            records.c.earliest_ms >= 1000 * moment,
        )
        leaving = leaving.where(waiting.c.number.in_(later))
    reads = reads_store.load(connection, leaving)
    left = {number: lifecycle.leave(read, earlier.segment_id) for number, read in reads.items()}
    reads_store.save(connection, reads, left)
    key = segments.c.segment_id == earlier.segment_id
    if emptied:
        connection.execute(delete(segments).where(key))
    else:
        connection.execute(update(segments).where(key).values(matches_until=moment))
    return emptied


def _row(segment: Segment) -> dict[str, object]:
    names = (column.name for column in segments.columns)
    return {name: getattr(segment, "manifest_json" if name == "manifest" else name) for name in names}


def _segment(row: Row[Any]) -> Segment:
    return Segment(
        segment_id=row.segment_id,
        grant_id=row.grant_id,
        list_id=row.list_id,
        epoch=row.epoch,
        number=row.number,
        list_version=row.list_version,
        size=row.size,
        matches_from=row.matches_from,
        matches_until=row.matches_until,
        ends_ms=row.ends_ms,
        manifest_json=row.manifest,
    )
