"""A multipart/form-data body in its parts, as engines push an event together with its pictures.

Guarantees bounds on parts and their headers; the whole is bounded by whoever received it. The boundary is taken from
the body's first line, where RFC 2046 (section 5.1.1) has it stand, so that a body that was saved as a file can be read
too. Of a part's headers its name, file name and type are looked at, to tell the event from pictures; nothing of them
is kept or quoted. Nested multiparts are not opened, and transfer encodings, which RFC 7578 gives up, are not undone.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from blindplate.core.errors import EventError

_MAX_PARTS: Final = 16
_MAX_HEADERS: Final = 8
_MAX_HEADER_BYTES: Final = 1024
# RFC 2046, section 5.1.1.
_MAX_BOUNDARY_BYTES: Final = 70

# The library warns of what it cannot parse, and quotes characters of it.
_library_log = logging.getLogger("python_multipart")
_library_log.addHandler(logging.NullHandler())
_library_log.propagate = False


@dataclass(slots=True)
class Part:
    """One part: its name and what its file calls itself, in lower case, its type and its content."""

    form_name: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    media_type: str = field(default="", repr=False)
    content: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def is_picture(self) -> bool:
        """Whether it says that it is an image."""
        return self.media_type.startswith("image/") or self.name.endswith((".jpg", ".jpeg", ".png"))

    @property
    def is_recording(self) -> bool:
        """Whether it says that it is film or sound."""
        return self.media_type.startswith(("video/", "audio/"))


@dataclass(frozen=True, slots=True)
class Message:
    """The event's own document, and the pictures that came with it."""

    document: bytes = field(repr=False)
    pictures: tuple[Part, ...] = field(default=(), repr=False)


def open_message(raw: bytes, source: str) -> Message:
    """The document of a message: ``raw`` itself or, where that is multipart, its first part that is no picture.

    Raises EventError when a multipart body is malformed, has no such part or more parts than 16.
    """
    if not raw.startswith(b"--"):
        return Message(raw)
    parts = _parts(raw, source)
    document = next((part for part in parts if not part.is_picture and not part.is_recording), None)
    if document is None:
        raise EventError(
            f"A {source} message has pictures and no event.",
            "Have the engine send events, not pictures alone.",
        )
    return Message(bytes(document.content), tuple(part for part in parts if part.is_picture))


def take_out(raw: bytes, names: Collection[str]) -> tuple[bytes, list[bytes]]:
    """A multipart body without the parts that bear one of ``names``, in whatever case, and what was in these.

    Raises EventError when it is malformed.
    """
    wanted = {name.lower() for name in names}
    parts = _parts(raw, "pushed")
    # What stands between two delimiters is a part; before the first there is nothing.
    delimiter = b"\r\n--" + _boundary(raw)
    _, *pieces, end = (b"\r\n" + raw).split(delimiter)
    if len(pieces) != len(parts):
        raise EventError(
            "A pushed message has a line in it that begins as its boundary does.",
            "Have the engine choose another boundary.",
        )
    kept = [piece for piece, part in zip(pieces, parts, strict=True) if part.form_name not in wanted]
    taken = [bytes(part.content) for part in parts if part.form_name in wanted]
    return delimiter.join((b"", *kept, end))[2:], taken


def _parts(raw: bytes, source: str) -> list[Part]:
    boundary = _boundary(raw)
    reading = _Reading()
    try:
        if not boundary:
            raise FormParserError
        parser = MultipartParser(
            boundary,
            callbacks={
                "on_part_begin": reading.begin,
                "on_header_field": reading.header_field,
                "on_header_value": reading.header_value,
                "on_header_end": reading.end_header,
                "on_part_data": reading.data,
                "on_end": reading.end,
            },
            max_header_count=_MAX_HEADERS,
            max_header_size=_MAX_HEADER_BYTES,
        )
        parser.write(raw)
        parser.finalize()
        if not reading.ended:
            raise FormParserError
    except (FormParserError, UnicodeError):
        raise EventError(
            f"The multipart body of a {source} message is malformed, or has more than {_MAX_PARTS} parts.",
            "Have the engine send multipart/form-data with few parts, or the event alone.",
        ) from None
    return reading.parts


def _boundary(raw: bytes) -> bytes:
    """As the body's first line has it; empty when that is none."""
    return raw[2 : raw.find(b"\r\n")].rstrip(b" \t") if b"\r\n" in raw[: _MAX_BOUNDARY_BYTES + 4] else b""


class _Reading:
    """What the parser's callbacks put together."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._field = bytearray()
        self._value = bytearray()

    def begin(self) -> None:
        if len(self.parts) == _MAX_PARTS:
            raise FormParserError
        self.parts.append(Part())

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def end_header(self) -> None:
        name, value = bytes(self._field).lower(), bytes(self._value)
        self._field, self._value = bytearray(), bytearray()
        if name == b"content-disposition":
            options = parse_options_header(value)[1]
            named = options.get(b"name") or b""
            self.parts[-1].form_name = named.decode("utf-8", "replace").lower()
            self.parts[-1].name = (options.get(b"filename") or named).decode("utf-8", "replace").lower()
        elif name == b"content-type":
            self.parts[-1].media_type = value.decode("latin-1").partition(";")[0].strip().lower()

    def data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].content += data[start:end]

    def end(self) -> None:
        self.ended = True
