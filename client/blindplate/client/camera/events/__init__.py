"""What engines send, and the one form it is brought into. Formats are known by name; anybody may add one."""

from __future__ import annotations

from blindplate.client.camera.events.event import PlatePatch, ReadEvent, Vehicle, plate_patch
from blindplate.client.camera.events.formats import Parse, known_formats, parser_of

__all__ = ["Parse", "PlatePatch", "ReadEvent", "Vehicle", "known_formats", "parser_of", "plate_patch"]
