"""From events to reads: is the time right, is it a plate, was this pass seen already.

Guarantees that an event whose capture time lies ahead of the clock, or before any window that could still take it,
is refused as an EventError. An alternate spelling becomes a read of its own, flagged. Protocol section 2.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final

from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.events import ReadEvent
from blindplate.client.camera.passes import Passes
from blindplate.core.errors import EventError, PlateError
from blindplate.core.plates import DEFAULT_RULES, AlternateRules, read_plates

MAX_AHEAD_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class CameraRead:
    """One plate at one time. ``plate`` is its encoding, ``tag`` what it is called in this process's memory."""

    plate: bytes = field(repr=False)
    tag: bytes = field(repr=False)
    capture_time_ms: int
    alternate: bool
    event: ReadEvent


class PlateTags:
    """Names for plates and passes that mean nothing outside this process: HMAC-SHA256 under a key drawn at start.

    A memory image holds the key too; what this keeps out is a dump of a table alone.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def of(self, plate: bytes) -> bytes:
        """The 32-byte name of a plate encoding."""
        return hmac.digest(self._key, plate, "sha256")

    def of_pass(self, event: ReadEvent) -> bytes:
        """The name of the pass an engine says an event belongs to, which may hold a plate; empty where it does not."""
        if not event.pass_id:
            return b""
        # A plate's encoding is never compared with this: the two are looked up in different places.
        told = f"{event.engine_camera}\0{event.pass_id}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, told, "sha256")


class Reader:
    """Turns events into reads. Not safe to use from several threads."""

    def __init__(
        self,
        passes: Passes,
        country: str | None,
        oldest_seconds: float,
        counts: Counts,
        rules: AlternateRules = DEFAULT_RULES,
    ) -> None:
        """``country`` is taken where an event names none; ``oldest_seconds`` is how old an event may be."""
        self._rules = rules
        self._passes = passes
        self._country = country
        self._oldest_seconds = oldest_seconds
        self._counts = counts
        self._tags = PlateTags()

    def reads(self, event: ReadEvent, now: float) -> list[CameraRead]:
        """The new reads of one event at ``now`` (seconds since 1970, UTC): none when its pass was seen already.

        Raises EventError for a capture time that cannot be right, PlateError for a text that is no plate.
        """
        self._counts.add(Counted.EVENTS)
        self._check_time(event, now)
        try:
            reading = read_plates(
                event.text,
                event.country or self._country,
                event.candidates,
                event.char_confidences,
                self._rules,
            )
        except PlateError:
            self._counts.add(Counted.NO_PLATE)
            raise
        if event.patch_left_out:
            self._counts.add(Counted.PATCHES_LEFT_OUT)
        found = [(reading.primary, False), *((other, True) for other in reading.alternates)]
        reads = [self._read(plate.encode(), event, alternate=alternate) for plate, alternate in found]
        fresh = [
            read
            for read in reads
            if self._passes.is_new(
                read.tag, event.captured_at, alternate=read.alternate, pass_id=self._tags.of_pass(event)
            )
        ]
        self._counts.add(Counted.READS, len(fresh))
        self._counts.add(Counted.ALTERNATES, sum(read.alternate for read in fresh))
        self._counts.add(Counted.COLLAPSED, not fresh)
        return fresh

    def _read(self, plate: bytes, event: ReadEvent, *, alternate: bool) -> CameraRead:
        return CameraRead(plate, self._tags.of(plate), round(event.captured_at * 1000), alternate, event)

    def _check_time(self, event: ReadEvent, now: float) -> None:
        if event.captured_at > now + MAX_AHEAD_SECONDS:
            self._counts.add(Counted.WRONG_TIME)
            raise EventError(
                "An event's capture time is more than two minutes ahead of this machine's clock.",
                "Set both clocks by the same time server.",
            )
        if event.captured_at < now - self._oldest_seconds:
            self._counts.add(Counted.WRONG_TIME)
            raise EventError(
                "An event is older than any window that could still take it.",
                "Set the engine's clock, or raise oldest_event_seconds where a grant's window is longer.",
            )
