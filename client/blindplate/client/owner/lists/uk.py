"""The UK hotlist: 16 columns in a fixed order, with or without a header, and a weed date in every row.

    VRM, Make, Model, Colour, Action, Warning Markers, Reason, NIM 5x5x5, Information/Action, Force & Area, Weed Date,
    PNC ID, GPMS, CAD, Spare 1, Spare 2

A delta has a seventeenth, Change. How the national system marks changes is not public: this column is of our own making.
A header may write the names otherwise in case, spaces and punctuation, and "and" for "&". There is no column for a
country, an effective date or a priority: the form's own words (Action, Warning Markers) stay as they are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from blindplate.client.owner.lists.layouts import Layout, ListForm, squeezed
from blindplate.core.errors import ListFileError

HEADER: Final = (
    "VRM", "Make", "Model", "Colour", "Action", "Warning Markers", "Reason", "NIM 5x5x5", "Information/Action",
    "Force & Area", "Weed Date", "PNC ID", "GPMS", "CAD", "Spare 1", "Spare 2",
)  # fmt: skip
COLUMNS: Final = (
    "plate", "make", "model", "colour", "action", "warning_markers", "reason", "intelligence", "information",
    "force_area", "weed_date", "pnc_id", "marking", "cad", "spare_1", "spare_2",
)  # fmt: skip
_CHANGE: Final = "change"
_NAMES: Final = tuple(squeezed(name) for name in (*HEADER, _CHANGE))
_WIDTHS: Final = (len(COLUMNS), len(COLUMNS) + 1)


def recognises(cells: Sequence[str]) -> bool:
    """Whether the first row is this form's header."""
    names = tuple(squeezed(cell).replace("forceandarea", "forcearea") for cell in cells)
    return len(names) in _WIDTHS and names == _NAMES[: len(names)]


def may_be(cells: Sequence[str]) -> bool:
    """Whether the first row, no header, has as many cells as this form."""
    return len(cells) in _WIDTHS


def layout(cells: Sequence[str]) -> Layout:
    """The layout of a file with this first row. Raises ListFileError for another number of columns."""
    if len(cells) not in _WIDTHS:
        raise ListFileError(
            "The list file has not the 16 columns of the UK form, nor a seventeenth that says what changes.",
            "Submit it as plain CSV with a header, or correct its columns; they are listed in docs/hotlists.md.",
        )
    header = recognises(cells)
    if squeezed(cells[0]) == _NAMES[0] and not header:
        raise ListFileError(
            "The header of the list file does not name the columns of the UK form in their order.",
            "Put the columns in order, or submit the file as plain CSV.",
        )
    columns = COLUMNS if len(cells) == len(COLUMNS) else (*COLUMNS, _CHANGE)
    return Layout(ListForm.UK, columns, header=header, needs_weed_date=True)
