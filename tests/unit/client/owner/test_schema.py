"""A database of an earlier version: opened, brought up to date, and what was committed to before still opened."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from blindplate.client.owner import roster
from blindplate.client.owner.leaves import evaluated, said_in
from blindplate.client.owner.store import Store
from blindplate.client.owner.tables import SCHEMA_VERSION, entries, metadata
from blindplate.core.domains import Domain
from blindplate.core.errors import StorageError
from blindplate.core.membership import details_digest
from blindplate.core.statements.priorities import Priority
from tests.unit.client.owner.samples import encoded

SCHEMA_2 = Path(__file__).with_name("schema_2.sql").read_text()
DOMAIN = Domain("police", "inner", 1)


def made_before(folder: Path) -> None:
    """Three entries of two versions, and one that said something else in the first."""
    folder.mkdir(mode=0o700)
    raw = sqlite3.connect(folder / "owner.sqlite")
    raw.executescript(SCHEMA_2)
    raw.executemany("INSERT INTO versions VALUES (?, 1.0, 0, 0)", [(1,), (2,)])
    for number, (plate, priority) in enumerate(
        (("AB12CDE", "High"), ("KL63XYZ", ""), ("MN20PRS", "gold")), start=1
    ):
        raw.execute(
            "INSERT INTO entries VALUES (?, ?, 'stolen', ?, 'Stop', '2026-12-31', '', '', '', 'seen', '', 1, 5.0, NULL, NULL)",
            (number, encoded(plate), priority),
        )
        raw.execute(
            "INSERT INTO evaluations VALUES (?, 'inner', 1, ?, ?)", (encoded(plate), bytes(64), bytes(16))
        )
    raw.execute("INSERT INTO former_details VALUES (1, 1, 'seen', '', NULL)")
    raw.commit()
    raw.close()


def test_a_database_of_the_earlier_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    made_before(tmp_path / "state")
    store = Store(tmp_path / "state")
    with store.reading() as connection:
        found = {
            one: roster.find_entry(connection, encoded(one)) for one in ("AB12CDE", "KL63XYZ", "MN20PRS")
        }
        version: int = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    assert version == SCHEMA_VERSION
    details = {plate: one.details for plate, one in found.items() if one is not None}
    assert [one.priority for one in details.values()] == [Priority.HIGH, Priority.NONE, Priority.NONE]
    assert details["MN20PRS"].note == "seen priority: gold"
    assert (details["AB12CDE"].weed_date, details["AB12CDE"].cad) == (date(2026, 12, 31), "")
    store.close()
    Store(tmp_path / "state").close()


def test_a_file_brought_up_to_date_has_the_columns_of_one_made_anew(tmp_path: Path) -> None:
    made_before(tmp_path / "state")
    stores = [Store(tmp_path / "state"), Store(tmp_path / "new")]

    def columns(store: Store) -> dict[str, set[tuple[str, str, int]]]:
        with store.reading() as connection:
            return {
                name: {
                    (row[1], row[2], row[3])
                    for row in connection.exec_driver_sql(f"PRAGMA table_info({name})")
                }
                for name in metadata.tables
            }

    assert columns(stores[0]) == columns(stores[1])
    for store in stores:
        store.close()


def test_leaves_of_versions_before_still_say_nothing_of_a_priority(tmp_path: Path) -> None:
    made_before(tmp_path / "state")
    store = Store(tmp_path / "state")
    with store.reading() as connection:
        held = {
            one.entry_id: one for one in evaluated(connection, DOMAIN, entries.c.removed_version.is_(None))
        }
        stated = details_digest("stolen", "", "2026-12-31")
        assert said_in(connection, [held[1]], 1)[0].details == details_digest("seen", "", "")
        assert said_in(connection, [held[1]], 2)[0].details == stated
        # A version of its own says it, and is to be committed to.
        assert roster.latest_version(connection) == 3
        [now] = said_in(connection, [held[1]], 3)
        assert (now.stated, now.priority) == (stated, Priority.HIGH)
        assert now.details != stated
        for number in (2, 3):
            said = [one for version in (1, 2, 3) for one in said_in(connection, [held[number]], version)]
            assert {one.details for one in said} == {stated}
    store.close()


def test_a_database_without_priorities_gets_no_new_version(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    made_before(folder)
    raw = sqlite3.connect(folder / "owner.sqlite")
    raw.execute("UPDATE entries SET priority = ''")
    raw.commit()
    raw.close()
    store = Store(folder)
    with store.reading() as connection:
        assert roster.latest_version(connection) == 2
        assert set(connection.execute(select(entries.c.priority)).scalars()) == {"none"}
    store.close()


def test_an_interrupted_step_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    made_before(folder)
    raw = sqlite3.connect(folder / "owner.sqlite")
    # What the step is to add is there already, so that it fails in its middle.
    raw.execute("ALTER TABLE former_details ADD COLUMN priority VARCHAR")
    raw.commit()
    raw.close()
    with pytest.raises(StorageError):
        Store(folder)
    raw = sqlite3.connect(folder / "owner.sqlite")
    assert raw.execute("PRAGMA user_version").fetchone() == (2,)
    assert "cad" not in {row[1] for row in raw.execute("PRAGMA table_info(entries)")}
    raw.close()
