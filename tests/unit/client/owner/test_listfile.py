"""List files: every row is listed or named by its line, and no error quotes a cell."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.client.owner.entries import Details
from blindplate.client.owner.listfile import (
    ListFile,
    Problem,
    ProblemKind,
    listed_vehicle,
    read_list_file,
)
from blindplate.core.errors import ListFileError
from blindplate.core.statements.priorities import Priority

TODAY = date(2026, 3, 1)


def read(tmp_path: Path, content: bytes, max_vehicles: int = 100) -> ListFile:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    return read_list_file(path, country="GB", today=TODAY, max_vehicles=max_vehicles)


def problems(tmp_path: Path, content: bytes) -> list[tuple[int, str, ProblemKind]]:
    return [(one.line, one.column, one.kind) for one in read(tmp_path, content).problems]


def test_all_columns_are_kept(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        b"VRM,Country,Reason,Priority,Action,Weed Date,Make,Model,Colour,Note,Officer\r\n"
        b"ab12 cde,GB,stolen,1,stop,31/12/2026,Ford,Focus,Blue,seen in Kent,PC 1\r\n",
    )
    assert file.problems == ()
    (vehicle,) = file.vehicles
    assert vehicle.plate.text == "AB12CDE"
    assert vehicle.details == Details(
        "stolen", Priority.HIGH, "stop", date(2026, 12, 31), "Ford", "Focus", "Blue", "seen in Kent", "PC 1"
    )


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfplate\nAB12CDE\n",
        b"plate\r\nAB12CDE\r\n",
        b"plate\rAB12CDE\r",
        b"plate\nAB12CDE",
        b'"plate"\n"AB12CDE"\n\n\n',
        b"registration\n AB12 CDE \n",
    ],
    ids=["byte-order-mark", "crlf", "cr", "no-last-newline", "quoted-and-blank-lines", "spaces"],
)
def test_forms_of_one_list(tmp_path: Path, content: bytes) -> None:
    file = read(tmp_path, content)
    assert [vehicle.plate.text for vehicle in file.vehicles] == ["AB12CDE"]
    assert file.problems == ()


@pytest.mark.parametrize(
    ("row", "column", "kind"),
    [
        (b"AB12CDE,GB", "", ProblemKind.CELLS),
        (b"AB12CDE,GB,,,", "", ProblemKind.CELLS),
        (b"AB12CD\xff,GB,,", "plate", ProblemKind.TEXT),
        (b"AB12CDE,GB,,a\x00b", "reason", ProblemKind.TEXT),
        (b"AB12CDE,GB,," + 501 * b"a", "reason", ProblemKind.TEXT),
        (b"-,GB,,", "plate", ProblemKind.PLATE),
        (b"AB12C?E,GB,,", "plate", ProblemKind.PLATE),
        (b"AB12CDE,Narnia,,", "country", ProblemKind.COUNTRY),
        (b"AB12CDE,GB,31/02/2026,", "weed_date", ProblemKind.WEED_DATE),
        (b"AB12CDE,GB,tomorrow,", "weed_date", ProblemKind.WEED_DATE),
    ],
)
def test_an_unusable_row_is_refused_by_line_and_column(
    tmp_path: Path, row: bytes, column: str, kind: ProblemKind
) -> None:
    file = read(tmp_path, b"plate,country,weed_date,reason\nKL63XYZ,,,\n" + row + b"\nMN20PRS,,,\n")
    assert file.problems == (Problem(3, column, kind),)
    assert file.refused == file.problems
    assert [vehicle.plate.text for vehicle in file.vehicles] == ["KL63XYZ", "MN20PRS"]


def test_lines_are_counted_through_quoted_line_breaks(tmp_path: Path) -> None:
    content = b'plate,note\nKL63XYZ,"two\nlines"\n?,\n'
    file = read(tmp_path, content)
    assert file.problems == (Problem(4, "plate", ProblemKind.PLATE),)
    assert file.vehicles[0].details.note == "two lines"


def test_a_duplicate_and_a_weeded_row_are_noticed_and_not_refused(tmp_path: Path) -> None:
    content = b"plate,weed_date\nAB12CDE,\nab12 cde,\nKL63XYZ,2026-02-28\nMN20PRS,2026-03-01\n"
    file = read(tmp_path, content)
    assert [(one.line, one.column, one.kind) for one in file.problems] == [
        (3, "plate", ProblemKind.DUPLICATE),
        (4, "weed_date", ProblemKind.WEEDED),
    ]
    assert file.refused == ()
    assert [vehicle.plate.text for vehicle in file.vehicles] == ["AB12CDE", "MN20PRS"]


def test_a_plate_corrected_to_its_format_is_noticed(tmp_path: Path) -> None:
    file = read(tmp_path, b"plate\nABI2CDE\n")
    assert file.vehicles[0].plate.text == "AB12CDE"
    assert [one.kind for one in file.problems] == [ProblemKind.CORRECTED]


def test_a_column_that_is_not_kept_is_noticed_by_position(tmp_path: Path) -> None:
    assert problems(tmp_path, b"plate,Shoe Size\nAB12CDE,x\n") == [(1, "2", ProblemKind.COLUMN)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"AB12CDE\n",
        b"plate,vrm\nAB12CDE,AB12CDE\n",
        b"plate,make,make\nAB12CDE,a,b\n",
        b"\xff\xfep\x00l\x00a\x00t\x00e\x00",
        b'plate\n"AB12CDE\nKL63XYZ\n',
        b"plate\n" + 70_000 * b"A",
        b"plate\nAB12CDE\nKL63XYZ\nMN20PRS\n",
    ],
    ids=[
        "empty",
        "no-header",
        "two-plates",
        "column-twice",
        "utf-16",
        "open-quote",
        "endless-line",
        "too-many",
    ],
)
def test_a_file_that_is_no_list_is_refused_without_quoting_it(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ListFileError) as caught:
        read(tmp_path, content, max_vehicles=2)
    assert "AB12" not in str(caught.value)
    assert "KL63" not in str(caught.value)


def test_no_file_is_a_list_file_error(tmp_path: Path) -> None:
    with pytest.raises(ListFileError):
        read_list_file(tmp_path / "none.csv", country="GB", today=TODAY, max_vehicles=1)


def test_no_text_form_shows_a_plate(tmp_path: Path) -> None:
    file = read(tmp_path, b"plate,note\nAB12CDE,about AB12CDE\n")
    assert "AB12CDE" not in repr(file)


@pytest.mark.parametrize(("plate", "country", "note"), [("AB12CDE", "Narnia", ""), ("AB12CDE", "GB", "\x07")])
def test_a_vehicle_given_by_hand_is_checked_alike(plate: str, country: str, note: str) -> None:
    with pytest.raises(ListFileError):
        listed_vehicle(plate, country, Details(note=note))


@settings(max_examples=100)
@given(st.lists(st.sampled_from(["AB12CDE", "KL63XYZ", "", "?", "a,b", '"x"', "MN20 PRS", "é"]), max_size=12))
def test_every_row_is_listed_or_named(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    content = "\n".join(["plate,note", *(f"{cell},n" for cell in quoted)]).encode()
    file = read(tmp_path_factory.mktemp("list"), content)
    named = {one.line for one in file.problems if one.kind is not ProblemKind.CORRECTED}
    assert len(file.vehicles) + len(named) == len(cells)
