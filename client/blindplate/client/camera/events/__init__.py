"""What engines send, and the one form it is brought into.

A new engine is one module with ``parse(raw: bytes) -> list[ReadEvent]`` and one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from blindplate.client.camera.events import openalpr, plain, platerecognizer
from blindplate.client.camera.events.event import PlatePatch, ReadEvent, Vehicle

__all__ = ["EventFormat", "Parse", "PlatePatch", "ReadEvent", "Vehicle", "parser_of"]

Parse = Callable[[bytes], list[ReadEvent]]


class EventFormat(StrEnum):
    """The formats a camera reads."""

    PLAIN = "plain"
    OPENALPR = "openalpr"
    PLATERECOGNIZER = "platerecognizer"


_PARSERS: Final[dict[EventFormat, Parse]] = {
    EventFormat.PLAIN: plain.parse,
    EventFormat.OPENALPR: openalpr.parse,
    EventFormat.PLATERECOGNIZER: platerecognizer.parse,
}


def parser_of(event_format: EventFormat) -> Parse:
    """The parser of a format: from one message's bytes to its events. It raises EventError."""
    return _PARSERS[event_format]
