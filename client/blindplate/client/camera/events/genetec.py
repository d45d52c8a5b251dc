"""Events of Genetec AutoVu: the XML of a SharpV's template, one read a file or POST.

The plate's picture is taken along; the context picture, positions, lanes, lists and users are dropped unread. Date and
time are the template's UTC fields: local ones tell no epoch.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import Final

from blindplate.client.camera.events.event import ReadEvent, patch_from_base64
from blindplate.client.camera.events.multipart import open_message
from blindplate.client.camera.events.shape import (
    NameOrNumber,
    Percent,
    PlateText,
    Shape,
    ShortText,
    parse_texts,
)
from blindplate.client.camera.events.xml import parse_xml
from blindplate.core.errors import EventError

_SOURCE: Final = "Genetec"
# The template's own form has colons in the date; others are common. The year first, or day and month would be a guess.
_DATE: Final = re.compile(r"(\d{4})[:/-](\d\d)[:/-](\d\d)", re.ASCII)
# Two letters are mostly a state or province of North America: CA is California, DE is Delaware.
_COUNTRIES_OF_TWO_LETTERS: Final = frozenset({"GB", "UK"})


class _Read(Shape):
    Plate: PlateText
    UTCDate: ShortText
    UTCTime: ShortText
    State: ShortText = ""
    ConfidenceScore: Percent | None = None
    RelativeMotion: ShortText = ""
    CameraName: NameOrNumber = ""
    PlateImage: str = ""


_FIELDS: Final = frozenset(_Read.model_fields)


def parse(raw: bytes) -> list[ReadEvent]:
    """The event of one read. Raises EventError."""
    root = parse_xml(open_message(raw, _SOURCE).document, _FIELDS, _SOURCE)
    read = parse_texts(_Read, root.texts(), _SOURCE)
    patch, left_out = patch_from_base64(read.PlateImage)
    return [
        ReadEvent(
            text=read.Plate,
            captured_at=_moment(read.UTCDate, read.UTCTime),
            country=_country(read.State),
            confidence=None if read.ConfidenceScore is None else read.ConfidenceScore / 100,
            direction="" if read.RelativeMotion == "-" else read.RelativeMotion,
            patch=patch,
            patch_left_out=left_out,
            engine_camera=read.CameraName,
        )
    ]


def _moment(date: str, time: str) -> float:
    found = _DATE.fullmatch(date)
    if found is not None:
        with suppress(ValueError):
            return datetime.fromisoformat(f"{'-'.join(found.groups())}T{time}+00:00").timestamp()
    raise EventError(
        "A Genetec event has missing or wrong fields: UTCDate, UTCTime.",
        "Write them in the template as yyyy-MM-dd and HH:mm:ss.fff.",
    )


def _country(state: str) -> str | None:
    named = len(state) > 2 or state.upper() in _COUNTRIES_OF_TWO_LETTERS
    return state if named else None
