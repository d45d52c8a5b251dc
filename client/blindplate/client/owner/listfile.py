"""Reading a list file: one vehicle a row, in one of three forms, a whole list or a delta.

Guarantees that every row either becomes a listed vehicle, or a change of one, or is named in a problem by its line, and
that no problem or error holds a cell of the file: whoever may see the list can look the line up. Reads UTF-8 with or
without a byte order mark and any line ending. Does not judge whether a vehicle belongs on the list.
Specified in docs/spec/owner.md section 2; the forms are those of ``lists``.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Final, Protocol

from blindplate.client.owner.entries import Details, ListedVehicle
from blindplate.client.owner.lists.forms import Expected, layout_of, recognised, require_expected, revision_of
from blindplate.client.owner.lists.genetec import GenetecList
from blindplate.client.owner.lists.layouts import TEXTS, ListForm
from blindplate.client.owner.lists.problems import Problem, ProblemKind
from blindplate.client.owner.lists.revisions import Revision, parse_line
from blindplate.client.owner.lists.rows import Assumed, Row, Rows, is_text
from blindplate.core.errors import ListFileError
from blindplate.core.plates import canonicalize, country_code
from blindplate.core.statements.priorities import Priority

__all__ = ["Expected", "ListFile", "ListForm", "Problem", "ProblemKind", "listed_vehicle", "read_list_file"]

MAX_FILE_BYTES: Final = 1 << 30
MAX_LINE_BYTES: Final = 1 << 16
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class ListFile:
    """The usable rows in order, each plate once, and every problem in order of lines.

    ``digest`` is SHA-256 of the file's bytes. In a delta rows say what becomes of their vehicle.
    """

    form: ListForm
    revision: Revision
    digest: bytes
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]

    @property
    def vehicles(self) -> tuple[ListedVehicle, ...]:
        """The vehicles of the rows."""
        return tuple(row.vehicle for row in self.rows)

    @property
    def refused(self) -> tuple[Problem, ...]:
        """The problems that leave a row unusable."""
        return tuple(problem for problem in self.problems if problem.kind.refused)


_ANYTHING: Final = Expected()


def read_list_file(
    path: Path,
    *,
    country: str,
    today: date,
    max_vehicles: int,
    priority: Priority = Priority.NONE,
    expected: Expected = _ANYTHING,
) -> ListFile:
    """The list, or the delta, in the file ``path``.

    ``country`` (ISO 3166-1 alpha-2) and ``priority`` count where a row names none; ``today`` is the day in
    Europe/London. Raises ListFileError when there is nothing to read row by row: no file, too large, another encoding,
    columns that are no form's, a delta where a list is expected or the reverse, quoting that never ends, more than
    ``max_vehicles``.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ListFileError("The list file is larger than 1 GiB.", "Split it and submit a smaller list.")
        with path.open("rb") as file:
            if file.read(2) in _WIDE_MARKS:
                raise ListFileError("The list file is UTF-16.", "Save it as UTF-8.")
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").digest()
        # Bytes that are not UTF-8 pass as lone surrogates, so that the row can be named instead of the file.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            reading = _Reading(_bounded(lines), expected)
            rows = reading.rows(Assumed(country, today, priority), max_vehicles)
    except OSError as error:
        raise ListFileError(
            f"The list file cannot be read: {error.strerror}.", "Check its path and permissions."
        ) from None
    return ListFile(
        reading.layout.form, reading.revision, digest, tuple(rows.kept.values()), tuple(rows.problems)
    )


def listed_vehicle(plate: str, country: str, details: Details) -> ListedVehicle:
    """One vehicle given by hand. Raises PlateError, or ListFileError for a country, text or dates that are none."""
    code = country_code(country)
    if code is None:
        raise ListFileError("The country is not one that is known.", "Give its two-letter code, such as GB.")
    if not all(is_text(getattr(details, name)) for name in TEXTS):
        raise ListFileError(
            "A text of the entry holds control characters or is longer than 500 characters.", "Shorten it."
        )
    if details.weed_date and details.effective_date and details.effective_date > details.weed_date:
        raise ListFileError(
            "The effective date of the entry is after its weed date.", "Correct one of the two."
        )
    return ListedVehicle(canonicalize(plate, code), details)


class _Reader(Protocol):
    """What ``csv.reader`` gives."""

    @property
    def line_num(self) -> int: ...
    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


class _Reading:
    """One pass over a file: what its first lines say it is, then its rows."""

    def __init__(self, lines: Iterator[str], expected: Expected) -> None:
        first = next(lines, "")
        said = parse_line(first.rstrip("\r\n"))
        self._before = 0 if said is None else 1
        self.revision = revision_of(said, expected)
        head = first if said is None else next(lines, "")
        form = expected.form or recognised(head, expected.genetec)
        self._reader = _csv_reader(chain([head], lines) if head else lines, form, expected.genetec)
        no_row: list[str] = []
        with _quoting(self._before + 1):
            self._first = next(self._reader, no_row)
        if not self._first:
            raise ListFileError(
                "The list file is empty, or begins with an empty line.", "Begin it with its list."
            )
        self.layout = layout_of(form, self._first, expected.genetec)
        require_expected(self.layout, self.revision, expected)

    def rows(self, assumed: Assumed, max_vehicles: int) -> Rows:
        """Read every row."""
        rows = Rows(self.layout, assumed, max_vehicles)
        if self.layout.header:
            for at, name in enumerate(self.layout.columns, start=1):
                if not name:
                    rows.report(self._before + 1, str(at), ProblemKind.COLUMN)
        else:
            rows.add(self._before + 1, self._first)
        ended = self._before + self._reader.line_num
        while True:
            with _quoting(ended + 1):
                cells = next(self._reader, None)
            if cells is None:
                return rows
            if cells:
                rows.add(ended + 1, cells)
            ended = self._before + self._reader.line_num


def _csv_reader(lines: Iterator[str], form: ListForm, configured: GenetecList) -> _Reader:
    if form is ListForm.GENETEC:
        return csv.reader(lines, delimiter=configured.delimiter, quoting=csv.QUOTE_NONE, strict=True)
    return csv.reader(lines, delimiter=",", strict=True)


@contextmanager
def _quoting(line: int) -> Generator[None]:
    try:
        yield
    except csv.Error:
        raise ListFileError(
            f"The quoting of the list file breaks in the row that begins at line {line}.",
            "Close every quoted cell and double the quotes inside one.",
        ) from None


def _bounded(lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE_BYTES:
            raise ListFileError(
                f"Line {number} of the list file is longer than 64 KiB.", "Correct that line."
            )
        yield line
