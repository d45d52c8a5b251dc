"""Answers in the database: who may have them, what a claim and an acknowledgement do, how often a number is used."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from blindplate.core.batches import OPENING_BYTES
from blindplate.core.errors import GoneError, NotFoundError
from blindplate.server.matcher import answers_store, erasure, records_store
from blindplate.server.matcher.openings import opening_of
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.tables import answers, records
from tests.unit.server.matcher.conftest import END, START, WINDOW, Count, admitted, segment
from tests.unit.server.matcher.stores import (
    GRANTS,
    NOW,
    SLOTS,
    acknowledge,
    add,
    answer,
    claim,
    enter,
    put_batches,
    stored,
    take,
    waiting,
)


def test_claims_need_an_open_answer(database: Database) -> None:
    base = segment()
    add(database, base)
    numbers = take(database, admitted(), admitted())
    with pytest.raises(NotFoundError):
        claim(database, 1, [0, 5])
    with pytest.raises(NotFoundError):
        acknowledge(database, 1)
    sequence = answer(database, base, numbers)
    assert claim(database, sequence, [0, 5]) == {0: numbers[0]} == claim(database, sequence, [0, 5])
    assert acknowledge(database, sequence) == [numbers[1]]
    assert acknowledge(database, sequence) == []
    with pytest.raises(GoneError):
        claim(database, sequence, [0, 5])


def test_a_claimed_record_keeps_no_sealed_secret(database: Database) -> None:
    base = segment()
    add(database, base)
    numbers = take(database, admitted())
    sequence = answer(database, base, numbers)
    claim(database, sequence, [0])
    with database.read() as connection:
        assert connection.execute(select(records.c.envelope)).scalar_one() is None
        assert records_store.wires(connection, numbers) == {}


def test_a_claimed_record_is_matched_by_no_later_segment(database: Database) -> None:
    base, delta = segment(), segment(1)
    add(database, base)
    numbers = take(database, admitted(), admitted())
    sequence = answer(database, base, numbers)
    claim(database, sequence, [0])
    add(database, delta)
    assert waiting(database, delta) == numbers[1:]


def test_a_read_goes_with_the_last_of_its_answers(database: Database) -> None:
    base, delta = segment(), segment(1)
    add(database, base)
    add(database, delta)
    numbers = take(database, admitted())
    first = answer(database, base, numbers)
    assert acknowledge(database, first) == []
    second = answer(database, delta, numbers)
    assert acknowledge(database, first) == []
    assert acknowledge(database, second) == numbers


def test_a_read_erased_while_its_batch_was_evaluated_keeps_no_slot(database: Database, count: Count) -> None:
    base = segment()
    add(database, base)
    kept, gone = take(database, admitted(), admitted(expires=START + 1))
    database.write(lambda connection: erasure.erase_ended(connection, 1000 * (START + 1)))
    answer(database, base, [kept, gone])
    assert count("slots") == 1


def test_sequence_numbers_are_never_used_again(database: Database) -> None:
    base = segment()
    add(database, base)
    first = answer(database, base, take(database, admitted()))
    acknowledge(database, first)
    database.write(lambda connection: erasure.drop_ended(connection, 1000 * (END + WINDOW + 1)))
    assert answer(database, segment(), []) == first + 1


def test_an_answer_is_there_only_for_the_grant_of_its_segment(database: Database) -> None:
    base, others = segment(), frozenset({"police-2"})
    add(database, base)
    sequence = answer(database, base, take(database, admitted()))
    with database.read() as connection:
        assert answers_store.following(connection, "police", others, 0) is None
        with pytest.raises(NotFoundError):
            answers_store.open_slots(connection, "police", others, sequence)
    with pytest.raises(NotFoundError):
        database.write(lambda one: answers_store.claim(one, "police", others, sequence, [0], NOW))
    with pytest.raises(NotFoundError):
        database.write(lambda one: answers_store.acknowledge(one, "police", others, sequence, NOW))
    assert len(acknowledge(database, sequence)) == 1


def test_every_slot_of_an_answer_has_an_opening_until_it_is_acknowledged(
    database: Database, count: Count
) -> None:
    base, one = segment(), admitted()
    add(database, base)
    sequence = answer(database, base, take(database, one))
    with database.read() as connection:
        table = answers_store.open_slots(connection, "police", GRANTS, sequence)
    assert len(table) == SLOTS * OPENING_BYTES
    assert table[:OPENING_BYTES] == opening_of(one.wire.record)
    acknowledge(database, sequence)
    with pytest.raises(GoneError), database.read() as connection:
        answers_store.open_slots(connection, "police", GRANTS, sequence)
    with database.read() as connection:
        assert connection.execute(select(answers.c.openings)).scalar_one() is None


def test_an_answer_is_the_same_until_it_is_acknowledged(database: Database) -> None:
    base = segment()
    add(database, base)
    sequence = answer(database, base, take(database, admitted()))
    with database.read() as connection:
        for _ in range(2):
            found = answers_store.following(connection, "police", GRANTS, 0)
            assert found is not None
            assert (found.sequence, found.body) == (sequence, b"body")
        assert answers_store.following(connection, "police", GRANTS, sequence) is None
        assert answers_store.unacknowledged(connection, "police") == {"police-1": 1}
    acknowledge(database, sequence)
    with database.read() as connection:
        assert answers_store.following(connection, "police", GRANTS, 0) is None
        assert answers_store.unacknowledged(connection, "police") == {}


def test_an_answer_that_the_ledger_was_not_told_of_is_not_offered(database: Database) -> None:
    base = segment()
    add(database, base)
    numbers = take(database, admitted())
    sequence = stored(database, base, numbers)

    def offered() -> bool:
        with database.read() as connection:
            return answers_store.following(connection, "police", GRANTS, 0) is not None

    for told in (False, True):
        assert not offered()
        with pytest.raises(NotFoundError):
            claim(database, sequence, [0])
        # Else the owner could have reads erased that it was never asked about.
        with pytest.raises(NotFoundError):
            acknowledge(database, sequence)
        with database.read() as connection:
            assert answers_store.unacknowledged(connection, "police") == {"police-1": 1}
        if not told:
            assert put_batches(database) == 1
    enter(database)
    assert offered()
    assert claim(database, sequence, [0]) == {0: numbers[0]}


def test_reads_given_up_wait_no_more(database: Database) -> None:
    base = segment()
    add(database, base)
    numbers = take(database, admitted(), admitted())
    database.write(lambda connection: answers_store.give_up(connection, numbers[:1], NOW))
    assert waiting(database, base) == numbers[1:]
