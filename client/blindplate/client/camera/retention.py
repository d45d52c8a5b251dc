"""The camera's check of itself, at its start and once a UTC day: does anything sealed here outlive its time?

Guarantees that it looks for itself: at every record's own header, at the files' own times and the databases' free pages, and that
it tells numbers and ages alone. It reads only. A record that waits longer than any window is told of and not erased: a clock
that runs ahead must not cost what the matcher would still take. Guarantee G7; docs/spec/camera.md section 11.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from blindplate.client.camera.media.store import MediaStore
from blindplate.client.camera.spool import Spool
from blindplate.core.errors import StorageError
from blindplate.core.records.wire import Wire
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log

# Files bear ends rounded to ten minutes; a sweep comes every minute at least.
TOLERANCE_SECONDS: Final = 1_800.0
LOOK_SECONDS: Final = 60.0
_AT_ONCE: Final = 500


class Place(StrEnum):
    """Where something could outlive its time."""

    SPOOL = "spool"
    SPOOL_FREE_PAGES = "spool-free-pages"
    MEDIA = "media"
    MEDIA_FREE_PAGES = "media-free-pages"


@dataclass(frozen=True, slots=True)
class Checked:
    """A place, how many things were looked at, how many of them are overdue, and by how many seconds the oldest is."""

    place: Place
    looked_at: int
    overdue: int
    oldest_seconds: float = 0.0


class RetentionCheck:
    """For one thread. ``longest_seconds`` is the longest that any record may wait for the matcher."""

    def __init__(self, spool: Spool, media: MediaStore, longest_seconds: float, clock: Clock) -> None:
        self._spool = spool
        self._media = media
        self._longest_seconds = longest_seconds
        self._clock = clock
        self._day = ""

    def run(self, stop: threading.Event) -> None:
        """Look every minute whether it is time, until ``stop`` is set."""
        while not stop.is_set():
            self.daily()
            stop.wait(LOOK_SECONDS)

    def daily(self) -> None:
        """Check if it was not done today (UTC); one that the disk refuses is made again by the next call."""
        now = self._clock.now()
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        if day == self._day:
            return
        try:
            found = self.check(now)
        except StorageError as error:
            log().warning("retention-unchecked", error=error)
            return
        for one in found:
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
        return (
            _aged(Place.SPOOL, (now - end for end in self._spooled())),
            Checked(Place.SPOOL_FREE_PAGES, 1, self._spool.remains()),
            _aged(Place.MEDIA, (now - end for end in self._media.ends())),
            Checked(Place.MEDIA_FREE_PAGES, 1, self._media.remains()),
        )

    def _spooled(self) -> Iterator[float]:
        """By when each spooled record should have been taken or refused at the latest."""
        after = -1
        while some := self._spool.after(after, _AT_ONCE):
            for one in some:
                header = Wire.from_bytes(one.wire).record.header
                captured = (header.capture_time_ms + header.time_granularity_ms) / 1000
                yield captured + self._longest_seconds
            after = some[-1].number


def _aged(place: Place, ages: Iterable[float]) -> Checked:
    found = list(ages)
    overdue = [age for age in found if age > TOLERANCE_SECONDS]
    return Checked(place, len(found), len(overdue), max(overdue, default=0.0))
