"""Reading a file of payments, refunds or exemptions: one vehicle and day a row.

Guarantees that every row either becomes a settlement or is named by its line, and that no problem or error holds a cell
of the file. CSV with a header, UTF-8 with or without a byte order mark. Docs/charging.md.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from typing import Final

from blindplate.client.owner.charging.settlements import Settled, Settlement
from blindplate.client.owner.lists.layouts import DAY_FORMS, squeezed
from blindplate.client.owner.lists.rows import day_of, is_text
from blindplate.core.charging import is_free
from blindplate.core.errors import ListFileError, PlateError
from blindplate.core.plates import CanonicalPlate, canonicalize, country_code

MAX_FILE_BYTES: Final = 1 << 30
MAX_LINE_BYTES: Final = 1 << 16
_NAMES: Final = {
    "vrm": "plate",
    "plate": "plate",
    "registration": "plate",
    "country": "country",
    "day": "day",
    "date": "day",
    "chargingday": "day",
    "reference": "reference",
}


class SettlementProblem(Enum):
    """What is wrong with a row: its value says it to a reader. All but the last two keep it from being taken."""

    CELLS = "The row has another number of cells than the header."
    TEXT = "The cell is not UTF-8, holds control characters or is longer than 500 characters."
    PLATE = "The cell is no number plate."
    COUNTRY = "The cell names no country."
    DAY = "The cell is no day (YYYY-MM-DD or DD/MM/YYYY), and no day is given for the file."
    FREE_DAY = "Nothing is charged on that day."
    TOO_SOON = "That day cannot be paid for yet."
    REPEATED = "An earlier line names the same vehicle and day."
    COLUMN = "The column is not one that is kept."

    @property
    def refused(self) -> bool:
        """Whether the row is unusable, and so the file as it stands."""
        return self not in (SettlementProblem.REPEATED, SettlementProblem.COLUMN)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A problem at ``line`` (from 1) and the column of that name, empty for a whole row; a column not kept by number."""

    line: int
    column: str
    kind: SettlementProblem


@dataclass(frozen=True, slots=True)
class SettlementFile:
    """The usable rows in order, each vehicle and day once, and every problem in order of lines."""

    settlements: tuple[Settlement, ...]
    problems: tuple[RowProblem, ...]

    @property
    def refused(self) -> bool:
        """Whether a row cannot be used."""
        return any(problem.kind.refused for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Assumed:
    """What counts where a row says nothing, and the last day (Europe/London) that can be settled yet."""

    kind: Settled
    country: str
    day: date | None
    last_day: date


def read_settlement_file(path: Path, assumed: Assumed) -> SettlementFile:
    """Read a file. Raises ListFileError when it cannot be read row by row."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ListFileError("The file is larger than 1 GiB.", "Split it.")
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            return _read(csv.reader(_bounded(lines), strict=True), assumed)
    except OSError as error:
        raise ListFileError(
            f"The file cannot be read: {error.strerror}.", "Check its path and permissions."
        ) from None
    except csv.Error:
        raise ListFileError("The quoting of the file breaks.", "Close every quoted cell.") from None


def last_payable_day(today: date, prepay_days: int) -> date:
    """The last day that can be settled today."""
    return today + timedelta(days=prepay_days)


def _read(rows: Iterator[Sequence[str]], assumed: Assumed) -> SettlementFile:
    header = next(rows, None)
    columns = [_NAMES.get(squeezed(name), "") for name in header or ()]
    kept = [name for name in columns if name]
    if "plate" not in kept or len(set(kept)) != len(kept):
        raise ListFileError(
            "The file does not begin with a header that names a vrm column, each other at most once.",
            "Begin it with a line such as vrm,country,day,reference.",
        )
    reading = _Rows(columns, assumed)
    for at, name in enumerate(columns, start=1):
        if not name:
            reading.report(1, str(at), SettlementProblem.COLUMN)
    for line, cells in enumerate(rows, start=2):
        if cells:
            reading.add(line, cells)
    return SettlementFile(tuple(reading.settled.values()), tuple(reading.problems))


class _Rows:
    """The rows of one file as they are read."""

    def __init__(self, columns: Sequence[str], assumed: Assumed) -> None:
        self.problems: list[RowProblem] = []
        self.settled: dict[tuple[CanonicalPlate, date], Settlement] = {}
        self._columns, self._assumed = columns, assumed

    def report(self, line: int, column: str, kind: SettlementProblem) -> None:
        """Put a problem on record."""
        self.problems.append(RowProblem(line, column, kind))

    def add(self, line: int, cells: Sequence[str]) -> None:
        """Take one row."""
        if len(cells) != len(self._columns):
            self.report(line, "", SettlementProblem.CELLS)
            return
        row = {name: " ".join(cell.split()) for name, cell in zip(self._columns, cells, strict=True) if name}
        bad = [name for name, cell in row.items() if not is_text(cell)]
        for name in bad:
            self.report(line, name, SettlementProblem.TEXT)
        if bad:
            return
        plate, day = self._plate(line, row), self._day(line, row)
        if plate is None or day is None:
            return
        if (plate, day) in self.settled:
            self.report(line, "plate", SettlementProblem.REPEATED)
            return
        self.settled[plate, day] = Settlement(plate, day, self._assumed.kind, row.get("reference", ""))

    def _plate(self, line: int, row: Mapping[str, str]) -> CanonicalPlate | None:
        named = row.get("country", "")
        code = country_code(named) if named else self._assumed.country
        if code is None:
            self.report(line, "country", SettlementProblem.COUNTRY)
            return None
        try:
            return canonicalize(row["plate"], code)
        except PlateError:
            self.report(line, "plate", SettlementProblem.PLATE)
            return None

    def _day(self, line: int, row: Mapping[str, str]) -> date | None:
        cell = row.get("day", "")
        day = day_of(cell, DAY_FORMS) if cell else self._assumed.day
        problem = None
        if day is None:
            problem = SettlementProblem.DAY
        elif is_free(day):
            problem = SettlementProblem.FREE_DAY
        elif day > self._assumed.last_day:
            problem = SettlementProblem.TOO_SOON
        if problem is None:
            return day
        self.report(line, "day", problem)
        return None


def _bounded(lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE_BYTES:
            raise ListFileError(f"Line {number} of the file is longer than 64 KiB.", "Correct that line.")
        yield line
