"""What can be wrong with a row of a list file, or worth knowing: told by line, and never with what a cell holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ProblemKind(Enum):
    """What is wrong with a row: its value says it to a reader. Only ``refused`` kinds keep a row off the list."""

    CELLS = "The row has another number of cells than the file has columns."
    TEXT = "The cell is not UTF-8, holds control characters or is longer than 500 characters."
    PLATE = "The cell is no number plate."
    COUNTRY = "The cell names no country."
    WEED_DATE = "The cell is no date of the forms that are taken."
    NO_WEED_DATE = "The row has no weed date, which this form demands."
    EFFECTIVE_DATE = "The cell is no date of the forms that are taken: nothing says from when the row counts."
    DATES = "The effective date is after the weed date."
    PRIORITY = "The cell is no priority (high, medium, low, none, or 1 to 3)."
    CHANGE = "The cell is no change (add, amend, delete)."
    REPEATED = "An earlier line of the delta changes the same vehicle."
    DUPLICATE = "The vehicle is listed by an earlier line, which counts."
    WEEDED = "The weed date is past: the row is not listed."
    CORRECTED = "Letters and digits were exchanged to make the plate fit its format."
    COLUMN = "The column is not one that is kept."
    LISTED = "The vehicle to add is listed already: it is amended."
    NOT_LISTED = "The vehicle to amend is not listed: it is added."
    NOTHING_TO_DELETE = "The vehicle to delete is not listed."

    @property
    def refused(self) -> bool:
        """Whether the row is unusable, and so the file as it stands."""
        return self in _REFUSED


_REFUSED = frozenset(
    {
        ProblemKind.CELLS,
        ProblemKind.TEXT,
        ProblemKind.PLATE,
        ProblemKind.COUNTRY,
        ProblemKind.WEED_DATE,
        ProblemKind.NO_WEED_DATE,
        ProblemKind.EFFECTIVE_DATE,
        ProblemKind.DATES,
        ProblemKind.PRIORITY,
        ProblemKind.CHANGE,
        ProblemKind.REPEATED,
    }
)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem at ``line`` (from 1) and the column of that name, empty for a whole row.

    A column that is not kept is named by its position, since its name could be anything.
    """

    line: int
    column: str
    kind: ProblemKind
