"""Records in the database: taken once, looked up in any number, gone when their windows end."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

from blindplate.core.errors import ReplayError
from blindplate.server.matcher import counts_store, erasure, reads_store, records_store
from blindplate.server.matcher.counts_store import Event
from blindplate.server.matcher.storage import Database
from tests.unit.server.matcher.conftest import END, WINDOW, Count, admitted, segment
from tests.unit.server.matcher.stores import NOW, acknowledge, add, answer, claim, take, waiting


def test_a_record_sent_again_is_taken_once(database: Database, count: Count) -> None:
    one = admitted()
    assert len(take(database, one, one)) == 1
    assert take(database, one) == []
    assert (count("records"), count("receipts")) == (1, 1)


def test_other_bytes_under_a_taken_id_are_refused(database: Database) -> None:
    one = admitted()
    other = replace(one, wire_digest=bytes(32))
    [first, second] = database.write(lambda connection: records_store.take(connection, [one, other], NOW))
    assert isinstance(first, int)
    assert isinstance(second, ReplayError)
    [again] = database.write(lambda connection: records_store.take(connection, [other], NOW))
    assert isinstance(again, ReplayError)


def test_an_erased_record_sent_again_is_confirmed_but_not_matched_again(
    database: Database, count: Count
) -> None:
    base, one = segment(), admitted()
    add(database, base)
    numbers = take(database, one)
    assert acknowledge(database, answer(database, base, numbers)) == numbers
    assert take(database, one) == []
    assert (count("records"), count("receipts"), waiting(database, base)) == (0, 1, [])


def test_more_reads_than_a_statement_holds_are_looked_up(database: Database) -> None:
    [number] = take(database, admitted())
    many = range(40_000)
    with database.read() as connection:
        raw: Any = connection.connection.driver_connection
        # What SQLite allows unless it was built with more.
        raw.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
        assert list(records_store.wires(connection, many)) == [number]
        assert list(reads_store.load_numbers(connection, many)) == [number]


def test_window_ends_erase_everything_and_counts_stay(database: Database, count: Count) -> None:
    base = segment()
    add(database, base)
    numbers = take(database, admitted(), admitted(), admitted(zone="outer"))
    sequence = answer(database, base, numbers)
    claim(database, sequence, [0])
    end = 1000 * (END + WINDOW + 1)
    assert set(database.write(lambda connection: erasure.erase_ended(connection, end))) == set(numbers)
    assert database.write(lambda connection: erasure.drop_ended(connection, end)) == [base.segment_id]
    for table in ("records", "receipts", "segments", "waiting", "answers", "slots"):
        assert count(table) == 0, table
    with database.read() as connection:
        counted = {
            (zone, event): amount for (_, _, zone, event), amount in counts_store.read(connection).items()
        }
    assert counted == {
        ("inner", Event.RECEIVED): 2,
        ("outer", Event.RECEIVED): 1,
        ("inner", Event.ANSWERED): 2,
        ("outer", Event.ANSWERED): 1,
        ("inner", Event.CLAIMED): 1,
        ("inner", Event.ERASED_CLAIMED): 1,
        ("inner", Event.ERASED_UNCLAIMED): 1,
        ("outer", Event.ERASED_UNCLAIMED): 1,
    }
