"""What the tests of the stores do to a database, one transaction each."""

from __future__ import annotations

from collections.abc import Collection

from blindplate.core.signing import SigningKey
from blindplate.core.statements.matching import Batches
from blindplate.server.matcher import answers_store, batch_entries, outbox, records_store, segments_store
from blindplate.server.matcher.segments_store import Bounds, Segment
from blindplate.server.matcher.storage import Database
from tests.unit.server.matcher.conftest import START

CAPACITY = 1_000
BOUNDS = Bounds(CAPACITY, segments=60, file_bytes=1 << 20)
SLOTS = 100
GRANTS = frozenset({"police-1"})
NOW = 1000 * START
MATCHER = SigningKey.from_seed(b"m" * 32)


def take(database: Database, *wires: records_store.Admitted) -> list[int]:
    outcomes = database.write(lambda connection: records_store.take(connection, wires, NOW))
    return [outcome for outcome in outcomes if isinstance(outcome, int)]


def add(database: Database, one: Segment, bounds: Bounds = BOUNDS) -> tuple[bool, list[bytes]]:
    return database.write(lambda connection: segments_store.add(connection, one, bounds, NOW))


def waiting(database: Database, one: Segment) -> list[int]:
    with database.read() as connection:
        return answers_store.waiting_for(connection, one.segment_id, 1000)


def stored(database: Database, one: Segment, numbers: list[int], body: bytes = b"body") -> int:
    """An answer that the ledger has not been told of."""
    return database.write(
        lambda connection: answers_store.store(connection, one, body, SLOTS, dict(enumerate(numbers)), NOW)
    )


def answer(database: Database, one: Segment, numbers: list[int]) -> int:
    """An answer that is offered."""
    sequence = stored(database, one, numbers)
    enter(database)
    return sequence


def put_batches(database: Database) -> int:
    """Have a statement of what no statement names yet sent; the number of batches it names."""
    with database.read() as connection:
        batches = batch_entries.unentered(connection)
    if batches:
        statement = Batches(batches=tuple(batches), made_at=START).statement(MATCHER)
        database.write(lambda connection: batch_entries.put(connection, batches, statement))
    return len(batches)


def enter(database: Database) -> None:
    """Give everything that waits for the ledger its receipt."""
    while put_batches(database):
        continue
    with database.read() as connection:
        indices = {one.number: 1_000 + one.number for one in outbox.unsent(connection, 1_000)}
    database.write(lambda connection: batch_entries.entered(connection, indices))


def claim(database: Database, sequence: int, slots: Collection[int]) -> dict[int, int]:
    return database.write(
        lambda connection: answers_store.claim(connection, "police", GRANTS, sequence, slots, NOW)
    )


def acknowledge(database: Database, sequence: int) -> list[int]:
    return database.write(
        lambda connection: answers_store.acknowledge(connection, "police", GRANTS, sequence, NOW)
    )
