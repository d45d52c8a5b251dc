"""The database file: closed to others, whole or not at all, shared by processes."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from blindplate.client.owner.locks import file_lock
from blindplate.client.owner.store import Store
from blindplate.client.owner.tables import versions
from blindplate.core.errors import StorageError

ROW = {"made_at": 1.0, "added": 0, "removed": 0}


def numbers(store: Store) -> list[int]:
    with store.reading() as connection:
        return list(connection.execute(select(versions.c.version)).scalars())


def test_every_file_is_closed_to_others(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    with store.writing() as connection:
        connection.execute(insert(versions).values(ROW))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "state").iterdir()}
    assert set(modes.values()) == {0o600}
    assert "owner.sqlite-wal" in modes
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    store.close()


def test_what_was_written_is_there_for_another_process(tmp_path: Path) -> None:
    first, second = Store(tmp_path / "state"), Store(tmp_path / "state")
    with first.writing() as connection:
        connection.execute(insert(versions).values(ROW))
    assert numbers(second) == [1]
    first.close()
    second.close()


def test_an_exception_undoes_the_whole_block(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")

    def fail() -> None:
        with store.writing() as connection:
            connection.execute(insert(versions).values(ROW))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert numbers(store) == []
    store.close()


def test_writers_queue_and_lose_nothing(tmp_path: Path) -> None:
    stores = [Store(tmp_path / "state") for _ in range(4)]

    def write(store: Store) -> None:
        for _ in range(10):
            with store.writing() as connection:
                # Reads first: a transaction that did not take the lock at once would fail here.
                connection.execute(select(versions)).all()
                connection.execute(insert(versions).values(ROW))

    threads = [threading.Thread(target=write, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(stores[0]) == list(range(1, 41))
    for store in stores:
        store.close()


def test_processes_that_make_the_file_at_once_wait_for_each_other(tmp_path: Path) -> None:
    failures: list[BaseException] = []
    together = threading.Barrier(8)

    def open_it() -> None:
        try:
            together.wait(30)
            Store(tmp_path / "state").close()
        except BaseException as error:  # noqa: BLE001  looked at below
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_commits_are_durable_and_erasures_overwrite(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    with store.reading() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        ]
    assert found == ["wal", 2, 1, 1]
    store.close()


def test_a_file_of_another_schema_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    with store.writing() as connection:
        connection.exec_driver_sql("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(StorageError, match="schema 99"):
        Store(tmp_path / "state")


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Store(tmp_path / "file" / "state")


def test_a_refusal_of_the_database_does_not_quote_what_was_to_be_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")

    def write_twice() -> None:
        with store.writing() as connection:
            connection.execute(insert(versions).values({**ROW, "version": 1}))
            connection.execute(insert(versions).values({**ROW, "version": 1, "added": 424_242}))

    with pytest.raises(StorageError) as caught:
        write_twice()
    assert "424242" not in str(caught.value)
    assert caught.value.__cause__ is None
    store.close()


def test_one_process_publishes_at_a_time(tmp_path: Path) -> None:
    first, second = Store(tmp_path / "state"), Store(tmp_path / "state")
    with first.publishing(wait=False) as mine, second.publishing(wait=False) as also_mine:
        assert (mine, also_mine) == (True, False)
    with second.publishing(wait=True) as mine:
        assert mine
    first.close()
    second.close()


def test_a_lock_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError), file_lock(tmp_path / "nowhere" / "lock"):
        pass
