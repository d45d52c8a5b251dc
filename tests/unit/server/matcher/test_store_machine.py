"""The stores as a whole: whatever happens in whatever order, the rows agree with the state machine and the counts balance."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlalchemy import select

from blindplate.core.errors import GoneError, NotFoundError
from blindplate.core.statements.matching import RecordCount
from blindplate.server.matcher import answers_store, counts_store, erasure, lifecycle, reads_store
from blindplate.server.matcher.lifecycle import Read, State
from blindplate.server.matcher.records_store import Admitted
from blindplate.server.matcher.segments_store import Segment
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.tables import records
from tests.unit.server.matcher.conftest import START, admitted, segment
from tests.unit.server.matcher.stores import NOW, acknowledge, add, claim, enter, stored, take

ZONES = ("inner", "outer")


class StoresAgreeWithTheStateMachine(RuleBasedStateMachine):
    """``model`` is what ``lifecycle`` says of each read still held, ``counted`` what has happened in each zone."""

    held: Bundle[int] = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(Path(self.folder.name) / "matcher.db")
        self.database.write(lambda connection: counts_store.begin(connection, NOW))
        self.model: dict[int, Read] = {}
        self.live: list[Segment] = []
        self.unentered: set[int] = set()
        self.sequences: list[int] = []
        self.uploads = 0
        self.zones: dict[int, str] = {}
        self.wires: list[Admitted] = []
        self.counted: dict[str, Counter[str]] = {zone: Counter() for zone in ZONES}

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    def change(self, number: int, change: Read) -> None:
        counted, before = self.counted[self.zones[number]], self.model[number]
        if change.claimed and not before.claimed:
            counted["claimed"] += 1
        if change.erasure is lifecycle.Erasure.ACKNOWLEDGED:
            counted["erased_acknowledged"] += 1
        elif change.state is State.ERASED:
            counted["erased_claimed" if before.claimed else "erased_unclaimed"] += 1
        if change.state is State.ERASED:
            del self.model[number]
        else:
            self.model[number] = change

    @rule(target=held, expires=st.integers(1, 20), zone=st.sampled_from(ZONES))
    def receive(self, expires: int, zone: str) -> int:
        self.wires.append(admitted(expires=START + expires, zone=zone))
        [number] = take(self.database, self.wires[-1])
        live = [one.segment_id for one in self.live]
        self.model[number] = lifecycle.receive(1000 * (START + expires), live)
        self.zones[number] = zone
        self.counted[zone]["received"] += 1
        return number

    @rule(which=st.integers(0, 30))
    def receive_again(self, which: int) -> None:
        # Until its window has ended; after that ``admission`` refuses it.
        known = [wire for wire in self.wires if self._receipted(wire)]
        if known:
            assert take(self.database, known[which % len(known)]) == []

    def _receipted(self, wire: Admitted) -> bool:
        with self.database.read() as connection:
            statement = "SELECT count(*) FROM receipts WHERE record_id = ?"
            record_id = wire.wire.record.header.record_id
            return bool(connection.exec_driver_sql(statement, (record_id,)).scalar_one())

    @rule(base=st.booleans())
    def upload(self, base: bool) -> None:
        if not base and not self.live:
            return
        self.uploads += 1
        number = 0 if base else self.live[-1].number + 1
        one = segment(number, size=1, made_at=self.uploads)
        new, retired = add(self.database, one)
        assert new
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
        sequence = stored(self.database, one, reads)
        self.unentered.add(sequence)
        for number in reads:
            if number in self.model:
                with suppress(NotFoundError):
                    self.model[number] = lifecycle.answer(self.model[number], one.segment_id, sequence, NOW)
                    self.counted[self.zones[number]]["answered"] += 1

    @rule()
    def enter_in_the_ledger(self) -> None:
        enter(self.database)
        self.sequences += sorted(self.unentered)
        self.unentered.clear()

    @rule(which=st.integers(0, 9), slots=st.sets(st.integers(0, 3)))
    def claim(self, which: int, slots: set[int]) -> None:
        if not self.sequences:
            return
        sequence = self.sequences[which % len(self.sequences)]
        with suppress(GoneError):
            for number in claim(self.database, sequence, slots).values():
                self.change(number, lifecycle.claim(self.model[number], sequence))

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

    @rule(reads=st.lists(held, unique=True, max_size=3))
    def give_up(self, reads: list[int]) -> None:
        self.database.write(lambda connection: answers_store.give_up(connection, reads, NOW))
        for number in reads:
            if number in self.model:
                read = self.model[number]
                self.change(number, lifecycle.leave(read, *read.waiting))

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

    @invariant()
    def counts_say_what_happened_and_balance(self) -> None:
        with self.database.read() as connection:
            totals = counts_store.totals(connection)
        for one in totals.records:
            one.require_balanced()
        still_open = Counter(self.zones[number] for number, read in self.model.items() if not read.claimed)
        assert totals.records == tuple(
            RecordCount(
                list_id="police",
                zone=zone,
                open=still_open[zone],
                **{name: self.counted[zone][name] for name in RecordCount.model_fields if name not in _NAMED},
            )
            for zone in ZONES
            if self.counted[zone]["received"]
        )


_NAMED = ("list_id", "zone", "open")
TestStoresAgreeWithTheStateMachine = StoresAgreeWithTheStateMachine.TestCase
TestStoresAgreeWithTheStateMachine.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
