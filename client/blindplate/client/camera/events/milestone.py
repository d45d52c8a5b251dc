"""Events for Milestone XProtect: the ``AnalyticsEvent`` XML that analytics send to its event server.

An object's ``Value`` is a plate where the object or the event says so by its type, name or message (``plate``,
``LPR``, ``ANPR``): other analytics put other things there, a person's name among them. ``CustomTag`` is the country,
as XProtect LPR has it. Descriptions, outlines, snapshots, rules and vendors are dropped unread.
"""

from __future__ import annotations

import math
from typing import Final

from blindplate.client.camera.events.event import ReadEvent
from blindplate.client.camera.events.shape import (
    Instant,
    NameOrNumber,
    PlateText,
    Shape,
    ShortText,
    parse_texts,
)
from blindplate.client.camera.events.xml import Element, parse_xml
from blindplate.core.errors import EventError
from blindplate.core.plates import country_code

_SOURCE: Final = "Milestone"
_NAMED: Final = ("Type", "Name", "Message")
_MEANS_PLATE: Final = ("plate", "lpr", "anpr")


class _Source(Shape):
    Name: NameOrNumber = ""


class _Header(Shape):
    Timestamp: Instant
    CustomTag: ShortText = ""
    Source: _Source = _Source()


class _Object(Shape):
    Value: PlateText


_FIELDS: Final = frozenset({*_NAMED, "Timestamp", "CustomTag", "Value", "Confidence"})


def parse(raw: bytes) -> list[ReadEvent]:
    """One event a plate among the objects; none when there is none. Raises EventError."""
    root = parse_xml(raw, _FIELDS, _SOURCE)
    if root.name != "AnalyticsEvent":
        raise EventError("A Milestone message is no AnalyticsEvent.", "Send the analytics event format.")
    head = root.child("EventHeader")
    plates = [
        one
        for one in root.child("ObjectList").children
        if one.child("Value").text and (_means_plate(one) or _means_plate(head))
    ]
    if not plates:
        return []
    told = {name: text for name, text in head.texts().items() if name in ("Timestamp", "CustomTag")}
    header = parse_texts(_Header, {**told, "Source": head.child("Source").texts()}, _SOURCE)
    return [_event(parse_texts(_Object, one.texts(), _SOURCE), one, header) for one in plates]


def _event(read: _Object, element: Element, header: _Header) -> ReadEvent:
    return ReadEvent(
        text=read.Value,
        captured_at=header.Timestamp.timestamp(),
        # A tag is anybody's to use: what names no country says nothing of one.
        country=country_code(header.CustomTag),
        confidence=_fraction(element.child("Confidence").text),
        engine_camera=header.Source.Name,
    )


def _means_plate(element: Element) -> bool:
    said = " ".join(element.child(name).text for name in _NAMED).lower()
    return any(word in said for word in _MEANS_PLATE)


def _fraction(text: str) -> float | None:
    """A confidence from 0 to 1; vendors that count in percent or without bound are left out."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and 0 <= number <= 1 else None
