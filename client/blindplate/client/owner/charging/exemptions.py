"""Which vehicles a charge does not apply to, by what the emissions list says of them.

Pure rules over three columns of the list: ``built`` (a year, or a day YYYY-MM-DD), ``tax_class`` and ``vehicle_kind``,
in the words of the UK vehicle register, compared without case, spaces and punctuation. A cell that says nothing known
exempts nobody. That a foreign vehicle has no emissions record here is an outcome of its own (``outcomes``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Final

from blindplate.client.owner.entries import Details
from blindplate.client.owner.lists.layouts import squeezed

_FIRST_CHARGED_YEAR: Final = 1973
_HISTORIC_YEARS: Final = 40
_YEAR_DIGITS: Final = 4


class Exemption(StrEnum):
    """Why a vehicle owes nothing. The last two are under a period of grace, which a setting ends."""

    BUILT_BEFORE_1973 = "built-before-1973"
    HISTORIC = "historic"
    LONDON_TAXI = "london-licensed-taxi"
    MILITARY = "military"
    AGRICULTURAL = "agricultural"
    CRANE = "mobile-crane"
    NON_ROAD = "non-road"
    SHOWMANS = "showmans"
    DISABLED = "disabled-tax-class"
    WHEELCHAIR_ACCESSIBLE = "wheelchair-accessible"


IN_GRACE: Final = frozenset({Exemption.DISABLED, Exemption.WHEELCHAIR_ACCESSIBLE})
_TAX_CLASSES: Final[Mapping[str, Exemption]] = {
    "agriculturalmachine": Exemption.AGRICULTURAL,
    "agricultural": Exemption.AGRICULTURAL,
    "mobilecrane": Exemption.CRANE,
    "crane": Exemption.CRANE,
    "military": Exemption.MILITARY,
    "showmans": Exemption.SHOWMANS,
    "showmanshgv": Exemption.SHOWMANS,
    "showmanshaulage": Exemption.SHOWMANS,
    "disabled": Exemption.DISABLED,
    "disabledpassengervehicle": Exemption.DISABLED,
}
_KINDS: Final[Mapping[str, Exemption]] = {
    "londontaxi": Exemption.LONDON_TAXI,
    "londonlicensedtaxi": Exemption.LONDON_TAXI,
    "military": Exemption.MILITARY,
    "agricultural": Exemption.AGRICULTURAL,
    "tractor": Exemption.AGRICULTURAL,
    "mobilecrane": Exemption.CRANE,
    "crane": Exemption.CRANE,
    "nonroad": Exemption.NON_ROAD,
    "nonroadmachine": Exemption.NON_ROAD,
    "showmans": Exemption.SHOWMANS,
    "wheelchairaccessible": Exemption.WHEELCHAIR_ACCESSIBLE,
}


def exemption(details: Details, day: date, grace_until: date | None) -> Exemption | None:
    """Why the vehicle owes nothing for ``day``; None when it does. ``grace_until`` is the last day of grace, if any."""
    built = _built(details.built)
    if built is not None and built.year < _FIRST_CHARGED_YEAR:
        return Exemption.BUILT_BEFORE_1973
    tax_class = squeezed(details.tax_class)
    if tax_class == "historic" and built is not None and _years(built, day) >= _HISTORIC_YEARS:
        return Exemption.HISTORIC
    in_grace = grace_until is not None and day <= grace_until
    for found in (_KINDS.get(squeezed(details.vehicle_kind)), _TAX_CLASSES.get(tax_class)):
        if found is not None and (in_grace or found not in IN_GRACE):
            return found
    return None


def _built(cell: str) -> date | None:
    """When the vehicle was built at the latest; None for a cell that does not say."""
    try:
        if len(cell) == _YEAR_DIGITS and cell.isascii() and cell.isdigit():
            return date(int(cell), 12, 31)
        return date.fromisoformat(cell)
    except ValueError:
        return None


def _years(since: date, day: date) -> int:
    return day.year - since.year - ((day.month, day.day) < (since.month, since.day))
