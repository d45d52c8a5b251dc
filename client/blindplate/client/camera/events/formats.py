"""The formats by name: this project's own, and those that other packages bring.

Guarantees that no other package takes the place of one of this project's own, or of another's. A new engine here is one
module with ``parse`` and one line in the table; elsewhere it is an entry point (docs/adapters.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from blindplate.client.camera.events import (
    axis,
    bof,
    fastalpr,
    frigate,
    genetec,
    hikvision,
    milestone,
    openalpr,
    plain,
    platerecognizer,
    plugins,
)
from blindplate.client.camera.events.event import ReadEvent
from blindplate.core.errors import SettingsError

# From one message's bytes to its events. Raises EventError, and nothing else.
Parse = Callable[[bytes], Sequence[ReadEvent]]

_OWN: Final[Mapping[str, Parse]] = MappingProxyType(
    {
        "plain": plain.parse,
        "axis": axis.parse,
        "bof": bof.parse,
        "fastalpr": fastalpr.parse,
        "frigate": frigate.parse,
        "genetec": genetec.parse,
        "hikvision": hikvision.parse,
        "milestone": milestone.parse,
        "openalpr": openalpr.parse,
        "platerecognizer": platerecognizer.parse,
    }
)


def known_formats() -> tuple[str, ...]:
    """The names of all formats: this project's own, then those of other installed packages."""
    return (*_OWN, *sorted(plugins.names() - set(_OWN)))


def parser_of(name: str) -> Parse:
    """The parser of a format. Raises SettingsError for a name that is unknown, ambiguous, or cannot be loaded."""
    own = _OWN.get(name)
    if own is not None:
        return own
    if name not in known_formats():
        raise SettingsError(
            "There is no event format of that name.", f"Choose one of {', '.join(known_formats())}."
        )
    return plugins.load(name)
