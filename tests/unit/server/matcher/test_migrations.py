"""A database of an earlier version goes on: its answers are entered in the ledger, its counts begin and balance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, insert, select, text

from blindplate.core.statements.uploads import Stage
from blindplate.server.matcher import answers_store, counts_store, migrations, reads_store
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.tables import answers, records, sequences
from tests.unit.server.matcher.conftest import START, segment
from tests.unit.server.matcher.entering import Ledger, clerk_of, offered
from tests.unit.server.matcher.stores import GRANTS, NOW, SLOTS, acknowledge, add

OLD_COLUMNS = [
    column.name for column in answers.columns if column.name not in ("entry", "ledger_index", "stage")
]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Left by the version before the ledger: two records, an answer that is out and one that was acknowledged."""
    path = tmp_path / "matcher.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(insert(sequences).values(list_id="police", last=2))
        for sequence, body in ((1, None), (2, b"answer")):
            row = {
                "list_id": "police",
                "sequence": sequence,
                "segment_id": bytes(32),
                "grant_id": "police-1",
                "body": body,
                "openings": body and bytes(64 * SLOTS),
                "expires_ms": 2 * NOW,
                "acknowledged_ms": None if body else NOW,
            }
            places = ", ".join(f":{name}" for name in OLD_COLUMNS)
            connection.execute(text(f"INSERT INTO answers ({', '.join(OLD_COLUMNS)}) VALUES ({places})"), row)
        for number, claimed_ms in ((1, NOW), (2, None)):
            connection.exec_driver_sql(
                "INSERT INTO receipts VALUES (?, ?, ?)", (bytes([number]) * 16, bytes(32), 2 * NOW)
            )
            connection.execute(
                insert(records).values(
                    number=number,
                    record_id=bytes([number]) * 16,
                    list_id="police",
                    zone="inner",
                    epoch="span-1000-10",
                    latest_ms=NOW,
                    expires_ms=2 * NOW,
                    record=b"record",
                    opening=bytes(64),
                    window_key_id=bytes(16),
                    claimed_ms=claimed_ms,
                )
            )
    engine.dispose()
    opened = Database(path)
    yield opened
    opened.close()


def test_an_answer_that_was_out_is_offered_again_once_it_is_entered(database: Database) -> None:
    database.write(lambda connection: counts_store.begin(connection, NOW))
    assert offered(database) == []
    ledger = Ledger()
    clerk_of(database, ledger).step()
    assert [batch.sequence for batch in ledger.batches()] == [2]
    assert offered(database) == [2]
    assert acknowledge(database, 1) == []
    with database.read() as connection:
        assert len(answers_store.open_slots(connection, "police", GRANTS, 2)) == 64 * SLOTS
        assert answers_store.stage_of(connection, "police", 2) is Stage.MATCH


def test_counts_begin_with_what_is_held(database: Database) -> None:
    database.write(lambda connection: counts_store.begin(connection, NOW))
    with database.read() as connection:
        totals = counts_store.totals(connection)
    [one] = totals.records
    one.require_balanced()
    assert (totals.since, one.received, one.claimed, one.open) == (START, 2, 1, 1)


def test_what_was_held_of_before_is_under_no_charging_terms_and_is_matched_as_before(
    database: Database,
) -> None:
    one = segment(matches_from=START - 1)
    add(database, one)
    with database.read() as connection:
        [read] = reads_store.load_numbers(connection, [2]).values()
        rows = connection.execute(select(records.c.reads, records.c.opens_ms, records.c.kept_ms)).all()
    assert {tuple(row) for row in rows} == {(1, None, None)}
    assert read.stage is Stage.MATCH
    assert read.waiting == {one.segment_id}
