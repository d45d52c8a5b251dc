"""What is kept of cameras' signs of life. Every function runs inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from blindplate.server.matcher.cameras.judging import CameraAlarm
from blindplate.server.matcher.cameras.tables import camera_hours, cameras
from blindplate.server.matcher.cameras.usual import MEMORY_HOURS, Hour


@dataclass(frozen=True, slots=True)
class Seen:
    """A camera's last sign of life, and what is wrong with it since when (seconds since 1970, UTC)."""

    identity: str
    seen_at: float
    alarm: CameraAlarm
    since: float


def everything(connection: Connection) -> dict[str, Seen]:
    """What is known of each camera, by its SPIFFE id."""
    rows = connection.execute(select(cameras))
    return {row.identity: Seen(row.identity, row.seen_at, CameraAlarm(row.alarm), row.since) for row in rows}


def put(connection: Connection, seen: Iterable[Seen]) -> None:
    """Remember these in place of what was known of them."""
    for one in seen:
        row = {"seen_at": one.seen_at, "alarm": one.alarm.value, "since": one.since}
        known = connection.execute(update(cameras).where(cameras.c.identity == one.identity).values(row))
        if known.rowcount == 0:
            connection.execute(insert(cameras).values(identity=one.identity, **row))


def count(connection: Connection, identity: str, counted: Iterable[Hour], *, learnt: bool) -> None:
    """Add to a camera's hours; one that had an alarm once stays unlearnt. Those beyond memory go."""
    for one in counted:
        key = (camera_hours.c.identity == identity, camera_hours.c.hour == one.hour)
        known = connection.execute(
            update(camera_hours)
            .where(*key)
            .values(
                seconds=camera_hours.c.seconds + one.seconds,
                passes=camera_hours.c.passes + one.passes,
                **({} if learnt else {"learnt": False}),
            )
        )
        if known.rowcount == 0:
            row = {"hour": one.hour, "seconds": one.seconds, "passes": one.passes, "learnt": learnt}
            connection.execute(insert(camera_hours).values(identity=identity, **row))
            old = (camera_hours.c.identity == identity, camera_hours.c.hour < one.hour - MEMORY_HOURS)
            connection.execute(delete(camera_hours).where(*old))


def history(connection: Connection, identity: str) -> list[Hour]:
    """A camera's hours to learn from, in order."""
    chosen = select(camera_hours).where(camera_hours.c.identity == identity, camera_hours.c.learnt)
    rows = connection.execute(chosen.order_by(camera_hours.c.hour))
    return [Hour(row.hour, row.seconds, row.passes) for row in rows]


def forget(connection: Connection, identities: Iterable[str]) -> None:
    """Keep nothing more of these cameras."""
    for identity in identities:
        for table in (cameras, camera_hours):
            connection.execute(delete(table).where(table.c.identity == identity))
