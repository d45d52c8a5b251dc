"""Files of payments: every row taken or named by its line, and no cell told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from blindplate.client.owner.charging.settlement_file import (
    Assumed,
    SettlementFile,
    SettlementProblem,
    read_settlement_file,
)
from blindplate.client.owner.charging.settlements import Settled
from blindplate.core.errors import ListFileError

DAY = date(2026, 11, 20)
LAST = date(2027, 2, 22)


def read(folder: Path, content: str | bytes, day: date | None = DAY) -> SettlementFile:
    path = folder / "paid.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_settlement_file(path, Assumed(Settled.PAID, "GB", day, LAST))


def test_rows_name_their_day_or_take_the_files(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "\ufeffVRM,Country,Day,Reference\r\nab12 cde,,,A1\r\nKL63XYZ,GB,21/11/2026,\r\n\r\nXX111XX,DE,2026-11-22,B\r\n",
    )
    assert file.problems == ()
    found = [
        (one.plate.text, one.plate.country, one.day, one.kind, one.reference) for one in file.settlements
    ]
    assert found == [
        ("AB12CDE", "GB", DAY, Settled.PAID, "A1"),
        ("KL63XYZ", "GB", date(2026, 11, 21), Settled.PAID, ""),
        ("XX111XX", "DE", date(2026, 11, 22), Settled.PAID, "B"),
    ]
    assert "AB12CDE" not in repr(file)


@pytest.mark.parametrize(
    ("row", "column", "kind"),
    [
        ("AB12CDE,2026-11-20,x", "", SettlementProblem.CELLS),
        ("AB12\x00CDE,2026-11-20", "plate", SettlementProblem.TEXT),
        ("!!,2026-11-20", "plate", SettlementProblem.PLATE),
        ("AB12CDE,tomorrow", "day", SettlementProblem.DAY),
        ("AB12CDE,2026-12-25", "day", SettlementProblem.FREE_DAY),
        ("AB12CDE,2027-02-23", "day", SettlementProblem.TOO_SOON),
    ],
)
def test_a_bad_row_is_named_and_refuses_the_file(
    tmp_path: Path, row: str, column: str, kind: SettlementProblem
) -> None:
    file = read(tmp_path, f"vrm,day\nKL63XYZ,2027-02-22\n{row}\n")
    (problem,) = file.problems
    assert (problem.line, problem.column, problem.kind) == (3, column, kind)
    assert file.refused
    assert [one.plate.text for one in file.settlements] == ["KL63XYZ"]


def test_a_row_without_a_day_in_a_file_without_one_is_refused(tmp_path: Path) -> None:
    file = read(tmp_path, "vrm\nAB12CDE\n", day=None)
    assert [one.kind for one in file.problems] == [SettlementProblem.DAY]


def test_repeated_rows_and_unknown_columns_are_told_and_refuse_nothing(tmp_path: Path) -> None:
    file = read(tmp_path, "vrm,amount\nAB12CDE,12.50\nab12cde,12.50\n")
    told = [(one.line, one.column, one.kind) for one in file.problems]
    assert told == [(1, "2", SettlementProblem.COLUMN), (3, "plate", SettlementProblem.REPEATED)]
    assert not file.refused
    assert len(file.settlements) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"name,day\nAB12CDE,\n",
        b"vrm,plate\nAB12CDE,AB12CDE\n",
        b'vrm,day\n"AB12CDE,\n',
        b"vrm\n" + b"A" * 70_000 + b"\n",
    ],
)
def test_what_is_no_such_file_is_refused_without_a_cell(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ListFileError) as refused:
        read(tmp_path, content)
    assert "AB12CDE" not in str(refused.value)
    with pytest.raises(ListFileError):
        read_settlement_file(tmp_path / "none.csv", Assumed(Settled.PAID, "GB", DAY, LAST))
