"""Events of Hikvision cameras (ISAPI): ``EventNotificationAlert`` of type ANPR, alone or in a multipart body.

Only the plate's own picture is taken along. Seat belts, phones, masks, sun visors, the driver's picture, the scene,
file names, addresses and serial numbers are dropped unread. Other alerts (a lost picture, a heartbeat) and vehicles
whose plate was not read are no events. A camera that was not answered sends the same alert again, with the same time:
the pass it belongs to is then known.
"""

from __future__ import annotations

from typing import Final

from blindplate.client.camera.events.event import PlatePatch, ReadEvent, Vehicle, plate_patch
from blindplate.client.camera.events.multipart import Message, open_message
from blindplate.client.camera.events.shape import (
    Instant,
    NameOrNumber,
    Percent,
    PlateText,
    Shape,
    ShortText,
    parse_texts,
)
from blindplate.client.camera.events.xml import Element, parse_xml
from blindplate.core.errors import EventError

_SOURCE: Final = "Hikvision"
_PLATE_PICTURE: Final = "licenseplatepicture"
# What it writes where it saw a vehicle and no plate.
_NO_PLATE: Final = frozenset({"", "unknown", "noplate", "none"})
_PERCENTAGES: Final = frozenset(map(str, range(101)))


class _Plate(Shape):
    licensePlate: PlateText  # noqa: N815  the engine's name, told in a refusal
    country: ShortText = ""
    confidenceLevel: Percent | None = None  # noqa: N815
    plateCharBelieve: str = ""  # noqa: N815
    direction: ShortText = ""


class _Alert(Shape):
    dateTime: Instant  # noqa: N815
    channelID: NameOrNumber = ""  # noqa: N815
    ANPR: _Plate


_FIELDS: Final = frozenset({"eventType", "color", *_Alert.model_fields, *_Plate.model_fields})


def parse(raw: bytes) -> list[ReadEvent]:
    """The event of one alert, or none. Raises EventError."""
    message = open_message(raw, _SOURCE)
    root = parse_xml(message.document, _FIELDS, _SOURCE)
    if root.name != "EventNotificationAlert":
        raise EventError(
            "A Hikvision message is no EventNotificationAlert.", "Set the camera's alarm server."
        )
    anpr = root.child("ANPR")
    written = anpr.texts()
    if root.child("eventType").text.upper() != "ANPR" or _has_no_plate(written.get("licensePlate", "")):
        return []
    alert = parse_texts(_Alert, {**root.texts(), "ANPR": written}, _SOURCE)
    patch, left_out = _patch(message)
    plate = alert.ANPR
    return [
        ReadEvent(
            text=plate.licensePlate,
            captured_at=alert.dateTime.timestamp(),
            country=plate.country or None,
            char_confidences=_of_characters(plate.plateCharBelieve),
            confidence=None if plate.confidenceLevel is None else plate.confidenceLevel / 100,
            direction=_known(plate.direction),
            patch=patch,
            patch_left_out=left_out,
            vehicle=Vehicle(colour=_known(_colour(anpr))),
            engine_camera=alert.channelID,
        )
    ]


def _has_no_plate(text: str) -> bool:
    return "".join(text.lower().split()) in _NO_PLATE


def _colour(anpr: Element) -> str:
    return anpr.child("vehicleInfo").child("color").text[:64]


def _known(text: str) -> str:
    return "" if text.lower() == "unknown" else text


def _of_characters(believed: str) -> tuple[float, ...]:
    """``"99,99,61"`` as fractions; nothing when it is written in another way: it only helps to find alternates."""
    parts = [part.strip() for part in believed.split(",")]
    if len(parts) > 64 or not all(part in _PERCENTAGES for part in parts):
        return ()
    return tuple(int(part) / 100 for part in parts)


def _patch(message: Message) -> tuple[PlatePatch | None, bool]:
    of_plate = (part for part in message.pictures if _PLATE_PICTURE in part.name)
    return plate_patch(bytes(next((part.content for part in of_plate), b"")))
