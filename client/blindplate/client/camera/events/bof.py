"""Captures for a UK back office facility (BOF): one, or a compound of at most 50, with or without its SOAP envelope.

Every element with a ``vrm`` in it is a capture. Signature and user name, which are credentials and are not checked
here, the overview picture, position, preset, pan, tilt and zoom are dropped unread. A compound is taken or refused as
a whole: whoever sent it can only repeat it as a whole.
"""

from __future__ import annotations

from typing import Final

from blindplate.client.camera.events.event import ReadEvent, patch_from_base64
from blindplate.client.camera.events.shape import (
    Instant,
    NameOrNumber,
    Percent,
    PlateText,
    Shape,
    parse_texts,
)
from blindplate.client.camera.events.xml import parse_xml
from blindplate.core.errors import EventError

_SOURCE: Final = "BOF"
_MAX_CAPTURES: Final = 50
_DIRECTIONS: Final = {None: "", True: "towards", False: "away"}


class _Capture(Shape):
    vrm: PlateText
    captureDate: Instant  # noqa: N815  the interface's name, told in a refusal
    feedID: NameOrNumber = ""  # noqa: N815
    sourceID: NameOrNumber = ""  # noqa: N815
    cameraID: NameOrNumber = ""  # noqa: N815
    confidencePercentage: Percent | None = None  # noqa: N815
    motionTowardCamera: bool | None = None  # noqa: N815
    plateImage: str = ""  # noqa: N815


_FIELDS: Final = frozenset(_Capture.model_fields)


def parse(raw: bytes) -> list[ReadEvent]:
    """One event a capture. Raises EventError."""
    root = parse_xml(raw, _FIELDS, _SOURCE)
    captures = [element for element in root.walk() if any(child.name == "vrm" for child in element.children)]
    if not 1 <= len(captures) <= _MAX_CAPTURES:
        raise EventError(
            f"A BOF message has no capture, or more than {_MAX_CAPTURES}.", "Send 1 to 50 of them."
        )
    return [_event(parse_texts(_Capture, element.texts(), _SOURCE)) for element in captures]


def _event(capture: _Capture) -> ReadEvent:
    patch, left_out = patch_from_base64(capture.plateImage)
    return ReadEvent(
        text=capture.vrm,
        captured_at=capture.captureDate.timestamp(),
        confidence=None if capture.confidencePercentage is None else capture.confidencePercentage / 100,
        direction=_DIRECTIONS[capture.motionTowardCamera],
        patch=patch,
        patch_left_out=left_out,
        # A camera's number is unique within its source alone.
        engine_camera=f"{capture.feedID}/{capture.sourceID}/{capture.cameraID}",
    )
