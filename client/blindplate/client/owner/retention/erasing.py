"""Erasing: every row and file of the hits whose time is over, for good.

Guarantees that a hit goes with everything that came of it, that each is counted once for its day however often the work is
broken off, and that rows go before files, so that what is broken off is finished by the next round. What was
copied out of the owner's folder, notices among it, is its owner's business. Specified in docs/spec/owner.md section 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, delete, func, select, tuple_
from sqlalchemy.dialects.sqlite import insert as upsert

from blindplate.client.owner.charging.tables import charges, notices
from blindplate.client.owner.retention.due import due_hits
from blindplate.client.owner.retention.files import destroy_files
from blindplate.client.owner.retention.tables import erased_evidence, holds
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import hits, outcomes, replies, requests, reveals
from blindplate.core.records.record import SealedRecord

# Each block of so many is one transaction: a daemon that takes answers must not wait long.
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Erased:
    """What one round erased; ``emptied`` says whether the database's log holds nothing of it any more."""

    hits: int
    files: int
    emptied: bool


def erase_due(session: Session) -> Erased:
    """Erase what is due now. Raises StorageError: what is left is erased by the next round."""
    erased = 0
    with session.store.erasing():
        while True:
            with session.store.writing() as connection:
                due = due_hits(connection, session.history, session.now())[:_AT_ONCE]
                _erase(connection, due, utc_day(session.now()))
            erased += len(due)
            if len(due) < _AT_ONCE:
                break
        with session.store.reading() as connection:
            standing = set(connection.execute(select(hits.c.hit_id)).scalars())
            last = _last_number(connection)
        files = destroy_files(session.store.folder, standing, last)
    return Erased(erased, files, session.store.empty_log())


def utc_day(moment: float) -> str:
    """The UTC day of a moment (seconds since 1970), as YYYY-MM-DD."""
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


def _erase(connection: Connection, due: list[int], day: str) -> None:
    if not due:
        return
    for zone, number in _released(connection, due).items():
        row = {"day": day, "zone": zone, "erased": number}
        more = {"erased": erased_evidence.c.erased + number}
        connection.execute(
            upsert(erased_evidence)
            .values(row)
            .on_conflict_do_update(index_elements=["day", "zone"], set_=more)
        )
    asked = select(requests.c.request_id).where(requests.c.hit_id.in_(due))
    for table in (replies, outcomes):
        connection.execute(delete(table).where(table.c.request_id.in_(asked)))
    charged = select(charges.c.day, charges.c.plate).where(charges.c.hit_id.in_(due))
    connection.execute(delete(notices).where(tuple_(notices.c.day, notices.c.plate).in_(charged)))
    for table in (requests, reveals, charges, holds, hits):
        connection.execute(delete(table).where(table.c.hit_id.in_(due)))


def _released(connection: Connection, due: list[int]) -> dict[str, int]:
    """How many of these hits were released evidence, by zone."""
    found: dict[str, int] = {}
    chosen = select(hits.c.record).join(reveals, reveals.c.hit_id == hits.c.hit_id)
    for record in connection.execute(chosen.where(hits.c.hit_id.in_(due))).scalars():
        zone = SealedRecord.from_bytes(record).header.domain.zone
        found[zone] = found.get(zone, 0) + 1
    return found


def _last_number(connection: Connection) -> int:
    """The highest number that a hit was ever given: one being fetched or shown for a new hit is not looked at."""
    given = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'hits'").scalar()
    highest = connection.execute(select(func.max(hits.c.hit_id))).scalar()
    return max(given or 0, highest or 0)
