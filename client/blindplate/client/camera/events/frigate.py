"""Events of Frigate: what it publishes as ``frigate/tracked_object_update``, of type ``lpr``.

Frigate says the same plate again as often as it is surer of it: ``id`` is the pass. Faces, descriptions and
classifications on the same topic are no events, and the name that Frigate gives a known plate is dropped unread. It
publishes all its cameras on one topic: ``engine_camera`` of the settings says which one is this.
"""

from __future__ import annotations

from typing import Final

from blindplate.client.camera.events.event import ReadEvent
from blindplate.client.camera.events.shape import (
    Fraction,
    NameOrNumber,
    PlateText,
    Seconds,
    Shape,
    ShortText,
    parse_shape,
)

_SOURCE: Final = "Frigate"


class _Kind(Shape):
    type: ShortText


class _Update(Shape):
    plate: PlateText | None = None
    score: Fraction | None = None
    camera: NameOrNumber = ""
    timestamp: Seconds
    id: NameOrNumber = ""


def parse(raw: bytes) -> list[ReadEvent]:
    """The event of one update, or none when it is not of a plate. Raises EventError."""
    if parse_shape(_Kind, raw, _SOURCE).type != "lpr":
        return []
    update = parse_shape(_Update, raw, _SOURCE)
    if update.plate is None:
        return []
    return [
        ReadEvent(
            text=update.plate,
            captured_at=update.timestamp,
            confidence=update.score,
            pass_id=update.id,
            engine_camera=update.camera,
        )
    ]
