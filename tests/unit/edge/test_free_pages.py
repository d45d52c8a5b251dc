"""Freed pages of an SQLite file: found where rows were deleted and not overwritten, and nowhere else."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import StorageError
from blindplate.edge.free_pages import remains, wal_bytes

PLATE = b"AB12CDE"


def emptied(path: Path, *, secure: bool, page: int = 4096, rows: int = 300, wal: bool = False) -> Path:
    """A database from which most rows were deleted."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous=OFF")
        database.execute(f"PRAGMA page_size={page}")
        database.execute(f"PRAGMA secure_delete={'ON' if secure else 'OFF'}")
        if wal:
            database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE reads (plate BLOB)")
        database.executemany("INSERT INTO reads VALUES (?)", [(PLATE * 300,)] * rows)
        database.execute("DELETE FROM reads WHERE rowid > 3")
        if wal:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            assert wal_bytes(path) == 0
    return path


@pytest.mark.parametrize("wal", [False, True])
def test_nothing_remains_of_rows_that_were_overwritten_as_they_were_deleted(
    tmp_path: Path, wal: bool
) -> None:
    path = emptied(tmp_path / "db", secure=True, wal=wal)
    assert remains(path) == 0
    # Pages in use are not looked at.
    assert PLATE in path.read_bytes()


def test_numbers_of_pages_that_were_used_again_are_no_rows(tmp_path: Path) -> None:
    path = emptied(tmp_path / "db", secure=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA secure_delete=ON")
        database.executemany("INSERT INTO reads VALUES (?)", [(PLATE * 300,)] * 20)
    assert remains(path) == 0


def test_rows_that_were_only_forgotten_remain(tmp_path: Path) -> None:
    # One row a page and more: nearly every page of them was freed.
    assert remains(emptied(tmp_path / "db", secure=False)) > 100


@settings(max_examples=8, deadline=None)
@given(page=st.sampled_from([512, 4096, 65_536]), rows=st.integers(4, 200), secure=st.booleans())
def test_what_remains_is_what_sqlite_calls_free(
    tmp_path_factory: pytest.TempPathFactory, page: int, rows: int, secure: bool
) -> None:
    path = emptied(tmp_path_factory.mktemp("free") / "db", secure=secure, page=page, rows=rows)
    with closing(sqlite3.connect(path)) as database:
        (free,) = database.execute("PRAGMA freelist_count").fetchone()
    assert remains(path) <= (0 if secure else free)
    if secure:
        return
    # All but the last trunk pages, which hold little else than numbers, were full of rows.
    assert remains(path) >= free - free // 8 - 1


def test_a_database_without_a_page_or_a_log_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "db").touch()
    assert (remains(tmp_path / "db"), wal_bytes(tmp_path / "db")) == (0, 0)


def test_the_log_of_a_database_that_was_not_emptied_is_counted(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE reads (plate BLOB)")
        assert wal_bytes(tmp_path / "db") > 0


def test_what_is_no_database_or_is_cut_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        remains(tmp_path / "none")
    (tmp_path / "text").write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageError, match="hold together"):
        remains(tmp_path / "text")
    cut = emptied(tmp_path / "db", secure=True)
    cut.write_bytes(cut.read_bytes()[:40_000])
    with pytest.raises(StorageError, match="hold together"):
        remains(cut)


WRITING = (
    "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('INSERT INTO reads VALUES (1)')"
)


def test_looking_lets_go_of_no_lock_that_this_process_holds(tmp_path: Path) -> None:
    """As closing the file would, on POSIX systems: another process could then write into what is locked."""
    path = emptied(tmp_path / "db", secure=True)

    def refused() -> bool:
        done = subprocess.run([sys.executable, "-c", WRITING, path], stderr=subprocess.PIPE)
        return b"locked" in done.stderr

    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        assert refused()
        for _ in range(3):
            remains(path)
        assert refused()
        path.open("rb").close()
        assert not refused()
