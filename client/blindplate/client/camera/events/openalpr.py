"""Events of OpenALPR and Rekor Scout: ``alpr_group`` (one vehicle's pass) and ``alpr_results`` (one frame).

Confidences come as percentages. Positions, agents, image names and vehicle years are dropped unread.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from blindplate.client.camera.events.event import (
    MAX_CANDIDATES,
    ReadEvent,
    Vehicle,
    image_heading,
    patch_from_base64,
)
from blindplate.client.camera.events.shape import (
    Degrees,
    Milliseconds,
    NameOrNumber,
    Percent,
    PlateText,
    Shape,
    ShortText,
    parse_shape,
)
from blindplate.core.plates import country_code


class _Candidate(Shape):
    plate: PlateText
    confidence: Percent | None = None


class _Plate(Shape):
    plate: PlateText
    confidence: Percent | None = None
    region: ShortText = ""
    plate_crop_jpeg: str | None = None
    candidates: tuple[_Candidate, ...] = ()


class _Guess(Shape):
    name: ShortText


class _Vehicle(Shape):
    color: tuple[_Guess, ...] = ()
    make: tuple[_Guess, ...] = ()
    make_model: tuple[_Guess, ...] = ()


class _Kind(Shape):
    data_type: Literal["alpr_group", "alpr_results"]


class _Group(Shape):
    camera_id: NameOrNumber = ""
    epoch_start: Milliseconds
    best_plate: _Plate
    best_confidence: Percent | None = None
    country: ShortText = ""
    candidates: tuple[_Candidate, ...] = ()
    travel_direction: Degrees | None = None
    vehicle: _Vehicle = _Vehicle()


class _Results(Shape):
    camera_id: NameOrNumber = ""
    epoch_time: Milliseconds
    country: ShortText = ""
    results: tuple[_Plate, ...] = Field(max_length=64)


def parse(raw: bytes) -> list[ReadEvent]:
    """The events of one message: one for a group, one a plate for a frame. Raises EventError."""
    if parse_shape(_Kind, raw, "OpenALPR").data_type == "alpr_group":
        return [_of_group(parse_shape(_Group, raw, "OpenALPR"))]
    frame = parse_shape(_Results, raw, "OpenALPR")
    return [
        _event(plate, frame.epoch_time, frame, plate.candidates, plate.confidence) for plate in frame.results
    ]


def _of_group(group: _Group) -> ReadEvent:
    best = group.best_plate
    confidence = best.confidence if group.best_confidence is None else group.best_confidence
    candidates = group.candidates or best.candidates
    return _event(
        best, group.epoch_start, group, candidates, confidence, group.travel_direction, group.vehicle
    )


def _event(
    plate: _Plate,
    epoch_ms: int,
    message: _Group | _Results,
    candidates: tuple[_Candidate, ...],
    confidence: float | None,
    direction: float | None = None,
    vehicle: _Vehicle | None = None,
) -> ReadEvent:
    patch, left_out = patch_from_base64(plate.plate_crop_jpeg)
    return ReadEvent(
        text=plate.plate,
        captured_at=epoch_ms / 1000,
        country=_country(message.country, plate.region),
        # The engine repeats its best plate among the candidates.
        candidates=tuple(
            (one.plate, _fraction(one.confidence)) for one in candidates if one.plate != plate.plate
        )[:MAX_CANDIDATES],
        confidence=_fraction(confidence),
        direction=image_heading(direction),
        patch=patch,
        patch_left_out=left_out,
        vehicle=_vehicle(vehicle) if vehicle else Vehicle(),
        engine_camera=message.camera_id,
    )


def _country(country: str, region: str) -> str | None:
    """``country`` may only name a set of recognition patterns (``eu``); then the region tells.

    A bare region without a country is not used: ``ca`` is California in one set, Canada in another.
    """
    of_country = country_code(country)
    if of_country is not None:
        return of_country
    return country_code(region) if country.lower() == "eu" or "-" in region else None


def _vehicle(vehicle: _Vehicle) -> Vehicle:
    make, model, colour = (
        guesses[0].name if guesses else "" for guesses in (vehicle.make, vehicle.make_model, vehicle.color)
    )
    return Vehicle(make, model.removeprefix(f"{make}_"), colour)


def _fraction(percent: float | None) -> float | None:
    return None if percent is None else percent / 100
