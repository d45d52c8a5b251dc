"""For how long a log has held what it holds: from when it was last cut to nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from blindplate.server.matcher.retention.log_watch import LogWatch


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as opened:
        opened.execute("PRAGMA journal_mode=WAL")
        opened.execute("PRAGMA wal_autocheckpoint=0")
        opened.execute("CREATE TABLE reads (read BLOB)")
        yield opened


@pytest.fixture
def watch(database: sqlite3.Connection, tmp_path: Path) -> LogWatch:
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    watch = LogWatch(tmp_path / "db")
    assert watch.look(100) == 0
    return watch


def write(database: sqlite3.Connection, rows: int = 1) -> None:
    for _ in range(rows):
        database.execute("INSERT INTO reads VALUES (?)", (bytes(3000),))


def test_an_empty_log_holds_nothing_however_long(watch: LogWatch) -> None:
    assert watch.look(5000) == 0


def test_a_log_that_is_written_and_never_emptied_grows_old(
    watch: LogWatch, database: sqlite3.Connection
) -> None:
    write(database)
    assert watch.look(200) == 0
    write(database)
    assert watch.look(1000) == 800


@pytest.mark.parametrize("mode", ["TRUNCATE", "TRUNCATE and written again"])
def test_a_log_that_was_cut_is_young(watch: LogWatch, database: sqlite3.Connection, mode: str) -> None:
    write(database, 5)
    watch.look(200)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if mode != "TRUNCATE":
        write(database, 3)
    assert watch.look(1000) == 0


def test_a_log_that_begins_anew_over_its_old_pages_still_holds_them(
    watch: LogWatch, database: sqlite3.Connection
) -> None:
    write(database, 20)
    watch.look(200)
    database.execute("PRAGMA wal_checkpoint(RESTART)")
    write(database)
    assert watch.look(1000) == 800
    write(database, 30)
    assert watch.look(1100) == 0


def test_at_the_first_look_it_is_as_old_as_its_last_writing(
    database: sqlite3.Connection, tmp_path: Path
) -> None:
    write(database)
    os.utime(tmp_path / "db-wal", (50, 50))
    assert LogWatch(tmp_path / "db").look(80) == 30
    assert LogWatch(tmp_path / "none").look(80) == 0
