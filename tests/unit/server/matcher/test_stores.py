"""Records, segments and answers in the database: each rule, and the whole against the state machine."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlalchemy import select

from blindplate.core.errors import GoneError, GrantError, NotFoundError, ReplayError, UploadError
from blindplate.server.matcher import (
    answers_store,
    counts_store,
    erasure,
    lifecycle,
    reads_store,
    records_store,
    segments_store,
)
from blindplate.server.matcher.counts_store import Event
from blindplate.server.matcher.lifecycle import Read, State
from blindplate.server.matcher.openings import OPENING_BYTES, opening_of
from blindplate.server.matcher.segments_store import Bounds, Segment
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.tables import answers, records
from tests.unit.server.matcher.conftest import END, START, WINDOW, Count, admitted, segment

CAPACITY = 1_000
BOUNDS = Bounds(CAPACITY, segments=60, file_bytes=1 << 20)
SLOTS = 100
GRANTS = frozenset({"police-1"})
NOW = 1000 * START


def take(database: Database, *wires: records_store.Admitted) -> list[int]:
    outcomes = database.write(lambda connection: records_store.take(connection, wires, NOW))
    return [outcome for outcome in outcomes if isinstance(outcome, int)]


def add(database: Database, one: Segment, bounds: Bounds = BOUNDS) -> tuple[bool, list[bytes]]:
    return database.write(lambda connection: segments_store.add(connection, one, bounds))


def waiting(database: Database, one: Segment) -> list[int]:
    with database.read() as connection:
        return answers_store.waiting_for(connection, one.segment_id, 1000)


def answer(database: Database, one: Segment, numbers: list[int]) -> int:
    return database.write(
        lambda connection: answers_store.store(connection, one, b"body", SLOTS, dict(enumerate(numbers)), NOW)
    )


def acknowledge(database: Database, sequence: int) -> list[int]:
    return database.write(
        lambda connection: answers_store.acknowledge(connection, "police", GRANTS, sequence, NOW)
    )


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


def test_reads_wait_for_every_segment_of_their_epoch_oldest_first(database: Database) -> None:
    base, delta = segment(), segment(1, matches_from=START + 100)
    early, late = take(database, admitted(START + 50), admitted(START + 150))
    add(database, base)
    add(database, delta)
    [later] = take(database, admitted(START + 160))
    assert waiting(database, base) == [early, late, later]
    assert waiting(database, delta) == [late, later]


def test_a_read_whose_time_is_too_coarse_to_decide_is_matched(database: Database) -> None:
    base, delta = segment(), segment(1, matches_from=START + 100)
    add(database, base)
    add(database, delta)
    [coarse] = take(database, admitted(START + 60, spread=60))
    assert waiting(database, delta) == [coarse]


def test_a_new_base_supersedes_from_its_beginning_on(database: Database) -> None:
    old, new = segment(), segment(version=2, matches_from=START + 100)
    add(database, old)
    early, late = take(database, admitted(START + 50), admitted(START + 150))
    assert add(database, new) == (True, [])
    assert waiting(database, old) == [early]
    assert waiting(database, new) == [late]
    spooled, fresh = take(database, admitted(START + 10), admitted(START + 200))
    assert waiting(database, old) == [early, spooled]
    assert waiting(database, new) == [late, fresh]


def test_a_base_superseded_from_its_own_beginning_is_dropped_with_its_deltas(database: Database) -> None:
    old, delta = segment(), segment(1)
    add(database, old)
    add(database, delta)
    numbers = take(database, admitted(START + 50))
    stored, retired = add(database, segment(version=2))
    assert stored
    assert set(retired) == {old.segment_id, delta.segment_id}
    with database.read() as connection:
        [only] = segments_store.of_list(connection, "police", superseded=True)
    assert waiting(database, only) == numbers


def test_the_same_segment_again_changes_nothing(database: Database) -> None:
    assert add(database, segment()) == (True, [])
    assert add(database, segment()) == (False, [])


def test_a_delta_without_a_base_or_out_of_turn_is_refused(database: Database) -> None:
    with pytest.raises(ReplayError):
        add(database, segment(1))
    add(database, segment())
    for number in (2, 7):
        with pytest.raises(ReplayError):
            add(database, segment(number))
    add(database, segment(1))
    with pytest.raises(ReplayError):
        add(database, segment(1, made_at=1))


def test_a_delta_that_begins_before_its_base_is_refused(database: Database) -> None:
    add(database, segment(matches_from=START + 10))
    with pytest.raises(UploadError):
        add(database, segment(1, matches_from=START + 9))


def test_an_older_list_version_is_refused(database: Database) -> None:
    add(database, segment(version=5))
    with pytest.raises(UploadError):
        add(database, segment(version=4))
    with pytest.raises(UploadError):
        add(database, segment(1, version=4))


def test_capacity_is_summed_over_live_segments(database: Database) -> None:
    add(database, segment(size=600))
    with pytest.raises(GrantError):
        add(database, segment(1, size=401))
    add(database, segment(1, size=400))
    # A new base takes the place of both.
    add(database, segment(version=2, size=1000, matches_from=START + 1))
    with pytest.raises(GrantError):
        add(database, segment(1, version=2, size=1, matches_from=START + 1))


def test_claims_need_an_open_answer(database: Database) -> None:
    def claim(sequence: int) -> dict[int, int]:
        return database.write(
            lambda connection: answers_store.claim(connection, "police", GRANTS, sequence, [0, 5], NOW)
        )

    base = segment()
    add(database, base)
    numbers = take(database, admitted(), admitted())
    with pytest.raises(NotFoundError):
        claim(1)
    with pytest.raises(NotFoundError):
        acknowledge(database, 1)
    sequence = answer(database, base, numbers)
    assert claim(sequence) == {0: numbers[0]} == claim(sequence)
    assert acknowledge(database, sequence) == [numbers[1]]
    assert acknowledge(database, sequence) == []
    with pytest.raises(GoneError):
        claim(sequence)


def test_a_claimed_record_keeps_no_sealed_secret(database: Database) -> None:
    base = segment()
    add(database, base)
    numbers = take(database, admitted())
    sequence = answer(database, base, numbers)
    database.write(lambda connection: answers_store.claim(connection, "police", GRANTS, sequence, [0], NOW))
    with database.read() as connection:
        assert connection.execute(select(records.c.envelope)).scalar_one() is None
        assert records_store.wires(connection, numbers) == {}


def test_a_claimed_record_is_matched_by_no_later_segment(database: Database) -> None:
    base, delta = segment(), segment(1)
    add(database, base)
    numbers = take(database, admitted(), admitted())
    sequence = answer(database, base, numbers)
    database.write(lambda connection: answers_store.claim(connection, "police", GRANTS, sequence, [0], NOW))
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


def test_more_reads_than_a_statement_holds_are_looked_up(database: Database) -> None:
    [number] = take(database, admitted())
    many = range(40_000)
    with database.read() as connection:
        raw: Any = connection.connection.driver_connection
        # What SQLite allows unless it was built with more.
        raw.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
        assert list(records_store.wires(connection, many)) == [number]
        assert list(reads_store.load_numbers(connection, many)) == [number]


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


def test_reads_given_up_wait_no_more(database: Database) -> None:
    base = segment()
    add(database, base)
    numbers = take(database, admitted(), admitted())
    database.write(lambda connection: answers_store.give_up(connection, numbers[:1]))
    assert waiting(database, base) == numbers[1:]


def test_window_ends_erase_everything_and_counts_stay(database: Database, count: Count) -> None:
    base = segment()
    add(database, base)
    numbers = take(database, admitted(), admitted(), admitted(zone="outer"))
    sequence = answer(database, base, numbers)
    database.write(lambda connection: answers_store.claim(connection, "police", GRANTS, sequence, [0], NOW))
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


class StoresAgreeWithTheStateMachine(RuleBasedStateMachine):
    """Whatever happens, the rows say of every read what ``lifecycle`` says of it."""

    held: Bundle[int] = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(Path(self.folder.name) / "matcher.db")
        self.model: dict[int, Read] = {}
        self.live: list[Segment] = []
        self.sequences: list[int] = []
        self.uploads = 0

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    def change(self, number: int, change: Read) -> None:
        if change.state is State.ERASED:
            del self.model[number]
        else:
            self.model[number] = change

    @rule(target=held, expires=st.integers(1, 20))
    def receive(self, expires: int) -> int:
        [number] = take(self.database, admitted(expires=START + expires))
        live = [one.segment_id for one in self.live]
        self.model[number] = lifecycle.receive(1000 * (START + expires), live)
        return number

    @rule(base=st.booleans())
    def upload(self, base: bool) -> None:
        if not base and not self.live:
            return
        self.uploads += 1
        number = 0 if base else self.live[-1].number + 1
        one = segment(number, size=1, made_at=self.uploads)
        stored, retired = add(self.database, one)
        assert stored
        for read in list(self.model):
            self.change(read, lifecycle.join(self.model[read], one.segment_id))
            for segment_id in retired:
                if read in self.model:
                    self.change(read, lifecycle.leave(self.model[read], segment_id))
        self.live = [*([] if base else self.live), one]

    @rule(which=st.integers(0, 3), reads=st.lists(held, unique=True, max_size=4))
    def answer(self, which: int, reads: list[int]) -> None:
        if not self.live:
            return
        one = self.live[which % len(self.live)]
        sequence = answer(self.database, one, reads)
        self.sequences.append(sequence)
        for number in reads:
            if number in self.model:
                with suppress(NotFoundError):
                    self.model[number] = lifecycle.answer(self.model[number], one.segment_id, sequence)

    @rule(which=st.integers(0, 9), slots=st.sets(st.integers(0, 3)))
    def claim(self, which: int, slots: set[int]) -> None:
        if not self.sequences:
            return
        sequence = self.sequences[which % len(self.sequences)]
        with suppress(GoneError):
            claimed = self.database.write(
                lambda connection: answers_store.claim(connection, "police", GRANTS, sequence, slots, NOW)
            )
            for number in claimed.values():
                self.model[number] = lifecycle.claim(self.model[number], sequence)

    @rule(which=st.integers(0, 9))
    def acknowledge(self, which: int) -> None:
        if not self.sequences:
            return
        sequence = self.sequences[which % len(self.sequences)]
        before = set(self.model)
        erased = acknowledge(self.database, sequence)
        for number in before:
            if sequence in self.model[number].offered:
                self.change(number, lifecycle.acknowledge(self.model[number], sequence))
        assert set(erased) == before - set(self.model)

    @rule(seconds=st.integers(0, 20))
    def expire(self, seconds: int) -> None:
        now_ms = 1000 * (START + seconds)
        self.database.write(lambda connection: erasure.erase_ended(connection, now_ms))
        self.database.write(lambda connection: erasure.drop_ended(connection, now_ms))
        for number in list(self.model):
            self.change(number, lifecycle.expire(self.model[number], now_ms))

    @invariant()
    def rows_and_model_agree(self) -> None:
        with self.database.read() as connection:
            assert reads_store.load(connection, select(records.c.number)) == self.model


TestStoresAgreeWithTheStateMachine = StoresAgreeWithTheStateMachine.TestCase
TestStoresAgreeWithTheStateMachine.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
