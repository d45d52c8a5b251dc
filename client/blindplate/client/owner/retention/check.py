"""The owner's check of itself: does anything outlive its time?

Guarantees that it looks for itself: at every record's own header, every file, the database's free pages and its log, and not at
what the erasing went by. It reads only, and tells numbers and ages, never which. What lies outside the owner's folder, and
what disk, file system and backups keep, it cannot see. Specified in docs/spec/owner.md section 8.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, select

from blindplate.client.owner.retention.files import evidence_files, hit_of
from blindplate.client.owner.retention.tables import holds
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import hits
from blindplate.core.errors import StorageError
from blindplate.core.records.record import SealedRecord
from blindplate.core.retention import evidence_due
from blindplate.edge.free_pages import remains

# A round of erasure comes every hour, and one may fail.
TOLERANCE_SECONDS: Final = 2 * 3600.0
# A log that somebody reads is moved into the file in part, which then does not hold together for a moment.
_LOOKS: Final = 5


class Place(StrEnum):
    """Where something could outlive its time."""

    HITS = "hits"
    ROWS = "rows"
    FILES = "files"
    FREE_PAGES = "free-pages"
    LOG = "write-ahead-log"


@dataclass(frozen=True, slots=True)
class Checked:
    """A place, how many things were looked at, how many of them are overdue, and by how many seconds the oldest is."""

    place: Place
    looked_at: int
    overdue: int
    oldest_seconds: float


def check(session: Session, *, emptied: bool) -> tuple[Checked, ...]:
    """Look everywhere; ``emptied`` says whether the log was cut to nothing after the last erasure. Raises StorageError."""
    with session.store.reading() as connection:
        ages = _hit_ages(connection, session)
        standing = set(connection.execute(select(hits.c.hit_id)).scalars())
        orphans = len(connection.exec_driver_sql("PRAGMA foreign_key_check").all())
    found = list(evidence_files(session.store.folder))
    files = [
        session.now() - path.stat().st_mtime
        for path in found
        if path.exists() and hit_of(path) not in standing
    ]
    pages = _free_pages(session)
    return (
        _aged(Place.HITS, len(standing), ages),
        Checked(Place.ROWS, len(standing), orphans, 0.0),
        _aged(Place.FILES, len(found), files),
        Checked(Place.FREE_PAGES, 1, pages, 0.0),
        Checked(Place.LOG, 1, int(not emptied), 0.0),
    )


def _free_pages(session: Session) -> int:
    """How many freed pages of the database are not empty, once nothing is being moved into it. Raises StorageError."""
    for _ in range(_LOOKS):
        session.store.empty_log()
        with suppress(StorageError), session.store.writing():
            return remains(session.store.path)
    return remains(session.store.path)


def _aged(place: Place, looked_at: int, ages: Iterable[float]) -> Checked:
    overdue = [age for age in ages if age > TOLERANCE_SECONDS]
    return Checked(place, looked_at, len(overdue), max(overdue, default=0.0))


def _hit_ages(connection: Connection, session: Session) -> list[float]:
    """How long every hit is past its time, those under a hold that stands left out; negative where it is not."""
    now, history = session.now(), session.history
    held = select(holds.c.hit_id).where(holds.c.until > now)
    records = connection.execute(select(hits.c.record).where(hits.c.hit_id.not_in(held))).scalars()
    captured = (SealedRecord.from_bytes(one).header.capture_time_ms / 1000 for one in records)
    return [now - evidence_due(history, moment, now) for moment in captured]
