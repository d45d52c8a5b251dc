"""The custodian's check of itself, once a UTC day: does any key, request or answer outlive its time?

Guarantees that it looks for itself: at the files of keys and their announcements, the requests' own columns, the database's
free pages and its log, and not at what the keeper went by. It reads only, destroys nothing, and tells numbers and
ages, never which. Legal holds are none of its business: no key is kept for one. Guarantee G7; docs/spec/release.md
section 8.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from prometheus_client import Gauge
from sqlalchemy import Engine, func, select

from blindplate.core.errors import StorageError
from blindplate.core.statements.announced_keys import ReleaseKey
from blindplate.edge.free_pages import remains
from blindplate.edge.keyfiles import read_statement
from blindplate.edge.logs import log
from blindplate.server.custodian.decision import State
from blindplate.server.custodian.storage import reading, truncate_log, writing
from blindplate.server.custodian.tables import CANDIDATES, REQUESTS

# The keeper destroys within a second; a disk that fails it for a while is told of where it happens.
TOLERANCE_SECONDS: Final = 900.0
OVERDUE: Final = Gauge(
    "blindplate_custodian_overdue", "What the last daily check found past its time.", ["place"]
)
_AGAIN_SECONDS: Final = 60.0
_DAY_SECONDS: Final = 86_400
# So many days after the first of any month is in the next one.
_LONGEST_MONTH_DAYS: Final = 31


class Place(StrEnum):
    """Where something could outlive its time."""

    RELEASE_KEYS = "release-keys"
    SUBJECT_KEYS = "subject-keys"
    REQUESTS = "requests"
    CANDIDATES = "candidates"
    REPLIES = "replies"
    FREE_PAGES = "free-pages"
    LOG = "write-ahead-log"


@dataclass(frozen=True, slots=True)
class Checked:
    """A place, how many things were looked at, how many of them are overdue, and by how many seconds the oldest is."""

    place: Place
    looked_at: int
    overdue: int
    oldest_seconds: float = 0.0


class RetentionCheck:
    """One custodian's check; for the keeper's thread.

    ``data`` is its folder, ``remains`` is set while its database's log may hold what was erased.
    """

    def __init__(
        self, data: Path, engine: Engine, remains: threading.Event, subject_retention_days: int
    ) -> None:
        self._data = data
        self._engine = engine
        self._remains = remains
        self._subject_seconds = subject_retention_days * _DAY_SECONDS
        self._day = ""
        self._not_before = 0.0
        self._emptied_at: float | None = None

    def daily(self, now: float) -> None:
        """Check, once for every UTC day that is over and once at the start; one that fails is made again a minute later."""
        if self._emptied_at is None or not self._remains.is_set():
            self._emptied_at = now
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        if day == self._day or now < self._not_before:
            return
        try:
            found = self.check(now)
        except StorageError as error:
            # It must keep nothing else from being done, the start of the process above all.
            log().warning("retention-unchecked", error=error)
            self._not_before = now + _AGAIN_SECONDS
            return
        for one in found:
            OVERDUE.labels(one.place).set(one.overdue)
            if one.overdue:
                log().error(
                    "retention-overdue",
                    place=one.place,
                    found=one.overdue,
                    oldest_seconds=round(one.oldest_seconds),
                )
        self._day = day

    def check(self, now: float) -> tuple[Checked, ...]:
        """Look everywhere. Raises StorageError."""
        ends = self._ends()
        unemptied = 0.0 if self._emptied_at is None else now - self._emptied_at
        return (
            self._release_keys(now, ends),
            self._subject_keys(now),
            *self._rows(now, ends),
            Checked(Place.FREE_PAGES, 1, self._free_pages()),
            Checked(Place.LOG, 1, int(unemptied > TOLERANCE_SECONDS), unemptied),
        )

    def _ends(self) -> dict[str, int]:
        """When every release key that was ever announced is to be destroyed, by its name."""
        statements = {path.stem: read_statement(path) for path in self._release_folder.glob("*.json")}
        return {name: ReleaseKey.parsed(one.payload).destroyed_at for name, one in statements.items()}

    def _release_keys(self, now: float, ends: dict[str, int]) -> Checked:
        files = [path for path in self._release_folder.glob("*") if path.suffix != ".json"]
        # One that was never announced, or half written, belongs to no key that could be in use.
        ages = [now - ends.get(path.stem, path.stat().st_mtime) for path in files if path.exists()]
        return _aged(Place.RELEASE_KEYS, len(files), ages)

    def _subject_keys(self, now: float) -> Checked:
        files = list((self._data / "subject-keys").glob("*"))
        return _aged(
            Place.SUBJECT_KEYS,
            len(files),
            [now - _month_ends(path) - self._subject_seconds for path in files],
        )

    def _rows(self, now: float, ends: dict[str, int]) -> Iterable[Checked]:
        known = {bytes.fromhex(name): end for name, end in ends.items()}
        with reading(self._engine) as connection:
            total = connection.execute(select(func.count()).select_from(REQUESTS)).scalar_one()
            pending = select(REQUESTS.c.expires_at).where(REQUESTS.c.state == State.PENDING)
            expired = [now - moment for moment in connection.execute(pending).scalars()]
            decided = select(func.count()).select_from(CANDIDATES.join(REQUESTS))
            left = connection.execute(decided.where(REQUESTS.c.state != State.PENDING)).scalar_one()
            answers = select(REQUESTS.c.release_key_id).where(REQUESTS.c.sealed_reply.is_not(None))
            replies = [now - known.get(name, 0) for name in connection.execute(answers).scalars()]
        return (
            _aged(Place.REQUESTS, total, expired),
            Checked(Place.CANDIDATES, total, left),
            _aged(Place.REPLIES, len(replies), replies),
        )

    def _free_pages(self) -> int:
        # A log that was moved in part leaves a file that does not hold together; while it is looked at nothing is moved.
        with suppress(StorageError):
            truncate_log(self._engine)
        with writing(self._engine):
            return remains(Path(self._engine.url.database or ""))

    @property
    def _release_folder(self) -> Path:
        return self._data / "release-keys"


def _aged(place: Place, looked_at: int, ages: Iterable[float]) -> Checked:
    overdue = [age for age in ages if age > TOLERANCE_SECONDS]
    return Checked(place, looked_at, len(overdue), max(overdue, default=0.0))


def _month_ends(path: Path) -> float:
    """The first moment after the month a key's file is named after; of any other file, when it was written."""
    try:
        first = datetime.strptime(path.stem, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        return path.stat().st_mtime
    later = first.timestamp() + _LONGEST_MONTH_DAYS * _DAY_SECONDS
    return datetime.fromtimestamp(later, UTC).replace(day=1).timestamp()
