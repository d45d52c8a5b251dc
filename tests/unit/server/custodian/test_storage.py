"""The database: made by its migrations as the tables say, durable, whole or not at all."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from blindplate.core.errors import QuotaError, StorageError
from blindplate.server.custodian import quotas, storage
from blindplate.server.custodian.storage import open_database, reading, truncate_log, writing
from blindplate.server.custodian.tables import METADATA


def test_migrations_make_exactly_the_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)
    assert [one for one in differences if "alembic_version" not in str(one)] == []


def test_opens_again_with_its_content(engine: Engine, tmp_path: Path) -> None:
    with writing(engine) as connection:
        quotas.debit(connection, "one", 3, limit=5, period=60, moment=1)
    again = open_database(tmp_path / "state" / "custodian.sqlite")
    with reading(again) as connection:
        assert quotas.used(connection, "one", period=60, moment=1) == 3
    again.dispose()


def test_every_commit_is_synced_and_erased_pages_are_overwritten(engine: Engine) -> None:
    with reading(engine) as connection:
        found = [
            connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        ]
    assert found == ["wal", 2, 1, 1]


def test_only_its_owner_reads_it(engine: Engine, tmp_path: Path) -> None:
    del engine
    for file in (tmp_path / "state").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_a_transaction_that_fails_leaves_nothing(engine: Engine) -> None:
    def spend(units: int) -> None:
        with writing(engine) as connection:
            quotas.debit(connection, "one", 3, limit=5, period=60, moment=1)
            quotas.debit(connection, "two", units, limit=5, period=60, moment=1)

    with pytest.raises(QuotaError):
        spend(6)
    with reading(engine) as connection:
        assert quotas.used(connection, "one", period=60, moment=1) == 0


def test_a_database_that_refuses_is_a_storage_error_without_values(engine: Engine) -> None:
    with pytest.raises(StorageError) as caught, writing(engine) as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": "AB12CDE"})
    assert "AB12CDE" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_full_disk_is_a_storage_error(engine: Engine) -> None:
    def fill() -> None:
        with writing(engine) as connection:
            connection.execute(text("PRAGMA max_page_count = 1"))
            for number in range(2_000):
                quotas.debit(connection, f"subject {number}", 1, limit=5, period=60, moment=1)

    with pytest.raises(StorageError):
        fill()


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        open_database(tmp_path / "state" / "custodian.sqlite")


def test_the_drivers_own_error_is_a_storage_error(engine: Engine) -> None:
    with reading(engine) as connection:
        raw = connection.connection.driver_connection
    assert raw is not None
    raw.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
    with pytest.raises(StorageError):
        truncate_log(engine)


def test_a_log_that_a_reader_holds_is_a_storage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_BUSY_SECONDS", 0.05)
    engine = open_database(tmp_path / "custodian.sqlite")
    with reading(engine) as held:
        held.execute(text("SELECT count(*) FROM quotas"))
        with writing(engine) as connection:
            quotas.debit(connection, "one", 3, limit=5, period=60, moment=1)
        with pytest.raises(StorageError):
            truncate_log(engine)
    truncate_log(engine)
    engine.dispose()


def test_truncated_log_is_empty(engine: Engine, tmp_path: Path) -> None:
    with writing(engine) as connection:
        quotas.debit(connection, "one", 3, limit=5, period=60, moment=1)
    log = tmp_path / "state" / "custodian.sqlite-wal"
    assert log.stat().st_size > 0
    truncate_log(engine)
    assert log.stat().st_size == 0
