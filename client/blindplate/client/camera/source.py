"""Events as lines of a file or of standard input.

Guarantees that no line longer than 8 MiB is held in memory, and that waiting for input can be ended. A line is
neither remembered nor acknowledged: what had not been sealed when the process dies has to be sent again by whoever
feeds it. Following a file notices that it was cut short, not that another took its name.
"""

from __future__ import annotations

import io
import os
import select
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from blindplate.client.camera.feed import MAX_MESSAGE_BYTES, Feed
from blindplate.edge.logs import log

_CHUNK_BYTES: Final = 1 << 16
_POLL_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Line:
    """One line by its number, from 1. Of one that is too long, just enough to be seen as that."""

    number: int
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StreamSource:
    """A stream of lines. With ``follow``, its end is where more is waited for."""

    stream: BinaryIO
    follow: bool = False

    @property
    def can_wait(self) -> bool:
        """A file waits; a pipe that is not read would stop the engine that writes into it."""
        try:
            regular = stat.S_ISREG(os.fstat(self.stream.fileno()).st_mode)
        except io.UnsupportedOperation:
            regular = True
        return regular and not self.follow

    def run(self, feed: Feed, stop: threading.Event) -> None:
        """Hand every line to ``feed`` until the stream ends or ``stop`` is set."""
        for line in lines(self.stream, stop, follow=self.follow):
            for error in feed.take(line.content).failures:
                log().warning("event-refused", line=line.number, code=error.code, what=error.what)
            if self.can_wait:
                feed.wait_for_room(stop)


def lines(stream: BinaryIO, stop: threading.Event, *, follow: bool = False) -> Iterator[Line]:
    """The non-empty lines of ``stream`` until it ends or ``stop`` is set.

    With ``follow`` an end is where more is waited for, and a last line without its newline is not yet a line.
    """
    number, held = 0, bytearray()
    for chunk in _chunks(stream, stop, follow=follow):
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            number += 1
            _extend(held, part)
            if held.strip():
                yield Line(number, bytes(held))
            held.clear()
        _extend(held, rest)
    if held.strip() and not (stop.is_set() or follow):
        yield Line(number + 1, bytes(held))


def _extend(held: bytearray, part: bytes) -> None:
    held += part[: MAX_MESSAGE_BYTES + 1 - len(held)]


def _chunks(stream: BinaryIO, stop: threading.Event, *, follow: bool) -> Iterator[bytes]:
    try:
        descriptor = stream.fileno()
    except io.UnsupportedOperation:
        yield from iter(lambda: stream.read(_CHUNK_BYTES), b"")
        return
    while not stop.is_set():
        # Read past Python's buffer: a thread that waits inside it cannot be ended, and takes the process down with it.
        if not select.select([descriptor], [], [], _POLL_SECONDS)[0]:
            continue
        chunk = os.read(descriptor, _CHUNK_BYTES)
        if chunk:
            yield chunk
        elif not follow:
            return
        else:
            stop.wait(_POLL_SECONDS)
            _rewind_if_cut(descriptor)


def _rewind_if_cut(descriptor: int) -> None:
    try:
        if os.fstat(descriptor).st_size < os.lseek(descriptor, 0, os.SEEK_CUR):
            os.lseek(descriptor, 0, os.SEEK_SET)
    except OSError:
        # A pipe has no position.
        return
