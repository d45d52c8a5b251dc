"""What the columns of a list file mean: the vocabulary that every form is brought to.

A column is known by the field it is kept in: ``plate``, ``country``, ``change``, ``priority``, the two dates, or a text of
``entries.Details``. Headers are compared without case, spaces and punctuation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

from blindplate.client.owner.entries import Details
from blindplate.core.errors import ListFileError

DAY_FORMS: Final = ("%Y-%m-%d", "%d/%m/%Y")
DATES: Final = ("weed_date", "effective_date")
TEXTS: Final = tuple(one.name for one in fields(Details) if one.name not in DATES and one.name != "priority")
# Fields that are no texts of an entry.
KEYS: Final = ("plate", "country", "change", "priority", *DATES)
FIELDS: Final = frozenset({*KEYS, *TEXTS})


class ListForm(StrEnum):
    """The forms of list files."""

    UK = "uk"
    CSV = "csv"
    GENETEC = "genetec"


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read the rows of one file.

    ``columns`` are fields in the order of the file's columns, empty for one that is not kept. ``header`` says whether
    the first row is one. ``day_forms`` are what ``strptime`` takes.
    """

    form: ListForm
    columns: tuple[str, ...]
    header: bool
    needs_weed_date: bool = False
    day_forms: tuple[str, ...] = DAY_FORMS

    @property
    def is_delta(self) -> bool:
        """Whether rows say what becomes of a vehicle: a list has no such column."""
        return "change" in self.columns


def squeezed(name: str) -> str:
    """A column's name without case, spaces and punctuation."""
    return "".join(filter(str.isalnum, name.casefold()))


def require_plate(columns: Sequence[str], remedy: str) -> None:
    """Raise ListFileError unless exactly one column is the plate's and none is there twice."""
    kept = [name for name in columns if name]
    if kept.count("plate") != 1 or len(set(kept)) != len(kept):
        raise ListFileError(
            "The columns of the list file are not one of number plates, each other at most once.", remedy
        )
