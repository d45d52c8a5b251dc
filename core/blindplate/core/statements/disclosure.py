"""Disclosure policies: which fields of a read a list's records may ever hold.

What a policy does not name is never sealed into a record, so no release can give it. Protocol section 4.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import Field

from blindplate.core.statements.model import Part


class DisclosedField(StrEnum):
    """A field of ``v1.Payload`` beyond the plate itself, which every payload holds.

    ``STILL``, ``CLIP`` and ``AUDIO`` are media that the camera keeps sealed until the record is claimed.
    """

    CAMERA = "camera"
    CAPTURE_TIME = "capture-time"
    PLACE = "place"
    DIRECTION = "direction"
    CONFIDENCE = "confidence"
    TEXT_AS_READ = "text-as-read"
    PLATE_PATCH = "plate-patch"
    VEHICLE = "vehicle"
    STILL = "still"
    CLIP = "clip"
    AUDIO = "audio"


# By the first half of a media type, the field a policy names it by.
_MEDIA: Final = MappingProxyType(
    {"image": DisclosedField.STILL, "video": DisclosedField.CLIP, "audio": DisclosedField.AUDIO}
)


class Disclosure(Part):
    """What records of one list disclose.

    ``time_granularity_seconds`` is how coarse the capture time in the open header is. Without the field ``camera``,
    neither header nor signature shows the camera to the matcher or owner. ``max_delay_seconds`` is how long a
    camera may hold a record back to shuffle it among others; 0 sends at once.
    """

    fields: frozenset[DisclosedField]
    time_granularity_seconds: Annotated[int, Field(ge=1, le=86_400)]
    max_delay_seconds: Annotated[int, Field(ge=0, le=3600)] = 0

    @property
    def camera_withheld(self) -> bool:
        """Whether records must not show which camera made them."""
        return DisclosedField.CAMERA not in self.fields

    @property
    def has_media(self) -> bool:
        """Whether records may disclose any media beyond the plate's patch."""
        return not self.fields.isdisjoint(_MEDIA.values())

    def discloses(self, media_type: str) -> bool:
        """Whether records may disclose media of this type: one of no known kind never."""
        return _MEDIA.get(media_type.partition("/")[0]) in self.fields
