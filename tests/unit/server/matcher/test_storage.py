"""The database: durable groups, refusals that harm nobody, full disks, overwritten pages."""

from __future__ import annotations

import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, text

from blindplate.core.errors import ReplayError, StorageError, UnavailableError
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.tables import METADATA, sequences


def put(connection: Connection, name: str) -> str:
    connection.execute(insert(sequences).values(list_id=name, last=1))
    return name


def names(database: Database) -> set[str]:
    with database.read() as connection:
        return {row.list_id for row in connection.execute(sequences.select())}


def test_the_migrated_schema_is_the_declared_one(database: Database) -> None:
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_settings_that_durability_and_erasure_rest_on(database: Database) -> None:
    def pragmas(connection: Connection) -> list[object]:
        wanted = ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in wanted]

    assert database.write(pragmas) == ["wal", 2, 1, 1]


def test_nobody_else_reads_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    database = Database(folder / "matcher.db")
    database.write(lambda connection: put(connection, "a"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    database.close()


def test_works_that_wait_together_share_a_commit_and_a_refusal_undoes_itself_alone(
    database: Database,
) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def hold(_connection: Connection) -> None:
        entered.set()
        go_on.wait(10)

    def refused(connection: Connection) -> None:
        put(connection, "refused")
        raise ReplayError("No.")

    def broken(connection: Connection) -> None:
        put(connection, "broken")
        raise RuntimeError

    with ThreadPoolExecutor(4) as threads:
        holding = threads.submit(database.write, hold)
        entered.wait(10)
        good = threads.submit(database.write, lambda connection: put(connection, "good"))
        bad = threads.submit(database.write, refused)
        worse = threads.submit(database.write, broken)
        go_on.set()
        holding.result()
        assert good.result() == "good"
        with pytest.raises(ReplayError):
            bad.result()
        with pytest.raises(RuntimeError):
            worse.result()
    assert names(database) == {"good"}


def test_a_full_disk_is_a_storage_error_and_keeps_nothing(database: Database) -> None:
    def fill(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        put(connection, "a")
        connection.execute(text("INSERT INTO counts VALUES ('d', 'l', zeroblob(1000000), 'e', 1)"))

    with pytest.raises(StorageError) as caught:
        database.write(fill)
    assert "zeroblob" not in str(caught.value)
    assert names(database) == set()
    database.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1000000"))
    database.write(lambda connection: put(connection, "b"))
    assert names(database) == {"b"}


def test_a_nearly_full_disk_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    database = Database(tmp_path / "matcher.db", min_free_bytes=1 << 60)
    with pytest.raises(StorageError):
        database.require_room()
    database.close()


def test_a_file_that_is_no_database_is_a_storage_error(tmp_path: Path) -> None:
    path = tmp_path / "matcher.db"
    path.write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(StorageError):
        Database(path)


def test_deleted_bytes_are_in_no_file_once_the_log_is_truncated(tmp_path: Path) -> None:
    database = Database(tmp_path / "matcher.db")
    canary = "canary-" + "q" * 50

    def found() -> bool:
        return any(canary.encode() in path.read_bytes() for path in tmp_path.iterdir())

    database.write(lambda connection: put(connection, canary))
    assert found()
    database.write(lambda connection: connection.execute(sequences.delete()))
    assert found()  # in the log still
    assert database.truncate_log()
    assert not found()
    database.close()


def test_the_log_is_not_truncated_under_a_reader(database: Database) -> None:
    with database.read() as connection:
        connection.execute(sequences.select()).all()
        database.write(lambda writing: put(writing, "a"))
        assert not database.truncate_log()
    assert database.truncate_log()


def test_a_closed_database_refuses(tmp_path: Path) -> None:
    database = Database(tmp_path / "matcher.db")
    database.close()
    with pytest.raises(UnavailableError):
        database.write(lambda connection: put(connection, "a"))
    database.close()


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk I/O error"), KeyError("unforeseen")])
def test_whatever_stops_a_commit_is_heard_of_and_the_writer_lives_on(
    database: Database, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def begin(self) -> NoReturn:
            raise error

    with monkeypatch.context() as broken:
        broken.setattr(database, "_writer", Broken())
        with pytest.raises(StorageError):
            database.write(lambda _: None)
    assert database.write(lambda _: 7) == 7
