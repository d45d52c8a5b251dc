"""Events of AXIS License Plate Verifier: its JSON, alone or in a multipart body with pictures.

``new`` and ``update`` are read, in the second in which a hit is useful; ``lost`` comes ten seconds later and tells
nothing new. ``carID`` is the pass. Numbers come as texts. File names and addresses of images, which hold the plate,
pictures of the vehicle, coordinates, lists and serial numbers are dropped unread.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field

from blindplate.client.camera.events.event import ReadEvent, Vehicle, patch_from_base64
from blindplate.client.camera.events.multipart import open_message
from blindplate.client.camera.events.shape import (
    Fraction,
    Milliseconds,
    NameOrNumber,
    PlateText,
    Shape,
    ShortText,
    parse_shape,
)

_SOURCE: Final = "Axis"


class _Vehicle(Shape):
    brand: ShortText = ""
    make: ShortText = ""
    model: ShortText = ""
    color: ShortText = ""


class _Picture(Shape):
    ImageType: ShortText = ""
    BinaryImage: str = Field(default="", repr=False)


class _State(Shape):
    carState: ShortText = "new"  # noqa: N815  the engine's name, told in a refusal


class _Event(Shape):
    plateUTF8: PlateText | None = None  # noqa: N815
    plateASCII: PlateText | None = None  # noqa: N815
    plateCountry: ShortText = ""  # noqa: N815
    plateConfidence: Fraction | None = None  # noqa: N815
    capture_timestamp: Milliseconds
    carID: NameOrNumber = ""  # noqa: N815
    carMoveDirection: ShortText = ""  # noqa: N815
    sensorProviderID: NameOrNumber = ""  # noqa: N815
    vehicle_info: _Vehicle = _Vehicle()
    ImageArray: tuple[_Picture, ...] = ()


def parse(raw: bytes) -> list[ReadEvent]:
    """The event of one message, or none when the vehicle was lost or its plate not read. Raises EventError."""
    document = open_message(raw, _SOURCE).document
    if parse_shape(_State, document, _SOURCE).carState.lower() == "lost":
        return []
    event = parse_shape(_Event, document, _SOURCE)
    text = event.plateUTF8 or event.plateASCII
    if text is None:
        return []
    of_plate = (one.BinaryImage for one in event.ImageArray if one.ImageType.lower() == "plate")
    patch, left_out = patch_from_base64(next(of_plate, None))
    vehicle = event.vehicle_info
    return [
        ReadEvent(
            text=text,
            captured_at=event.capture_timestamp / 1000,
            country=event.plateCountry or None,
            confidence=event.plateConfidence,
            direction="" if event.carMoveDirection.lower() in ("unk", "unknown") else event.carMoveDirection,
            patch=patch,
            patch_left_out=left_out,
            vehicle=Vehicle(vehicle.brand or vehicle.make, vehicle.model, vehicle.color.lower()),
            pass_id=event.carID,
            engine_camera=event.sensorProviderID,
        )
    ]
