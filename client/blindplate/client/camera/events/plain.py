"""The project's own event format: one JSON object a line. Specified in docs/spec/camera.md.

``{"plate": "...", "captured_at": "2026-03-01T08:15:30.250Z", "country": "GB", "confidence": 0.97}`` is enough;
everything but plate and captured_at may be left out.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from blindplate.client.camera.events.event import MAX_CANDIDATES, ReadEvent, Vehicle, patch_from_base64
from blindplate.client.camera.events.multipart import open_message
from blindplate.client.camera.events.shape import (
    Fraction,
    Instant,
    PlateText,
    Shape,
    ShortText,
    parse_shape,
)
from blindplate.core.records.media import MAX_MEDIA

# One step of a path, and no hidden one: what lies beside the event, and nothing else.
_FileName = Annotated[str, Field(pattern=r"^[^/\\\x00.][^/\\\x00]*$", max_length=255)]


class _Candidate(Shape):
    plate: PlateText
    confidence: Fraction | None = None


class _Vehicle(Shape):
    make: ShortText = ""
    model: ShortText = ""
    colour: ShortText = ""


class _Plain(Shape):
    plate: PlateText
    captured_at: Instant
    country: ShortText | None = None
    confidence: Fraction | None = None
    candidates: tuple[_Candidate, ...] = ()
    character_confidences: tuple[Fraction, ...] = ()
    direction: ShortText = ""
    plate_patch: str | None = None
    vehicle: _Vehicle = _Vehicle()
    media: Annotated[tuple[_FileName, ...], Field(max_length=MAX_MEDIA)] = ()


def parse(raw: bytes) -> list[ReadEvent]:
    """The one event of a line, or of a multipart body. Raises EventError."""
    event = parse_shape(_Plain, open_message(raw, "plain").document, "plain")
    patch, left_out = patch_from_base64(event.plate_patch)
    return [
        ReadEvent(
            text=event.plate,
            captured_at=event.captured_at.timestamp(),
            country=event.country,
            candidates=tuple((one.plate, one.confidence) for one in event.candidates[:MAX_CANDIDATES]),
            char_confidences=event.character_confidences,
            confidence=event.confidence,
            direction=event.direction,
            patch=patch,
            patch_left_out=left_out,
            vehicle=Vehicle(event.vehicle.make, event.vehicle.model, event.vehicle.colour),
            media_files=event.media,
        )
    ]
