"""Plain CSV: a header row names the columns, in any order.

Names are those of the fields themselves and of the UK form's columns; what else a file has is told and not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from blindplate.client.owner.lists.layouts import FIELDS, Layout, ListForm, require_plate, squeezed

_ALIASES: Final = {
    "vrm": "plate",
    "registration": "plate",
    "nim5x5x5": "intelligence",
    "informationaction": "information",
    "forcearea": "force_area",
    "forceandarea": "force_area",
    "gpms": "marking",
}
NAMES: Final = {**{squeezed(name): name for name in FIELDS}, **_ALIASES}
_PLATES: Final = frozenset(name for name, field in NAMES.items() if field == "plate")


def recognises(cells: Sequence[str]) -> bool:
    """Whether the first row is a header: some cell of it is what the plates' column is called."""
    return any(squeezed(cell) in _PLATES for cell in cells)


def layout(cells: Sequence[str]) -> Layout:
    """The layout that a header row names. Raises ListFileError when it names no plates, or a column twice."""
    columns = tuple(NAMES.get(squeezed(cell), "") for cell in cells)
    require_plate(
        columns, "Begin the file with a line such as vrm,country,reason,weed_date,make,model,colour."
    )
    return Layout(ListForm.CSV, columns, header=True)
