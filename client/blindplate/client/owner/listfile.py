"""Reading a list file: CSV with a header row, one vehicle a row.

Guarantees that every row either becomes a listed vehicle or is named in a problem by its line, and that no problem
or error holds a cell of the file: whoever may see the list can look the line up. Reads UTF-8 with or without a byte
order mark and any line ending. Does not judge whether a vehicle belongs on the list.
Specified in docs/spec/owner.md section 2; the column names are those of UK hotlists.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Final

from blindplate.client.owner.entries import MAX_TEXT_CHARACTERS, Details, ListedVehicle
from blindplate.core.errors import ListFileError, PlateError
from blindplate.core.plates import CanonicalPlate, canonicalize, country_code

MAX_FILE_BYTES: Final = 1 << 30
MAX_LINE_BYTES: Final = 1 << 16
_PLATE_COLUMNS: Final = frozenset({"vrm", "plate", "registration"})
_TEXT_COLUMNS: Final = ("reason", "priority", "action", "make", "model", "colour", "note", "officer")
_KNOWN: Final = _PLATE_COLUMNS | {"country", "weed_date", *_TEXT_COLUMNS}
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


class ProblemKind(Enum):
    """What is wrong with a row: its value says it to a reader. Only ``refused`` kinds keep a row off the list."""

    CELLS = "The row has another number of cells than the header."
    TEXT = "The cell is not UTF-8, holds control characters or is longer than 500 characters."
    PLATE = "The cell is no number plate."
    COUNTRY = "The cell names no country."
    WEED_DATE = "The cell is no date (YYYY-MM-DD or DD/MM/YYYY)."
    DUPLICATE = "The vehicle is listed by an earlier line, which counts."
    WEEDED = "The weed date is past: the row is not listed."
    CORRECTED = "Letters and digits were exchanged to make the plate fit its format."
    COLUMN = "The column is not one that is kept."

    @property
    def refused(self) -> bool:
        """Whether the row is unusable, and so the file as it stands."""
        return self in _REFUSED


_REFUSED: Final = frozenset(
    {ProblemKind.CELLS, ProblemKind.TEXT, ProblemKind.PLATE, ProblemKind.COUNTRY, ProblemKind.WEED_DATE}
)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem at ``line`` (1 is the header) and the column of that name, empty for a whole row.

    A column that is not kept is named by its position, since its name could be anything.
    """

    line: int
    column: str
    kind: ProblemKind


@dataclass(frozen=True, slots=True)
class ListFile:
    """The usable rows in order, each plate once, and every problem in order of lines."""

    vehicles: tuple[ListedVehicle, ...]
    problems: tuple[Problem, ...]

    @property
    def refused(self) -> tuple[Problem, ...]:
        """The problems that leave a row unusable."""
        return tuple(problem for problem in self.problems if problem.kind.refused)


def read_list_file(path: Path, *, country: str, today: date, max_vehicles: int) -> ListFile:
    """The list in the CSV file ``path``.

    ``country`` (ISO 3166-1 alpha-2) counts where a row names none; ``today`` is the day in Europe/London. Raises
    ListFileError when there is nothing to read row by row: no file, too large, another encoding, no header with a
    ``vrm`` or ``plate`` column, quoting that never ends, more than ``max_vehicles``.
    """
    reading = _Reading(country, today, max_vehicles)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ListFileError("The list file is larger than 1 GiB.", "Split it and submit a smaller list.")
        with path.open("rb") as head:
            if head.read(2) in _WIDE_MARKS:
                raise ListFileError("The list file is UTF-16.", "Save it as UTF-8.")
        # Bytes that are not UTF-8 pass as lone surrogates, so that the row can be named instead of the file.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reading.take(_bounded(file))
    except OSError as error:
        raise ListFileError(
            f"The list file cannot be read: {error.strerror}.", "Check its path and permissions."
        ) from None
    return ListFile(tuple(reading.vehicles.values()), tuple(reading.problems))


def listed_vehicle(plate: str, country: str, details: Details) -> ListedVehicle:
    """One vehicle given by hand. Raises PlateError, or ListFileError for a country or text that is none."""
    code = country_code(country)
    if code is None:
        raise ListFileError("The country is not one that is known.", "Give its two-letter code, such as GB.")
    if not all(_is_text(getattr(details, name)) for name in _TEXT_COLUMNS):
        raise ListFileError(
            "A text of the entry holds control characters or is longer than 500 characters.", "Shorten it."
        )
    return ListedVehicle(canonicalize(plate, code), details)


class _Reading:
    """The state of one pass over a file."""

    def __init__(self, country: str, today: date, max_vehicles: int) -> None:
        self.vehicles: dict[CanonicalPlate, ListedVehicle] = {}
        self.problems: list[Problem] = []
        self._country, self._today, self._max = country, today, max_vehicles

    def take(self, lines: Iterator[str]) -> None:
        reader = csv.reader(lines, strict=True)
        start = 0
        try:
            no_header: list[str] = []
            header = self._header(next(reader, no_header))
            start = reader.line_num
            for cells in reader:
                if cells:
                    self._row(start + 1, header, cells)
                start = reader.line_num
        except csv.Error:
            raise ListFileError(
                f"The quoting of the list file breaks in the row that begins at line {start + 1}.",
                "Close every quoted cell and double the quotes inside one.",
            ) from None

    def _header(self, cells: list[str]) -> list[str]:
        names = [cell.strip().lower().replace(" ", "_") for cell in cells]
        kept = ["plate" if name in _PLATE_COLUMNS else name if name in _KNOWN else "" for name in names]
        if kept.count("plate") != 1 or any(kept.count(name) > 1 for name in kept if name):
            raise ListFileError(
                "The first line of the list file is not a header with one vrm or plate column, each column once.",
                "Begin the file with a line such as vrm,country,reason,weed_date,make,model,colour.",
            )
        self.problems += [
            Problem(1, str(at), ProblemKind.COLUMN) for at, name in enumerate(kept, start=1) if not name
        ]
        return kept

    def _row(self, line: int, header: list[str], cells: list[str]) -> None:
        if len(cells) != len(header):
            self._report(line, "", ProblemKind.CELLS)
            return
        # Line breaks inside a quoted cell and the non-breaking spaces of spreadsheets become plain spaces.
        row = {name: " ".join(cell.split()) for name, cell in zip(header, cells, strict=True) if name}
        bad = [name for name, cell in row.items() if not _is_text(cell)]
        if bad:
            for name in bad:
                self._report(line, name, ProblemKind.TEXT)
            return
        self._vehicle(line, row)

    def _vehicle(self, line: int, row: Mapping[str, str]) -> None:
        named = row.get("country", "")
        code = country_code(named) if named else self._country
        weed_text = row.get("weed_date", "")
        weed_date = _day(weed_text) if weed_text else None
        plate = _plate(row["plate"], code)
        if code is None:
            self._report(line, "country", ProblemKind.COUNTRY)
        if weed_text and weed_date is None:
            self._report(line, "weed_date", ProblemKind.WEED_DATE)
        if plate is None:
            self._report(line, "plate", ProblemKind.PLATE)
        if plate is None or code is None or (weed_text and weed_date is None):
            return
        if weed_date is not None and weed_date < self._today:
            self._report(line, "weed_date", ProblemKind.WEEDED)
        elif plate in self.vehicles:
            self._report(line, "plate", ProblemKind.DUPLICATE)
        else:
            if plate.text not in "".join(filter(str.isalnum, row["plate"].upper())):
                self._report(line, "plate", ProblemKind.CORRECTED)
            self._add(
                plate, Details(weed_date=weed_date, **{name: row.get(name, "") for name in _TEXT_COLUMNS})
            )

    def _add(self, plate: CanonicalPlate, details: Details) -> None:
        if len(self.vehicles) == self._max:
            raise ListFileError(
                f"The list file holds more than the {self._max:,} vehicles that the grant allows.",
                "Submit a shorter list, or ask for an amended grant.",
            )
        self.vehicles[plate] = ListedVehicle(plate, details)

    def _report(self, line: int, column: str, kind: ProblemKind) -> None:
        self.problems.append(Problem(line, column, kind))


def _bounded(lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE_BYTES:
            raise ListFileError(
                f"Line {number} of the list file is longer than 64 KiB.", "Correct that line."
            )
        yield line


def _is_text(cell: str) -> bool:
    """Whether a cell is a text to keep: lone surrogates, which stand for bytes that are no UTF-8, are not printable."""
    return len(cell) <= MAX_TEXT_CHARACTERS and cell.isprintable()


def _plate(cell: str, code: str | None) -> CanonicalPlate | None:
    try:
        return canonicalize(cell, code)
    except PlateError:
        return None


def _day(cell: str) -> date | None:
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            # A calendar day, not a moment: no time zone belongs to it.
            return datetime.strptime(cell, form).date()  # noqa: DTZ007
        except ValueError:
            continue
    return None
