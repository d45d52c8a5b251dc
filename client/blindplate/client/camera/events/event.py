"""One ANPR event in the one form the camera works with, whatever engine it came from.

Guarantees that printing or logging an event shows nothing an engine wrote, and that a patch made here has no metadata.
Holds what a list's disclosure policy may name, and what tells passes and cameras apart; nothing else: engines also
send faces, seat belts, phones and wide images, and adapters drop those unread. Whether the text is a plate is decided
later. Protocol sections 2 and 4.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from blindplate.client.camera.events.pictures import bare_picture

if TYPE_CHECKING:
    from blindplate.client.camera.media.store import KeptMedia

# With the rest of a payload this stays inside the largest padded size.
MAX_PATCH_BYTES: Final = 48 << 10
MAX_CANDIDATES: Final = 16


@dataclass(frozen=True, slots=True)
class PlatePatch:
    """A small image of the plate, JPEG or PNG, at most 48 KiB. Made by ``plate_patch``."""

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
    ``pass_id`` is what the engine calls the vehicle's pass, ``engine_camera`` what it calls the camera; empty where it
    does not say. Neither leaves this process. ``media_files`` are the names of files that lie beside the event;
    ``media`` what was sealed of them, or of whatever else came with it.
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
    pass_id: str = field(default="", repr=False)
    engine_camera: str = field(default="", repr=False)
    media_files: tuple[str, ...] = field(default=(), repr=False)
    media: tuple[KeptMedia, ...] = field(default=(), repr=False)


def plate_patch(content: bytes) -> tuple[PlatePatch | None, bool]:
    """The patch of an event, without metadata, and whether there was an image that had to be left out.

    One that is too large or neither JPEG nor PNG costs the read its image, not the read. No bytes: no image.
    """
    if not content:
        return None, False
    bare = bare_picture(content)
    if bare is None or len(bare[0]) > MAX_PATCH_BYTES:
        return None, True
    return PlatePatch(*bare), False


def patch_from_base64(encoded: str | None) -> tuple[PlatePatch | None, bool]:
    """As ``plate_patch``, of an image in base64; line breaks in it do not count."""
    if not encoded:
        return None, False
    try:
        content = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return None, True
    return plate_patch(content)


def image_heading(degrees: float | None) -> str:
    """How engines tell direction: an angle in the picture, not on the compass. Empty when not told."""
    return "" if degrees is None else f"{degrees:.0f} degrees in the image"
