"""What a camera is told about larger media."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from blindplate.core.records.media import MAX_MEDIA_BYTES
from blindplate.core.statements.model import Part, Text


class MediaSettings(Part):
    """``media_parts`` names the parts of a pushed multipart message that are media of its event.

    ``media_folder`` is where the files lie that events name, unless the events lie in a folder themselves; keep either in
    memory (tmpfs). ``media_bytes`` bounds one medium, ``media_limit_bytes`` all that are kept, sealed: the oldest make
    room. ``media_poll_seconds`` is how often the matcher is asked what it wants.
    """

    media_parts: tuple[Text, ...] = ()
    media_folder: Path | None = None
    media_bytes: Annotated[int, Field(ge=1, le=MAX_MEDIA_BYTES)] = 32 << 20
    media_limit_bytes: Annotated[int, Field(ge=0)] = 8 << 30
    media_poll_seconds: Annotated[float, Field(gt=0, le=3600)] = 5.0
