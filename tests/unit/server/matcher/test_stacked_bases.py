"""However bases and deltas follow one another, a read meets one base and its deltas, and no more than the capacity."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from blindplate.core.errors import BlindplateError, UploadError
from blindplate.server.matcher import reads_store, records_store, segments_store
from blindplate.server.matcher.segments_store import Bounds, Segment
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.tables import records
from tests.unit.server.matcher.conftest import END, START, admitted, segment

CAPACITY = 1_000
LAST = END - START


def add(database: Database, one: Segment, **bounds: int) -> list[bytes]:
    allowed = Bounds(**{"capacity": CAPACITY, "segments": 60, "file_bytes": 1 << 20, **bounds})
    stored, retired = database.write(
        lambda connection: segments_store.add(connection, one, allowed, 1000 * START)
    )
    assert stored
    return retired


def take(database: Database, *wires: records_store.Admitted) -> list[int]:
    outcomes = database.write(lambda connection: records_store.take(connection, wires, 1000 * START))
    return [outcome for outcome in outcomes if isinstance(outcome, int)]


def kept(database: Database) -> dict[bytes, Segment]:
    with database.read() as connection:
        return {one.segment_id: one for one in segments_store.everything(connection)}


def meets(database: Database) -> dict[int, list[Segment]]:
    """The segments that each read waits for."""
    segments = kept(database)
    with database.read() as connection:
        reads = reads_store.load(connection, select(records.c.number))
    return {number: [segments[one] for one in read.waiting] for number, read in reads.items()}


def test_bases_that_end_one_another_by_turns_do_not_pile_up(database: Database) -> None:
    take(database, admitted(START + 500), admitted(END - 1))
    for turn in range(20):
        add(database, segment(size=CAPACITY, matches_from=START if turn % 2 else END - 1, made_at=turn))
    take(database, admitted(START + 500), admitted(END - 1))
    assert [len(found) for found in meets(database).values()] == [1] * 4
    assert len(kept(database)) == 1


def test_bases_a_second_apart_share_no_read_whose_time_is_coarse(database: Database) -> None:
    take(database, admitted(START, spread=60))
    for second in range(50):
        add(database, segment(size=CAPACITY, matches_from=START + second, made_at=second))
    take(database, admitted(START, spread=60))
    last = START + 49
    assert [[one.matches_from for one in found] for found in meets(database).values()] == [[last], [last]]


def test_a_read_in_the_coarse_span_of_a_change_is_the_new_bases_and_not_lost(database: Database) -> None:
    old, new = segment(), segment(version=2, matches_from=START + 90)
    add(database, old)
    before, spanning, after = (admitted(START + at, spread=60) for at in (0, 60, 120))
    numbers = take(database, before, spanning, after)
    add(database, new)
    found = meets(database)
    assert [[one.list_version for one in found[number]] for number in numbers] == [[1], [2], [2]]


@settings(max_examples=40, deadline=None)
@given(
    uploads=st.lists(
        st.tuples(st.booleans(), st.integers(0, LAST - 1), st.integers(1, CAPACITY)), min_size=1, max_size=10
    ),
    reads=st.lists(st.tuples(st.integers(0, LAST - 1), st.integers(1, 200)), min_size=1, max_size=8),
    early=st.integers(0, 8),
)
def test_no_read_meets_more_places_than_the_capacity_and_none_falls_between_two_bases(
    uploads: list[tuple[bool, int, int]], reads: list[tuple[int, int]], early: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "matcher.db")
        wires = [admitted(START + at, spread=min(spread, LAST - at)) for at, spread in reads]
        numbers = take(database, *wires[:early])
        bases: list[int] = []
        next_number = 0
        for made_at, (base, offset, size) in enumerate(uploads):
            with suppress(BlindplateError):
                number = 0 if base else next_number
                add(database, segment(number, size=size, matches_from=START + offset, made_at=made_at))
                next_number = number + 1
                if number == 0:
                    bases.append(START + offset)
        numbers += take(database, *wires[early:])
        found = meets(database)
        for number, wire in zip(numbers, wires, strict=True):
            assert sum(one.size for one in found[number]) <= CAPACITY
            # Whether a read came before the lists or after them makes no difference.
            assert {one.segment_id for one in found[number]} == {
                one.segment_id for one in kept(database).values() if one.matches(wire.latest_ms)
            }
            covered = any(1000 * begun < wire.latest_ms for begun in bases)
            assert sum(one.number == 0 for one in found[number]) == covered
        database.close()


def test_segments_of_an_epoch_are_bounded(database: Database) -> None:
    for second in range(3):
        add(database, segment(matches_from=START + second, made_at=second), segments=3)
    with pytest.raises(UploadError):
        add(database, segment(matches_from=START + 3, made_at=3), segments=3)
    assert len(kept(database)) == 3
    # One that takes the place of others finds room.
    add(database, segment(matches_from=START + 1, made_at=4), segments=3)
    assert len(kept(database)) == 2


def test_the_bytes_of_a_list_are_bounded(database: Database) -> None:
    size = segment().file_bytes
    add(database, segment(), file_bytes=2 * size)
    add(database, segment(1), file_bytes=2 * size)
    with pytest.raises(UploadError):
        add(database, segment(2), file_bytes=2 * size)
    add(database, segment(made_at=1), file_bytes=2 * size)
