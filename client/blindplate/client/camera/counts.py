"""What a camera counts. Nothing is dropped, refused or left out without a number for it.

Numbers say nothing of any vehicle. They live in memory and go to the log.
"""

from __future__ import annotations

import threading
from collections import Counter
from enum import StrEnum


class Counted(StrEnum):
    """Events come in, reads are what remains of them, records are one a read and list."""

    EVENTS = "events"
    BAD_EVENTS = "bad-events"
    OTHER_CAMERA = "other-camera"
    NO_PLATE = "no-plate"
    WRONG_TIME = "wrong-time"
    PATCHES_LEFT_OUT = "patches-left-out"
    MEDIA = "media"
    MEDIA_LEFT_OUT = "media-left-out"
    COLLAPSED = "collapsed"
    READS = "reads"
    ALTERNATES = "alternates"
    LOST_FROM_MEMORY = "lost-from-memory"
    UNSEALABLE = "unsealable"
    SPOOLED = "spooled"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    HELD = "held"
    MEDIA_EVICTED = "media-evicted"
    MEDIA_DELIVERED = "media-delivered"
    MEDIA_REFUSED = "media-refused"


class Counts:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: Counter[Counted] = Counter()

    def add(self, what: Counted, number: int = 1) -> None:
        """Count ``number`` more."""
        with self._lock:
            self._numbers[what] += number

    def __getitem__(self, what: Counted) -> int:
        with self._lock:
            return self._numbers[what]

    def snapshot(self) -> dict[str, int]:
        """All numbers by name, for a log line."""
        with self._lock:
            return {what.value: self._numbers[what] for what in Counted}
