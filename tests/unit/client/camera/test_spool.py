"""The spool: durable, bounded, only what was given it, gone when removed, and usable on a full disk."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from blindplate.client.camera.accepted_counts import AcceptedCounts
from blindplate.client.camera.spool import Spool, SpoolItem
from blindplate.core.errors import StorageError

ALL = (1 << 30, 1 << 40)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spool.sqlite"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    spool = Spool(path, limit=100)
    yield spool
    spool.close()


def item(wire: bytes, due: float = 0.0) -> SpoolItem:
    return SpoolItem("police", due, wire)


def wires(spool: Spool, now: float = 1.0) -> set[bytes]:
    return {spooled.wire for spooled in spool.due(now, *ALL)}


def test_what_was_added_is_there_after_a_restart(path: Path) -> None:
    first = Spool(path, limit=10)
    first.add([item(b"one"), item(b"two")])
    first.close()
    second = Spool(path, limit=10)
    assert len(second) == 2
    assert wires(second) == {b"one", b"two"}
    second.close()


def test_a_wire_is_due_no_sooner_than_it_says(spool: Spool) -> None:
    spool.add([item(b"now", 5.0), item(b"later", 65.0)])
    assert wires(spool, 4.9) == set()
    assert wires(spool, 5.0) == {b"now"}
    assert wires(spool, 65.0) == {b"now", b"later"}


def test_a_batch_is_bounded_in_number_and_bytes(spool: Spool) -> None:
    spool.add([item(bytes([number]) * 100) for number in range(10)])
    assert len(spool.due(1, 3, 1 << 20)) == 3
    assert len(spool.due(1, 10, 450)) == 4
    assert len(spool.due(1, 10, 1)) == 1


def test_removed_bytes_are_on_the_disk_no_more(spool: Spool, path: Path) -> None:
    marker = os.urandom(32)
    spool.add([item(marker * 100), item(b"stays")])
    (number,) = [one.number for one in spool.due(1, *ALL) if marker in one.wire]
    spool.remove([number])
    assert wires(spool) == {b"stays"}
    spool.remove([one.number for one in spool.due(1, *ALL)])
    assert len(spool) == 0
    assert not any(marker in file.read_bytes() for file in path.parent.iterdir())


def test_a_full_spool_takes_nothing_of_a_batch(path: Path) -> None:
    spool = Spool(path, limit=3)
    spool.add([item(b"one"), item(b"two")])
    with pytest.raises(StorageError, match="limit"):
        spool.add([item(b"three"), item(b"four")])
    assert wires(spool) == {b"one", b"two"}
    spool.add([item(b"three")])
    spool.close()


def test_a_full_disk_is_a_storage_error_and_passes(spool: Spool) -> None:
    spool.add([item(os.urandom(1000)) for _ in range(10)])
    (pages,) = spool._connection.execute("PRAGMA page_count").fetchone()
    spool._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="SQLITE_FULL"):
        spool.add([item(os.urandom(1000)) for _ in range(80)])
    assert len(spool) == 10
    assert len(wires(spool)) == 10
    spool.remove([one.number for one in spool.due(1, *ALL)])
    assert len(spool) == 0
    spool._connection.execute("PRAGMA max_page_count = 100000")
    spool.add([item(b"again")])
    assert wires(spool) == {b"again"}


def test_two_processes_do_not_share_a_spool(spool: Spool, path: Path) -> None:
    spool.add([item(b"one")])
    with pytest.raises(StorageError, match="SQLITE_BUSY"):
        Spool(path, limit=10)


def test_a_held_wire_is_due_again_when_told_also_after_a_restart(path: Path) -> None:
    first = Spool(path, limit=10)
    first.add([item(b"refused"), item(b"other", 100.0)])
    ((number, held),) = [(one.number, one.held) for one in first.due(1, *ALL)]
    assert not held
    first.hold({number: 50.0})
    assert (first.pending(49.9), first.pending(50.0), len(first)) == (1, 2, 2)
    first.close()
    second = Spool(path, limit=10)
    assert (second.pending(49.9), second.pending(50.0), len(second)) == (1, 2, 2)
    assert wires(second, 49.9) == set()
    assert [(one.wire, one.held) for one in second.due(50.0, *ALL)] == [(b"refused", True)]
    second.remove([number])
    assert (second.pending(1), len(second)) == (1, 1)
    second.close()


def test_every_file_of_it_is_its_owners_alone_from_the_first_run(path: Path) -> None:
    before = os.umask(0)
    try:
        spool = Spool(path, limit=100)
        spool.add([item(b"one")])
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        spool.close()
    finally:
        os.umask(before)
    assert modes == {"spool.sqlite": 0o600, "spool.sqlite-wal": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_spool_others_could_read_is_closed_to_them(path: Path) -> None:
    Spool(path, limit=100).close()
    path.chmod(0o644)
    spool = Spool(path, limit=100)
    spool.add([item(b"one")])
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    spool.close()


def test_durability_is_asked_for(spool: Spool) -> None:
    settings = {
        name: spool._connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("synchronous", "journal_mode", "secure_delete")
    }
    assert settings == {"synchronous": 2, "journal_mode": "wal", "secure_delete": 1}


def test_numbers_tell_no_order(spool: Spool) -> None:
    for number in range(50):
        spool.add([item(bytes([number]))])
    rows = spool._connection.execute("SELECT wire FROM wires ORDER BY id").fetchall()
    assert [row[0][0] for row in rows] != sorted(row[0][0] for row in rows)


def test_a_file_that_is_no_spool_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(StorageError, match="SQLITE_NOTADB"):
        Spool(path, limit=10)


def test_a_spool_of_another_version_is_refused(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(StorageError, match="version"):
        Spool(path, limit=10)


def test_accepted_wires_are_counted_as_they_are_erased_and_the_counts_outlive_a_restart(path: Path) -> None:
    first = Spool(path, limit=10)
    first.count_from(7.9)
    first.add([item(b"one"), item(b"two"), SpoolItem("emissions", 0.0, b"three"), item(b"refused")])
    numbers = {one.wire: one.number for one in first.due(1, *ALL)}
    first.remove([numbers[b"one"], numbers[b"refused"]], [numbers[b"one"]])
    assert first.accepted() == AcceptedCounts(7, {"police": 1})
    first.close()
    second = Spool(path, limit=10)
    second.count_from(9.0)
    second.remove(list(numbers.values()), [numbers[b"two"], numbers[b"three"], numbers[b"one"]])
    assert second.accepted() == AcceptedCounts(7, {"emissions": 1, "police": 2})
    second.close()


def test_more_accepted_wires_than_a_statement_names_are_all_counted(path: Path) -> None:
    spool = Spool(path, limit=2_000)
    spool.count_from(0)
    spool.add([item(b"x") for _ in range(1_203)])
    numbers = [one.number for one in spool.due(1, *ALL)]
    spool.remove(numbers, numbers)
    assert spool.accepted().records == {"police": 1_203}
    spool.close()


def test_wires_that_cannot_be_erased_are_not_counted(spool: Spool) -> None:
    spool.count_from(0)
    spool.add([item(b"one")])
    [one] = spool.due(1, *ALL)
    spool._connection.execute("CREATE TRIGGER t BEFORE DELETE ON wires BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(StorageError):
        spool.remove([one.number], [one.number])
    assert (spool.accepted().records, len(spool)) == ({}, 1)


def test_counts_that_have_not_begun_are_not_told(spool: Spool) -> None:
    with pytest.raises(StorageError, match="not begun"):
        spool.accepted()


def test_a_spool_of_before_there_were_counts_is_taken_over(path: Path) -> None:
    old = Spool(path, limit=10)
    old.add([item(b"one")])
    for statement in ("DROP TABLE accepted", "DROP TABLE counting", "PRAGMA user_version = 2"):
        old._connection.execute(statement)
    old.close()
    spool = Spool(path, limit=10)
    spool.count_from(5.0)
    assert (wires(spool), spool.accepted()) == ({b"one"}, AcceptedCounts(5, {}))
    spool.close()


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        Spool(tmp_path / "file" / "spool.sqlite", limit=10)
