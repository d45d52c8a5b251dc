"""Formats that other packages bring, as entry points of the group ``blindplate.event_formats``.

Guarantees that whatever such a parser does with a message costs that message alone: anything it raises and anything it
returns that is no list of well-formed events becomes an EventError that quotes nothing, and the pictures it returns
lose their metadata here. It is still code in the camera's process: it sees plates, and one that never returns holds up
whoever called it. Install only what you would run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from itertools import islice
from typing import Final, cast

from pydantic import ConfigDict, Field

from blindplate.client.camera.events.event import MAX_CANDIDATES, ReadEvent, Vehicle, plate_patch
from blindplate.client.camera.events.shape import Fraction, NameOrNumber, PlateText, Seconds, Shape, ShortText
from blindplate.core.errors import EventError, SettingsError

GROUP: Final = "blindplate.event_formats"
_MAX_EVENTS: Final = 1000
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def names() -> frozenset[str]:
    """The names that installed packages bring; those that are not small letters, digits and hyphens are left out."""
    return frozenset(point.name for point in entry_points(group=GROUP) if _NAME.fullmatch(point.name))


def load(name: str) -> Callable[[bytes], Sequence[ReadEvent]]:
    """The guarded parser of that name. Raises SettingsError when two packages bring it or it cannot be loaded."""
    points = list(entry_points(group=GROUP, name=name))
    if len(points) != 1:
        raise SettingsError(
            f"More than one package, or none, brings the event format {name}.", "Uninstall all but one."
        )
    try:
        parse = points[0].load()
    except BaseException as error:  # noqa: BLE001  whatever another's module raises while it is imported
        raise _unloadable(points[0], type(error).__name__) from None
    if not callable(parse):
        raise _unloadable(points[0], "not callable")
    return guarded(name, parse)


def guarded(name: str, parse: Callable[[bytes], object]) -> Callable[[bytes], Sequence[ReadEvent]]:
    """``parse`` of another package, which then raises EventError and nothing else, and returns nothing but events."""

    def parse_guarded(raw: bytes) -> list[ReadEvent]:
        try:
            # Inside, too: what is returned may be a generator, and an attribute of an event a property.
            return _events(parse(raw))
        except BaseException:  # noqa: BLE001  SystemExit from another's code would end the camera's thread unseen
            # Not even an EventError is passed on: its text is the adapter's and may hold what it read.
            raise EventError(
                f"The adapter for {name} did not make well-formed events of a message.",
                "Correct the engine's output settings, or report it to the adapter's makers.",
            ) from None

    return parse_guarded


class _Checked(Shape):
    """What a part of a well-formed event is made of. Read from attributes, and nothing turned into another type."""

    model_config = ConfigDict(from_attributes=True, strict=True)


class _CheckedVehicle(_Checked):
    make: ShortText
    model: ShortText
    colour: ShortText


class _CheckedPatch(_Checked):
    content: bytes


class _CheckedEvent(_Checked):
    text: PlateText
    captured_at: Seconds
    country: ShortText | None
    candidates: tuple[tuple[PlateText, Fraction | None], ...] = Field(max_length=MAX_CANDIDATES)
    char_confidences: tuple[Fraction, ...] = Field(max_length=64)
    confidence: Fraction | None
    direction: ShortText
    patch: _CheckedPatch | None
    patch_left_out: bool
    vehicle: _CheckedVehicle
    pass_id: NameOrNumber
    engine_camera: NameOrNumber


def _events(returned: object) -> list[ReadEvent]:
    if not isinstance(returned, Iterable):
        raise TypeError
    # Bounded, since it may be a generator; a list of more is refused by whoever takes the message.
    return [_checked(event) for event in islice(cast("Iterable[object]", returned), _MAX_EVENTS)]


def _checked(event: object) -> ReadEvent:
    """A new event of what was checked: what a subclass adds or overrides is not taken along."""
    if not isinstance(event, ReadEvent):
        raise TypeError
    checked = _CheckedEvent.model_validate(event)
    patch, left_out = plate_patch(b"" if checked.patch is None else checked.patch.content)
    return ReadEvent(
        text=checked.text,
        captured_at=checked.captured_at,
        country=checked.country,
        candidates=checked.candidates,
        char_confidences=checked.char_confidences,
        confidence=checked.confidence,
        direction=checked.direction,
        patch=patch,
        patch_left_out=left_out or checked.patch_left_out,
        vehicle=Vehicle(checked.vehicle.make, checked.vehicle.model, checked.vehicle.colour),
        pass_id=checked.pass_id,
        engine_camera=checked.engine_camera,
    )


def _unloadable(point: EntryPoint, why: str) -> SettingsError:
    return SettingsError(
        f"The event format {point.name} cannot be loaded ({why}).",
        "Install the package that brings it anew, or choose another format.",
    )
