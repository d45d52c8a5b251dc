"""Events of an engine that writes ``2026-03-01T08:15:30Z;KT21ABC;GB;97;note``, one a line."""

from __future__ import annotations

from datetime import datetime

from blindplate.client.camera.events import ReadEvent


def parse(raw: bytes) -> list[ReadEvent]:
    """The one event of a line. The note is left where it is: only what is named here goes on."""
    moment, plate, country, percent, *_ = raw.decode("ascii").strip().split(";")
    return [
        ReadEvent(
            text=plate,
            captured_at=datetime.fromisoformat(moment).timestamp(),
            country=country or None,
            confidence=int(percent) / 100,
        )
    ]
