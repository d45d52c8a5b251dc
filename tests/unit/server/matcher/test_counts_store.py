"""The public counts: every path by which a record is claimed or erased is counted once, and so they balance."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import delete, func, select

from blindplate.core.errors import CountError, StorageError
from blindplate.core.statements.matching import RecordCount
from blindplate.server.matcher import answers_store, counts_store, erasure
from blindplate.server.matcher.counts_store import Event, Totals
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.tables import counts
from tests.unit.server.matcher.conftest import END, START, WINDOW, admitted, segment
from tests.unit.server.matcher.stores import NOW, acknowledge, add, answer, claim, take


@pytest.fixture(autouse=True)
def begun(database: Database) -> None:
    database.write(lambda connection: counts_store.begin(connection, NOW))


def totals(database: Database) -> Totals:
    with database.read() as connection:
        found = counts_store.totals(connection)
    for one in found.records:
        one.require_balanced()
    return found


def counted(database: Database, zone: str = "inner") -> dict[str, int]:
    """The counts of one zone that are not zero, but for places in batches."""
    [one] = [one for one in totals(database).records if one.zone == zone]
    return {
        name: value
        for name, value in one.model_dump(exclude={"list_id", "zone", "answered"}).items()
        if value
    }


def test_what_comes_in_is_open_until_it_is_claimed_or_erased(database: Database) -> None:
    base = segment()
    add(database, base)
    numbers = take(database, *(admitted() for _ in range(4)))
    assert counted(database) == {"received": 4, "open": 4}
    sequence = answer(database, base, numbers)
    claim(database, sequence, [1, 3])
    assert counted(database) == {"received": 4, "claimed": 2, "open": 2}
    acknowledge(database, sequence)
    assert counted(database) == {"received": 4, "claimed": 2, "erased_acknowledged": 2}
    end = 1000 * (END + WINDOW + 1)
    database.write(lambda connection: erasure.erase_ended(connection, end))
    assert counted(database) == {
        "received": 4,
        "claimed": 2,
        "erased_acknowledged": 2,
        "erased_claimed": 2,
    }


def test_a_record_sent_again_is_counted_once(database: Database) -> None:
    one = admitted()
    for wires in ([one, one], [one]):
        take(database, *wires)
    assert counted(database) == {"received": 1, "open": 1}


def test_a_record_claimed_in_two_answers_or_twice_is_counted_once(database: Database) -> None:
    base, delta = segment(), segment(1)
    add(database, base)
    add(database, delta)
    numbers = take(database, admitted())
    sequences = [answer(database, one, numbers) for one in (base, delta)]
    for sequence in (*sequences, *sequences):
        assert claim(database, sequence, [0]) == {0: numbers[0]}
    assert counted(database) == {"received": 1, "claimed": 1}
    [one] = totals(database).records
    assert one.answered == 2


def test_a_record_that_is_given_up_when_all_its_answers_are_settled_is_counted_as_erased(
    database: Database,
) -> None:
    base, delta = segment(), segment(1)
    add(database, base)
    add(database, delta)
    numbers = take(database, admitted())
    acknowledge(database, answer(database, base, numbers))
    assert counted(database) == {"received": 1, "open": 1}
    database.write(lambda connection: answers_store.give_up(connection, numbers, NOW))
    assert counted(database) == {"received": 1, "erased_acknowledged": 1}


def test_a_record_never_answered_is_counted_when_its_window_ends(database: Database) -> None:
    take(database, admitted(expires=START + 1))
    database.write(lambda connection: erasure.erase_ended(connection, 1000 * (START + 1)))
    assert counted(database) == {"received": 1, "erased_unclaimed": 1}


def test_zones_are_counted_apart(database: Database) -> None:
    take(database, admitted(), admitted(zone="outer"), admitted(zone="outer"))
    assert (counted(database), counted(database, "outer")) == (
        {"received": 1, "open": 1},
        {"received": 2, "open": 2},
    )


def test_refused_claims_are_counted(database: Database) -> None:
    for number in (0, 2, 5):
        database.write(partial(counts_store.add_refused_claims, number=number))
    assert totals(database).refused_claims == 7


def test_counts_begin_once(database: Database) -> None:
    take(database, admitted())
    database.write(lambda connection: counts_store.begin(connection, NOW + 60_000))
    assert totals(database).since == START
    assert counted(database) == {"received": 1, "open": 1}


def test_counts_that_begin_over_a_database_in_use_balance_from_the_start(database: Database) -> None:
    base = segment()
    add(database, base)
    claim(database, answer(database, base, take(database, admitted(), admitted(), admitted())), [0])
    # As an earlier version left it: counts of its own, that need not balance, and no beginning.
    database.write(lambda connection: connection.exec_driver_sql("DELETE FROM counting").rowcount)
    database.write(
        lambda connection: counts_store.add(connection, Event.RECEIVED, [("police", "inner")], NOW)
    )
    database.write(lambda connection: counts_store.begin(connection, NOW + 60_000))
    assert totals(database).since == START + 60
    assert counted(database) == {"received": 3, "claimed": 1, "open": 2}


def test_counts_that_have_not_begun_are_not_told(database: Database) -> None:
    database.write(lambda connection: connection.exec_driver_sql("DELETE FROM counting").rowcount)
    with pytest.raises(StorageError):
        totals(database)


def test_days_are_kept_apart_and_summed(database: Database) -> None:
    for day in (0, 86_400_000):
        database.write(
            partial(
                counts_store.add, event=Event.ANSWERED, places=[("police", "inner")] * 2, now_ms=NOW + day
            )
        )
    with database.read() as connection:
        assert sorted(counts_store.read(connection).values()) == [2, 2]
        assert connection.execute(select(func.count()).select_from(counts)).scalar_one() == 2
    [one] = totals(database).records
    assert one.answered == 4


def test_a_count_that_is_lost_shows(database: Database) -> None:
    take(database, admitted())
    database.write(lambda connection: connection.execute(delete(counts)).rowcount)
    database.write(
        lambda connection: counts_store.add(connection, Event.ANSWERED, [("police", "inner")], NOW)
    )
    with pytest.raises(CountError, match="inner"):
        totals(database)


@pytest.mark.parametrize(
    "changes", [{"received": 9}, {"open": 0}, {"erased_unclaimed": 3}, {"erased_claimed": 5}]
)
def test_counts_that_do_not_add_up_are_refused(changes: dict[str, int]) -> None:
    sound = {
        "received": 10,
        "answered": 12,
        "claimed": 4,
        "erased_acknowledged": 3,
        "erased_unclaimed": 2,
        "erased_claimed": 4,
        "open": 1,
    }
    RecordCount(list_id="police", zone="inner", **sound).require_balanced()
    with pytest.raises(CountError):
        RecordCount(list_id="police", zone="inner", **{**sound, **changes}).require_balanced()
