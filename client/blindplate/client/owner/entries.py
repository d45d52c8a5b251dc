"""What an owner notes about a listed vehicle beside its plate: why it is listed, from when until when, what it looks like.

All of it stays with the owner. Of reason, officer, weed date and priority a digest stands in the leaf that the owner
commits to; of the rest nothing ever leaves. Specified in docs/spec/owner.md section 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from blindplate.core.plates import CanonicalPlate
from blindplate.core.statements.priorities import Priority

MAX_TEXT_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Details:
    """``weed_date`` is the last day on which the entry counts, ``effective_date`` the first (days of Europe/London).

    Texts are at most 500 characters. ``warning_markers`` to ``spare_2`` are columns of the UK form: ``intelligence`` is
    its NIM 5x5x5, ``information`` its Information/Action, ``marking`` its GPMS. ``built``, ``tax_class`` and
    ``vehicle_kind`` say what may exempt a vehicle from a charge (``charging.exemptions``).
    """

    reason: str = ""
    priority: Priority = Priority.NONE
    action: str = ""
    weed_date: date | None = None
    make: str = ""
    model: str = ""
    colour: str = ""
    note: str = ""
    officer: str = ""
    effective_date: date | None = None
    warning_markers: str = ""
    intelligence: str = ""
    information: str = ""
    force_area: str = ""
    pnc_id: str = ""
    marking: str = ""
    cad: str = ""
    spare_1: str = ""
    spare_2: str = ""
    built: str = ""
    tax_class: str = ""
    vehicle_kind: str = ""

    def is_over(self, day: date) -> bool:
        """Whether the entry counts no more on ``day``."""
        return self.weed_date is not None and self.weed_date < day

    def is_to_come(self, day: date) -> bool:
        """Whether the entry does not count yet on ``day``."""
        return self.effective_date is not None and self.effective_date > day


@dataclass(frozen=True, slots=True)
class ListedVehicle:
    """One vehicle to be listed. The plate shows in no text form of this."""

    plate: CanonicalPlate = field(repr=False)
    details: Details = field(repr=False)


def priority_of(text: str) -> Priority | None:
    """The priority that a list's word or figure means, 1 being the highest; None for a text that is none of them."""
    return _PRIORITIES.get(text.casefold())


_PRIORITIES = {
    "": Priority.NONE,
    **{one.value: one for one in Priority},
    "1": Priority.HIGH,
    "2": Priority.MEDIUM,
    "3": Priority.LOW,
}
