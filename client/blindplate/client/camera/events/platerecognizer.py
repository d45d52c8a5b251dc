"""Events of Plate Recognizer: the JSON of its webhook, alone or in a multipart body, one event a result.

Pictures, file name, boxes and orientation are dropped unread. A result without a plate is a vehicle whose plate was not
seen: no read.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field

from blindplate.client.camera.events.event import MAX_CANDIDATES, ReadEvent, Vehicle, image_heading
from blindplate.client.camera.events.multipart import open_message
from blindplate.client.camera.events.shape import (
    Degrees,
    Fraction,
    Instant,
    NameOrNumber,
    PlateText,
    Shape,
    ShortText,
    parse_shape,
)

_SOURCE: Final = "Plate Recognizer"


class _Region(Shape):
    code: ShortText = ""


class _Candidate(Shape):
    plate: PlateText
    score: Fraction | None = None


class _Colour(Shape):
    color: ShortText


class _Model(Shape):
    make: ShortText = ""
    model: ShortText = ""


class _Result(Shape):
    plate: PlateText | None = None
    score: Fraction | None = None
    region: _Region = _Region()
    candidates: tuple[_Candidate, ...] = ()
    direction: Degrees | None = None
    color: tuple[_Colour, ...] = ()
    model_make: tuple[_Model, ...] = ()


class _Data(Shape):
    camera_id: NameOrNumber = ""
    timestamp: Instant
    results: tuple[_Result, ...] = Field(max_length=64)


class _Webhook(Shape):
    data: _Data


def parse(raw: bytes) -> list[ReadEvent]:
    """One event for each result with a plate. Raises EventError."""
    data = parse_shape(_Webhook, open_message(raw, _SOURCE).document, _SOURCE).data
    return [_event(result, result.plate, data) for result in data.results if result.plate is not None]


def _event(result: _Result, plate: str, data: _Data) -> ReadEvent:
    model = result.model_make[0] if result.model_make else _Model()
    return ReadEvent(
        text=plate,
        captured_at=data.timestamp.timestamp(),
        country=result.region.code or None,
        # The engine repeats its best plate among the candidates.
        candidates=tuple((one.plate, one.score) for one in result.candidates if one.plate != plate)[
            :MAX_CANDIDATES
        ],
        confidence=result.score,
        direction=image_heading(result.direction),
        vehicle=Vehicle(model.make, model.model, result.color[0].color if result.color else ""),
        engine_camera=data.camera_id,
    )
