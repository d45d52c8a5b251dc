"""What an owner notes about a listed vehicle beside its plate: why it is listed, until when, what it looks like."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from blindplate.core.plates import CanonicalPlate

MAX_TEXT_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Details:
    """``weed_date`` is the last day (Europe/London) on which the entry counts. Texts are at most 500 characters."""

    reason: str = ""
    priority: str = ""
    action: str = ""
    weed_date: date | None = None
    make: str = ""
    model: str = ""
    colour: str = ""
    note: str = ""
    officer: str = ""


@dataclass(frozen=True, slots=True)
class ListedVehicle:
    """One vehicle to be listed. The plate shows in no text form of this."""

    plate: CanonicalPlate = field(repr=False)
    details: Details = field(repr=False)
