"""Where every source hands its messages in: parse, make reads, put them where they wait to be sealed.

Guarantees that one bad message or event stops no other, and that each is counted. Safe to use from several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from blindplate.client.camera.backlog import Backlog, Ticket
from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.events import Parse, ReadEvent
from blindplate.client.camera.media.attachments import Attachments
from blindplate.client.camera.policy import PolicyFile
from blindplate.client.camera.reads import CameraRead, Reader
from blindplate.core.errors import EventError, InputError, PlateError
from blindplate.edge.clock import Clock

# An event with its pictures; all but the plate's own are dropped as soon as it is parsed.
MAX_MESSAGE_BYTES: Final = 8 << 20
_MAX_EVENTS: Final = 64


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one message: the reads that now wait to be sealed, and what was wrong with the rest.

    ``files`` are those the message named, which lie beside it and are of no more use than it is.
    """

    tickets: tuple[Ticket, ...]
    failures: tuple[InputError, ...]
    files: tuple[Path, ...] = ()


class Feed:
    """The way in."""

    def __init__(
        self,
        parse: Parse,
        reader: Reader,
        backlog: Backlog,
        policy: PolicyFile,
        clock: Clock,
        counts: Counts,
        engine_camera: str | None = None,
        media: Attachments | None = None,
    ) -> None:
        """``engine_camera``: what the engine calls this camera; where given, events of others are left alone.

        ``media`` takes what else comes with events; without, it is left alone.
        """
        self._parse = parse
        self._reader = reader
        self._backlog = backlog
        self._policy = policy
        self._clock = clock
        self._counts = counts
        self._engine_camera = engine_camera
        self._media = media
        self._lock = threading.Lock()

    @property
    def message_bytes(self) -> int:
        """How long a message may be, with the media that the settings have it bring."""
        return MAX_MESSAGE_BYTES + (self._media.message_bytes if self._media else 0)

    def take(self, message: bytes, folder: Path | None = None, beside: Sequence[Path] = ()) -> Taken:
        """Take one message's events. Whatever was wrong with it is counted and returned, not raised.

        Files ``beside`` it are its event's media, as are those that it names in ``folder``: to be removed by who gave
        that, with the message. Without ``folder`` they are where the settings say, and removed here.
        """
        try:
            events, parts = self._parsed(message)
        except EventError as error:
            self._counts.add(Counted.BAD_EVENTS)
            return Taken((), (error,))
        tickets: list[Ticket] = []
        failures: list[InputError] = []
        named = [path for event in events for path in self._named(event, folder)]
        with self._lock:
            for event in events:
                try:
                    reads = self._reader.reads(event, self._clock.now())
                except (EventError, PlateError) as error:
                    failures.append(error)
                    continue
                if reads:
                    # Whose of several they are, nobody says.
                    alone = (parts, beside) if len(events) == 1 else ((), ())
                    reads = self._with_media(reads, self._named(event, folder), *alone)
                    tickets.append(self._backlog.add(reads, self._policy.list_ids()))
                else:
                    # Its pass was read before, perhaps by this same message sent twice: then what has to become
                    # durable is a read that is in memory already, if it is not durable by now.
                    tickets.append(self._backlog.everything())
        if self._media is not None and len(events) > 1:
            self._media.leave_out(len(beside) + len(parts))
        if folder is None:
            for path in named:
                with suppress(OSError):
                    path.unlink()
        return Taken(tuple(tickets), tuple(failures), tuple(named))

    def _parsed(self, message: bytes) -> tuple[Sequence[ReadEvent], Sequence[bytes]]:
        document, parts = self._media.split(message) if self._media else (message, ())
        if len(message) > self.message_bytes or len(document) > MAX_MESSAGE_BYTES:
            raise EventError(
                "An event is longer than 8 MiB.", "Have the engine send no images but the plate's."
            )
        events = self._ours(self._parse(document))
        if len(events) > _MAX_EVENTS:
            raise EventError("A message holds more than 64 events.", "Send fewer in one message.")
        return events, parts

    def _with_media(
        self,
        reads: Sequence[CameraRead],
        named: Sequence[Path],
        parts: Sequence[bytes],
        beside: Sequence[Path],
    ) -> list[CameraRead]:
        """The reads of one event, with what came with it sealed: once, for the plate and its alternates alike."""
        if self._media is None:
            return list(reads)
        # A file beside an event may also be one that it names.
        contents = [*parts, *self._media.read(dict.fromkeys((*named, *beside)))]
        kept = self._media.keep(contents, reads[0].event.captured_at)
        return [replace(read, event=replace(read.event, media=kept)) for read in reads]

    def _named(self, event: ReadEvent, folder: Path | None) -> list[Path]:
        return [] if self._media is None else self._media.in_folder(event.media_files, folder)

    def _ours(self, events: Sequence[ReadEvent]) -> Sequence[ReadEvent]:
        if self._engine_camera is None:
            return events
        ours = [event for event in events if event.engine_camera == self._engine_camera]
        self._counts.add(Counted.OTHER_CAMERA, len(events) - len(ours))
        return ours

    def settled(self, taken: Sequence[Taken], seconds: float) -> bool:
        """Whether all that was taken is durable, sealed on this disk; waits for it ``seconds`` at most."""
        return self._backlog.settled([ticket for one in taken for ticket in one.tickets], seconds)

    def left(self, taken: Sequence[Taken], seconds: float) -> bool:
        """Whether all that was taken has left memory; waits for it ``seconds`` at most.

        Of a source that can wait it is then durable, or of a list that the policy no longer names, and counted as lost.
        """
        return self._backlog.left([ticket for one in taken for ticket in one.tickets], seconds)

    def has_room(self) -> bool:
        """Whether what was taken has been worked off far enough to take more."""
        return self._backlog.has_room()

    def wait_for_room(self, stop: threading.Event) -> None:
        """Wait until what was taken has been worked off far enough. For sources that can wait."""
        self._backlog.wait_for_room(stop)
