"""The schema of the owner's database: made once, and brought up to date where an earlier version of this software made it.

Guarantees that a file is of this schema afterwards or unchanged (the caller's transaction), and that what was committed
to before can still be opened after. A file of a later schema is refused. Specified in docs/spec/owner.md section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, func, insert, literal, select, update

from blindplate.client.owner.charging import tables as charging_tables
from blindplate.client.owner.entries import priority_of
from blindplate.client.owner.retention import tables as retention_tables
from blindplate.client.owner.tables import (
    SCHEMA_VERSION,
    answers,
    entries,
    former_details,
    hits,
    metadata,
    segments,
    versions,
    waiting,
)
from blindplate.core.errors import StorageError
from blindplate.core.records.record import SealedRecord
from blindplate.core.statements.priorities import Priority
from blindplate.core.statements.uploads import Stage


def make_schema(connection: Connection, folder: Path) -> None:
    """Make every table, or add what an earlier schema lacks. Raises StorageError for a schema that is not known."""
    found: int = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if found == SCHEMA_VERSION:
        return
    if found == 0:
        metadata.create_all(connection)
    elif found in _STEPS:
        for version in range(found, SCHEMA_VERSION):
            _STEPS[version](connection)
    else:
        raise StorageError(
            f"The database in {folder} is of schema {found}, not {SCHEMA_VERSION}.",
            "Use the version of this software that made it, or name a new folder and submit the list again.",
        )
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _from_2(connection: Connection) -> None:
    """Entries get the UK form's columns and a priority that is one of a closed list; lists have revisions."""
    metadata.create_all(connection)
    _add(connection, entries, "effective_date", "DATE")
    for name in (
        "warning_markers", "intelligence", "information", "force_area", "pnc_id", "marking", "cad", "spare_1", "spare_2",
    ):  # fmt: skip
        _add(connection, entries, name, "VARCHAR NOT NULL DEFAULT ''")
    _add(connection, former_details, "priority", f"VARCHAR NOT NULL DEFAULT '{Priority.NONE}'")
    _rank_entries(connection)


def _from_3(connection: Connection) -> None:
    """Charging in two stages: uploads have a stage, answers keep reads, entries say what may exempt their vehicle."""
    charging_tables.metadata.create_all(connection)
    for table in (entries, waiting):
        for name in ("built", "tax_class", "vehicle_kind"):
            # A step before this one may have made the table as it is now.
            if not _has(connection, table, name):
                _add(connection, table, name, "VARCHAR NOT NULL DEFAULT ''")
    _add(connection, segments, "stage", f"VARCHAR NOT NULL DEFAULT '{Stage.MATCH}'")
    _add(connection, answers, "kept", "INTEGER NOT NULL DEFAULT 0")


def _from_4(connection: Connection) -> None:
    """Evidence has its days, counted from the capture; holds, and counts of what was erased."""
    retention_tables.metadata.create_all(connection)
    if not _has(connection, hits, "captured_at"):
        _add(connection, hits, "captured_at", "FLOAT NOT NULL DEFAULT 0")
    (by_capture,) = (one for one in hits.indexes if one.name == "hits_by_capture")
    by_capture.create(connection, checkfirst=True)
    for hit_id, record in connection.execute(select(hits.c.hit_id, hits.c.record)).all():
        captured_at = SealedRecord.from_bytes(record).header.capture_time_ms / 1000
        connection.execute(update(hits).where(hits.c.hit_id == hit_id).values(captured_at=captured_at))


def _has(connection: Connection, table: Table, column: str) -> bool:
    found = connection.exec_driver_sql(f"PRAGMA table_info({table.name})").all()
    return any(row[1] == column for row in found)


def _add(connection: Connection, table: Table, column: str, kind: str) -> None:
    connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {column} {kind}")


def _rank_entries(connection: Connection) -> None:
    """Give entries the priority that their text means; a text that means none goes to the note."""
    last: int | None = connection.execute(select(func.max(versions.c.version))).scalar()
    written = select(entries.c.priority).distinct()
    ranks = {one: priority_of(one) for one in connection.execute(written).scalars()}
    for one, priority in ranks.items():
        of_it = entries.c.priority == one
        if priority is None:
            noted = func.trim(entries.c.note + f" priority: {one}")
            connection.execute(update(entries).where(of_it).values(priority=Priority.NONE, note=noted))
            continue
        if priority is not Priority.NONE:
            _keep_what_leaves_said(connection, of_it, last)
        connection.execute(update(entries).where(of_it).values(priority=priority))
    if set(ranks.values()) - {Priority.NONE, None}:
        # What leaves say from now on is a version of its own, to be committed to.
        made_at = select(func.max(versions.c.made_at)).scalar_subquery()
        connection.execute(insert(versions).values(made_at=made_at, added=0, removed=0))


def _keep_what_leaves_said(connection: Connection, of_it: ColumnElement[bool], last: int | None) -> None:
    """Up to version ``last`` leaves said nothing of a priority."""
    unchanged = (entries.c.reason, entries.c.officer, entries.c.weed_date)
    said = select(entries.c.entry_id, literal(last), *unchanged, literal(Priority.NONE.value)).where(of_it)
    columns = ("entry_id", "last_version", "reason", "officer", "weed_date", "priority")
    connection.execute(insert(former_details).prefix_with("OR IGNORE").from_select(columns, said))


# What brings a file of each earlier schema one further.
_STEPS: Final[dict[int, Callable[[Connection], None]]] = {2: _from_2, 3: _from_3, 4: _from_4}
