"""The owner's memory of its uploads: which segment covers what, in which state, and the key that opens its answers.

Guarantees that a segment's key is stored before the first byte of it is sent, and destroyed when no answer can come
any more. Protocol section 5; the states are drawn in docs/spec/owner.md section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, update

from blindplate.client.owner.coverage import Covering, Due, Removal
from blindplate.client.owner.generations import Reach, places_of
from blindplate.client.owner.tables import entries, segments
from blindplate.core.domains import Epoch
from blindplate.core.errors import NotFoundError
from blindplate.core.statements.uploads import Manifest, Stage
from blindplate.psi.layout import declared
from blindplate.psi.mapping import place
from blindplate.psi.parameters import load_set


class SegmentState(StrEnum):
    """Uploading until the matcher has it all; superseded by a later base; lost when the matcher has it no longer."""

    UPLOADING = "uploading"
    LIVE = "live"
    SUPERSEDED = "superseded"
    LOST = "lost"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. ``secret`` is None once destroyed."""

    segment_id: bytes
    epoch_index: int
    epoch_ends: float
    number: int
    stage: Stage
    state: SegmentState
    secret: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Spread:
    """What a segment holds, and how it spreads it over bins: entries that versions first to last listed and that stood
    in version ``as_of``."""

    first_version: int
    last_version: int
    as_of: int
    bins: int
    degree: int
    parameter_set: str
    salt: bytes

    def bins_of(self, pseudonyms: Sequence[bytes]) -> NDArray[np.int64]:
        """The bin of each of ``pseudonyms`` (32 bytes each). Raises MessageError."""
        return place(pseudonyms, self.salt, self.bins, load_set(self.parameter_set).plain_modulus).bins

    def bin_of(self, slot: int) -> int:
        """The bin that owns ``slot``. Raises InputError if none does."""
        return declared(self.bins, self.degree, load_set(self.parameter_set)).bin_of(slot)


def find_segment(connection: Connection, segment_id: bytes) -> Segment | None:
    """The segment of that id, if it is one of ours."""
    row = connection.execute(select(segments).where(segments.c.segment_id == segment_id)).mappings().first()
    return None if row is None else _segment(row)


def spread_of(connection: Connection, segment_id: bytes) -> Spread:
    """How the segment of that id is spread. Raises NotFoundError when it is none of ours."""
    chosen = select(segments).where(segments.c.segment_id == segment_id)
    row = connection.execute(chosen).mappings().first()
    if row is None:
        raise NotFoundError(
            "The upload that a hit came by is not known here.", "Restore the owner's database."
        )
    return Spread(**{name: row[name] for name in Spread.__dataclass_fields__})


def in_states(connection: Connection, *states: SegmentState) -> list[Segment]:
    """Every segment in one of ``states``, oldest epoch first."""
    chosen = (
        select(segments)
        .where(segments.c.state.in_(states))
        .order_by(segments.c.epoch_index, segments.c.made_at)
    )
    return [_segment(row) for row in connection.execute(chosen).mappings()]


def current_in(connection: Connection, reach: Reach, stage: Stage) -> list[Covering]:
    """The segments of an epoch and stage that no base has succeeded, the base first."""
    chosen = select(segments).where(_live(reach.epoch.index, stage)).order_by(segments.c.number)
    return [
        Covering(row.first_version, row.last_version, row.as_of, row.matches_from, places_of(row.scope))
        for row in connection.execute(chosen)
        if reach.has_cut(row.scope)
    ]


def next_delta(connection: Connection, epoch: Epoch, stage: Stage) -> int:
    """The number of the next delta of an epoch and stage that has a base."""
    chosen = select(func.max(segments.c.number)).where(_live(epoch.index, stage))
    highest: int = connection.execute(chosen).scalar_one()
    return highest + 1


def capacity_used(connection: Connection, epoch: Epoch, stage: Stage) -> int:
    """Bins times degree, summed over the segments that a delta would add to."""
    chosen = select(func.sum(segments.c.bins * segments.c.degree)).where(_live(epoch.index, stage))
    return connection.execute(chosen).scalar() or 0


def start_upload(
    connection: Connection,
    due: Due,
    segment_id: bytes,
    manifest: Manifest,
    *,
    scope: str,
    as_of: int,
    secret: bytes,
) -> Segment:
    """Remember a segment, its key included, before it is sent."""
    row = {
        "segment_id": segment_id,
        "scope": scope,
        "epoch_index": due.epoch.index,
        "epoch_ends": due.epoch.end(),
        "stage": manifest.stage,
        "number": manifest.number,
        "first_version": due.first_version,
        "last_version": due.last_version,
        "as_of": as_of,
        "matches_from": due.matches_from,
        "bins": manifest.bins,
        "degree": manifest.degree,
        "parameter_set": manifest.parameter_set,
        "salt": manifest.salt,
        "state": SegmentState.UPLOADING,
        "secret": secret,
        "made_at": manifest.made_at,
    }
    connection.execute(insert(segments).values(row))
    return _segment(row)


def finish_upload(connection: Connection, segment: Segment) -> None:
    """The matcher has it: it is live, and a base succeeds whatever was live in its epoch and stage."""
    if segment.number == 0:
        before = _live(segment.epoch_index, segment.stage)
        connection.execute(update(segments).where(before).values(state=SegmentState.SUPERSEDED))
    key = segments.c.segment_id == segment.segment_id
    connection.execute(update(segments).where(key).values(state=SegmentState.LIVE))


def lose(connection: Connection, segment: Segment) -> None:
    """The matcher has it not: an upload that failed, or else all of its epoch and stage is to be uploaded anew."""
    key = segments.c.segment_id == segment.segment_id
    if segment.state is not SegmentState.UPLOADING:
        key = _live(segment.epoch_index, segment.stage)
    connection.execute(update(segments).where(key).values(state=SegmentState.LOST))


def destroy_ended(connection: Connection, now: float, hold_seconds: int) -> int:
    """Destroy the keys of segments whose epoch has been over for ``hold_seconds``. Gives how many."""
    over = (segments.c.epoch_ends <= now - hold_seconds, segments.c.state != SegmentState.ENDED)
    return connection.execute(
        update(segments).where(*over).values(state=SegmentState.ENDED, secret=None)
    ).rowcount


def removals(connection: Connection) -> list[Removal]:
    """Which version removed entries of which."""
    chosen = select(entries.c.listed_version, entries.c.removed_version).distinct()
    rows = connection.execute(chosen.where(entries.c.removed_version.is_not(None)))
    return [Removal(row.listed_version, row.removed_version) for row in rows]


def _live(epoch_index: int, stage: Stage) -> ColumnElement[bool]:
    return and_(
        segments.c.epoch_index == epoch_index,
        segments.c.stage == stage,
        segments.c.state == SegmentState.LIVE,
    )


def _segment(row: Mapping[Any, Any]) -> Segment:
    return Segment(
        segment_id=row["segment_id"],
        epoch_index=row["epoch_index"],
        epoch_ends=row["epoch_ends"],
        number=row["number"],
        stage=Stage(row["stage"]),
        state=SegmentState(row["state"]),
        secret=row["secret"],
    )
