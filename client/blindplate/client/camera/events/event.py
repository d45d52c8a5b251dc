"""One ANPR event in the one form the camera works with, whatever engine it came from.

Guarantees that printing or logging an event shows nothing an engine wrote. Holds what a list's disclosure policy may
name and nothing else: engines also send faces, seat belts, phones and wide images, and adapters drop those unread.
Whether the text is a plate is decided later. Protocol sections 2 and 4.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final

# With the rest of a payload this stays inside the largest padded size.
MAX_PATCH_BYTES: Final = 48 << 10
MAX_CANDIDATES: Final = 16
_SIGNATURES: Final = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))


@dataclass(frozen=True, slots=True)
class PlatePatch:
    """A small image of the plate, JPEG or PNG, at most 48 KiB."""

    content: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, slots=True)
class Vehicle:
    """What the engine thinks of the vehicle; empty where it does not say."""

    make: str = field(default="", repr=False)
    model: str = field(default="", repr=False)
    colour: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """One event. ``captured_at`` is in seconds since 1970 (UTC); confidences are from 0 to 1.

    ``text`` is the plate as the engine wrote it, ``country`` what it calls the country. ``candidates`` are its other
    texts with their confidences; ``char_confidences`` has one for each character of ``text``, or is empty.
    ``patch_left_out`` says that the event had an image of the plate that cannot travel with a record.
    """

    text: str = field(repr=False)
    captured_at: float
    country: str | None = field(default=None, repr=False)
    candidates: tuple[tuple[str, float | None], ...] = field(default=(), repr=False)
    char_confidences: tuple[float, ...] = field(default=(), repr=False)
    confidence: float | None = None
    direction: str = field(default="", repr=False)
    patch: PlatePatch | None = field(default=None, repr=False)
    patch_left_out: bool = False
    vehicle: Vehicle = field(default_factory=Vehicle, repr=False)


def patch_from_base64(encoded: str | None) -> tuple[PlatePatch | None, bool]:
    """The patch of an event, and whether there was one that had to be left out.

    An image that is too large or neither JPEG nor PNG costs the read its image, not the read.
    """
    if not encoded:
        return None, False
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None, True
    media_type = next((kind for start, kind in _SIGNATURES if content.startswith(start)), None)
    if media_type is None or len(content) > MAX_PATCH_BYTES:
        return None, True
    return PlatePatch(content, media_type), False


def image_heading(degrees: float | None) -> str:
    """How engines tell direction: an angle in the picture, not on the compass. Empty when not told."""
    return "" if degrees is None else f"{degrees:.0f} degrees in the image"
