"""Rows: what the cells of one line say of a vehicle, judged alike in every form.

Guarantees that every row becomes a vehicle, a change or a problem by its line, and that no problem holds a cell. Plates
are brought to the one canonical form by the code that cameras use. Does not judge whether a vehicle belongs on the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache

from blindplate.client.owner.entries import (
    MAX_TEXT_CHARACTERS,
    Details,
    ListedVehicle,
    priority_of,
)
from blindplate.client.owner.lists.layouts import TEXTS, Layout
from blindplate.client.owner.lists.problems import Problem, ProblemKind
from blindplate.core.errors import ListFileError, PlateError
from blindplate.core.plates import CanonicalPlate, canonicalize, country_code
from blindplate.core.statements.priorities import Priority


class Change(StrEnum):
    """What a row does. A row of a whole list lists its vehicle, whether or not that was listed before."""

    LIST = "list"
    ADD = "add"
    AMEND = "amend"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be used; what a deletion says beside its plate does not matter."""

    line: int
    change: Change
    vehicle: ListedVehicle


@dataclass(frozen=True, slots=True)
class Assumed:
    """What counts where a row says nothing: the country (ISO 3166-1 alpha-2) and priority; and the day it is in London."""

    country: str
    today: date
    priority: Priority = Priority.NONE


class Rows:
    """The rows of one file as they are read, each plate once, and every problem in order of lines."""

    def __init__(self, layout: Layout, assumed: Assumed, max_vehicles: int) -> None:
        self.problems: list[Problem] = []
        self.kept: dict[CanonicalPlate, Row] = {}
        self._layout, self._assumed, self._max = layout, assumed, max_vehicles

    def add(self, line: int, cells: Sequence[str]) -> None:
        """Take one row. Raises ListFileError when the file holds more vehicles than the grant allows."""
        columns = self._layout.columns
        if len(cells) != len(columns):
            self.report(line, "", ProblemKind.CELLS)
            return
        # Line breaks inside a quoted cell and the non-breaking spaces of spreadsheets become plain spaces.
        row = {name: " ".join(cell.split()) for name, cell in zip(columns, cells, strict=True) if name}
        bad = [name for name, cell in row.items() if not is_text(cell)]
        for name in bad:
            self.report(line, name, ProblemKind.TEXT)
        if not bad:
            self._judge(line, row)

    def report(self, line: int, column: str, kind: ProblemKind) -> None:
        """Put a problem on record."""
        self.problems.append(Problem(line, column, kind))

    def _judge(self, line: int, row: Mapping[str, str]) -> None:
        before = len(self.problems)
        change = self._change(line, row)
        plate = self._plate(line, row)
        details = Details() if change is Change.DELETE else self._details(line, row)
        if plate is None or change is None or details is None or len(self.problems) > before:
            return
        if change is not Change.DELETE and details.is_over(self._assumed.today):
            self.report(line, "weed_date", ProblemKind.WEEDED)
            if change is Change.LIST:
                return
            # An amendment that ends an entry is a deletion.
            change = Change.DELETE
        if plate in self.kept:
            repeated = ProblemKind.REPEATED if self._layout.is_delta else ProblemKind.DUPLICATE
            self.report(line, "plate", repeated)
            return
        if plate.text not in "".join(filter(str.isalnum, row["plate"].upper())):
            self.report(line, "plate", ProblemKind.CORRECTED)
        if len(self.kept) == self._max and not self._layout.is_delta:
            raise ListFileError(
                f"The list file holds more than the {self._max:,} vehicles that the grant allows.",
                "Submit a shorter list, or ask for an amended grant.",
            )
        self.kept[plate] = Row(line, change, ListedVehicle(plate, details))

    def _change(self, line: int, row: Mapping[str, str]) -> Change | None:
        if not self._layout.is_delta:
            return Change.LIST
        found = _CHANGES.get(row["change"].casefold())
        if found is None:
            self.report(line, "change", ProblemKind.CHANGE)
        return found

    def _plate(self, line: int, row: Mapping[str, str]) -> CanonicalPlate | None:
        named = row.get("country", "")
        code = country_code(named) if named else self._assumed.country
        if code is None:
            self.report(line, "country", ProblemKind.COUNTRY)
        try:
            return canonicalize(row["plate"], code)
        except PlateError:
            self.report(line, "plate", ProblemKind.PLATE)
            return None

    def _details(self, line: int, row: Mapping[str, str]) -> Details | None:
        weed_date = self._day(line, row, "weed_date", ProblemKind.WEED_DATE)
        effective_date = self._day(line, row, "effective_date", ProblemKind.EFFECTIVE_DATE)
        if self._layout.needs_weed_date and not row.get("weed_date"):
            self.report(line, "weed_date", ProblemKind.NO_WEED_DATE)
        if weed_date and effective_date and effective_date > weed_date:
            self.report(line, "effective_date", ProblemKind.DATES)
        named = row.get("priority", "")
        priority = priority_of(named) if named else self._assumed.priority
        if priority is None:
            self.report(line, "priority", ProblemKind.PRIORITY)
            return None
        texts = {name: row[name] for name in TEXTS if name in row}
        return Details(priority=priority, weed_date=weed_date, effective_date=effective_date, **texts)

    def _day(self, line: int, row: Mapping[str, str], name: str, kind: ProblemKind) -> date | None:
        cell = row.get(name, "")
        found = day_of(cell, self._layout.day_forms) if cell else None
        if cell and found is None:
            self.report(line, name, kind)
        return found


def is_text(cell: str) -> bool:
    """Whether a cell is a text to keep: lone surrogates, which stand for bytes that are no UTF-8, are not printable."""
    return len(cell) <= MAX_TEXT_CHARACTERS and cell.isprintable()


@lru_cache(maxsize=4096)
def day_of(cell: str, forms: tuple[str, ...]) -> date | None:
    """The calendar day that a cell names in one of ``forms``; a list names few different ones."""
    for form in forms:
        try:
            # A calendar day, not a moment: no time zone belongs to it.
            return datetime.strptime(cell, form).date()  # noqa: DTZ007
        except ValueError:
            continue
    return None


_CHANGES = {
    "add": Change.ADD,
    "addition": Change.ADD,
    "a": Change.ADD,
    "amend": Change.AMEND,
    "amendment": Change.AMEND,
    "m": Change.AMEND,
    "delete": Change.DELETE,
    "deletion": Change.DELETE,
    "d": Change.DELETE,
}
