"""A custodian put back from a backup: no number of a decision is used twice, and nobody is told of an unbroken record."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from blindplate.client.officer import decisions
from blindplate.core.parties import Custodian
from blindplate.core.statements.release_entries import DecisionEntry
from blindplate.server.custodian.storage import reading
from blindplate.server.custodian.tables import DECISIONS

from .conftest import Custodians
from .requesting import Case, officer
from .test_under_the_ledger import decision_entries

A = Custodian.A
DATABASE, REPLICA = "custodian.sqlite", "ledger.sqlite"


@pytest.fixture
def case(custodians: Custodians) -> Case:
    return Case(custodians, "emissions")


def released(case: Case, number: int) -> None:
    for _ in range(number):
        case.released(A, case.asked(case.sealed()))


def back_up(case: Case, folder: Path) -> None:
    """Copy the files of custodian A, which is stopped meanwhile."""
    case.custodians.stop(A)
    shutil.copytree(case.custodians.settings(A).data, folder)
    case.custodians.start(A)


def put_back(case: Case, folder: Path, *names: str) -> None:
    case.custodians.stop(A)
    data = case.custodians.settings(A).data
    for name in names:
        for file in data.glob(f"{name}*"):
            file.unlink()
        for file in folder.glob(f"{name}*"):
            shutil.copy(file, data)
    case.custodians.start(A)


def entered(case: Case) -> list[DecisionEntry]:
    """Custodian A's decisions that everyone can read, a checkpoint over them."""
    case.asked(case.sealed())
    return [one for one in decision_entries(case.custodians) if one.custodian is A]


@pytest.mark.parametrize(
    "names", [(DATABASE,), (DATABASE, REPLICA)], ids=["database", "database-and-replica"]
)
def test_decisions_go_on_after_those_that_the_backup_does_not_know(
    case: Case, tmp_path: Path, names: tuple[str, ...]
) -> None:
    released(case, 2)
    back_up(case, tmp_path / "backup")
    released(case, 2)
    put_back(case, tmp_path / "backup", *names)
    released(case, 2)
    found = entered(case)
    assert [one.sequence for one in found] == list(range(6))
    assert all(later.previous == earlier.decision_id for earlier, later in pairwise(found))
    shown = decisions(officer(case, A))
    assert [(one.sequence, one.resumed) for one in shown] == [(0, False), (1, False), (4, True), (5, False)]
    # The record holds: it starts again.
    case.custodians.restart(A)
    with reading(case.custodians.running[A].engine) as connection:
        assert len(connection.execute(DECISIONS.select()).all()) == 4


def test_a_gap_made_by_hand_is_no_backup(case: Case, tmp_path: Path) -> None:
    released(case, 2)
    back_up(case, tmp_path / "backup")
    released(case, 1)
    put_back(case, tmp_path / "backup", DATABASE)
    released(case, 2)
    shown = decisions(officer(case, A))
    assert [(one.sequence, one.resumed) for one in shown] == [(0, False), (1, False), (3, True), (4, False)]
    assert case.custodians.execute(A, "UPDATE decisions SET sequence = 2 WHERE sequence = 3") == 1
    with pytest.raises(Exception, match="broken at 2"):
        case.custodians.restart(A)
