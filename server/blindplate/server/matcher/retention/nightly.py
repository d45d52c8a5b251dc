"""Once a UTC day is over: the check, and the matcher's statement of the day, queued for the ledger.

Guarantees that of every day since the counts began one statement is queued, in order and once, whatever is killed: it is
queued in the transaction that marks the day as stated, and nothing is counted for that day any more. Days missed while
the matcher was stopped are stated at its next start, with the check of then. Protocol section 7, guarantee G7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from blindplate.core.signing import SigningKey
from blindplate.core.statements.erasures import Erasures, Looked
from blindplate.edge.logs import log
from blindplate.server.matcher import counts_store, outbox
from blindplate.server.matcher.metrics import RETENTION_OVERDUE
from blindplate.server.matcher.retention.check import DATABASE, look
from blindplate.server.matcher.retention.log_watch import LogWatch
from blindplate.server.matcher.retention.seen import agreed
from blindplate.server.matcher.storage import Database


@dataclass(slots=True)
class Nightly:
    """For the keeper's thread. ``data`` is the matcher's folder, ``tolerance`` in seconds."""

    database: Database
    data: Path
    signer: SigningKey
    tolerance: float
    _watch: LogWatch = field(init=False)
    # What the first look saw, where that has to be looked at again.
    _first: tuple[Looked, ...] = ()

    def __post_init__(self) -> None:
        self._watch = LogWatch(self.data / DATABASE)

    def step(self, now: float) -> None:
        """Do what is due at ``now``: once a second, after everything else. Raises StorageError."""
        self._watch.look(now)
        today = datetime.fromtimestamp(now, UTC).date().isoformat()
        with self.database.read() as connection:
            due = counts_store.unstated(connection, today)
        if not due:
            return
        places = look(self.data, self._watch, now, self.tolerance)
        if self._first:
            places = agreed(self._first, places)
        elif any(one.overdue for one in places):
            # Something may have gone while it was looked at. The next round comes after another erasure.
            self._first = places
            return
        self._first = ()
        self._tell(places)
        for day in due:
            parts = self.database.write(lambda connection: self._state(connection, day, places, int(now)))  # noqa: B023  run before the next turn
            log().info("day-stated", day=day, parts=parts)

    def _tell(self, places: Sequence[Looked]) -> None:
        for one in places:
            RETENTION_OVERDUE.labels(one.place).set(one.overdue)
            if one.overdue:
                log().error(
                    "retention-overdue", place=one.place, found=one.overdue, oldest_seconds=one.oldest_seconds
                )

    def _state(self, connection: Connection, day: str, places: Sequence[Looked], now: int) -> int:
        counted = counts_store.state(connection, day)
        whole = Erasures(
            since=counted.since,
            day=day,
            records=counted.records,
            places=tuple(places),
            checked_at=now,
            made_at=now,
        )
        parts = whole.split()
        for part in parts:
            outbox.put(connection, part.statement(self.signer))
        return len(parts)
