"""Genetec's delimiter form: no header; what the fields are, and what divides them, is configured beside the file.

As Security Center has it for the source file of a hotlist (Administrator Guide 5.12, "Creating hotlists" and
"Configuring hotlist and permit attributes"): one vehicle a line, fields divided by a semicolon, colon, comma or tab, attributes
Category, PlateState, PlateNumber, EffectiveDate and ExpiryDate in this order unless configured otherwise. Only
PlateNumber must be there. Quotes have no meaning. The form of fixed-length fields is not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import Field

from blindplate.client.owner.lists.layouts import Layout, ListForm, require_plate, squeezed
from blindplate.client.owner.lists.plain import NAMES
from blindplate.core.statements.model import Part

_ATTRIBUTES: Final = {
    "category": "reason",
    "platestate": "country",
    "platenumber": "plate",
    "effectivedate": "effective_date",
    "expirydate": "weed_date",
}
_FIELDS: Final = {**NAMES, **_ATTRIBUTES}
_DAY_FORMS: Final = {
    "yyyy-MM-dd": "%Y-%m-%d",
    "yyyyMMdd": "%Y%m%d",
    "dd/MM/yyyy": "%d/%m/%Y",
    "MM/dd/yyyy": "%m/%d/%Y",
}
DayForm = Literal["yyyy-MM-dd", "yyyyMMdd", "dd/MM/yyyy", "MM/dd/yyyy"]


class GenetecList(Part):
    """How one list's files are configured.

    ``attributes`` are the fields in order: Genetec's own names, a column's name of plain CSV for what was added
    (``Change`` for a delta), or ``-`` for one that is not kept.
    """

    delimiter: Literal[";", ":", ",", "\t"] = ";"
    attributes: Annotated[tuple[str, ...], Field(min_length=1, max_length=64)] = (
        "Category",
        "PlateState",
        "PlateNumber",
        "EffectiveDate",
        "ExpiryDate",
    )
    dates: DayForm = "yyyy-MM-dd"


def recognises(configured: GenetecList, cells: Sequence[str]) -> bool:
    """Whether the first row has as many fields as are configured, and more than one."""
    return 1 < len(cells) == len(configured.attributes)


def layout(configured: GenetecList) -> Layout:
    """The layout as configured. Raises ListFileError when it has no plates, or a field twice."""
    columns = tuple(_FIELDS.get(squeezed(name), "") for name in configured.attributes)
    require_plate(
        columns, "Correct `genetec.attributes` in the settings: PlateNumber once, each other at most once."
    )
    return Layout(ListForm.GENETEC, columns, header=False, day_forms=(_DAY_FORMS[configured.dates],))
