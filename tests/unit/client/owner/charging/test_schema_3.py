"""A database from before charging: opened, brought up to date, its uploads and answers what they were."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import select

from blindplate.client.owner import segments as uploads
from blindplate.client.owner.store import Store
from blindplate.client.owner.tables import SCHEMA_VERSION, answers, metadata
from blindplate.core.statements.uploads import Stage

_ADDED = {
    "entries": ("built", "tax_class", "vehicle_kind"),
    "waiting": ("built", "tax_class", "vehicle_kind"),
    "segments": ("stage",),
    "answers": ("kept",),
}
_TABLES = ("notices", "charges", "kept_reads", "settlements")


def made_before(folder: Path) -> None:
    """A database as schema 3 was, with an upload and an answer."""
    Store(folder).close()
    raw = sqlite3.connect(folder / "owner.sqlite")
    for table, columns in _ADDED.items():
        for column in columns:
            raw.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    for table in _TABLES:
        raw.execute(f"DROP TABLE {table}")
    raw.execute("PRAGMA user_version = 3")
    names = "segment_id, scope, epoch_index, epoch_ends, number, first_version, last_version, as_of, matches_from, bins, degree, parameter_set, salt, state, made_at"
    raw.execute(
        f"INSERT INTO segments ({names}) VALUES (x'01', 's', 5, 9.0, 0, 1, 1, 1, 1, 1, 64, 'prompt', x'00', 'live', 1.0)"
    )
    raw.execute("INSERT INTO answers VALUES (7, x'01', 'opened', 2, 1.0, 1)")
    raw.commit()
    raw.close()


def columns(store: Store) -> dict[str, set[tuple[str, str, int]]]:
    with store.reading() as connection:
        return {
            name: {
                (row[1], row[2], row[3]) for row in connection.exec_driver_sql(f"PRAGMA table_info({name})")
            }
            for name in metadata.tables
        }


def test_a_database_of_before_charging_is_brought_up_to_date(tmp_path: Path) -> None:
    made_before(tmp_path / "state")
    stores = [Store(tmp_path / "state"), Store(tmp_path / "new")]
    assert columns(stores[0]) == columns(stores[1])
    with stores[0].reading() as connection:
        assert connection.exec_driver_sql("PRAGMA user_version").scalar_one() == SCHEMA_VERSION
        found = uploads.find_segment(connection, b"\x01")
        assert found is not None
        assert found.stage is Stage.MATCH
        assert connection.execute(select(answers.c.kept)).scalar_one() == 0
    for store in stores:
        store.close()
