"""The stores over a charging day: whatever happens in whatever order, rows agree with the state machine, what is folded is
stood for, no vehicle that was kept is lost, and the counts balance."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from blindplate.core.errors import GoneError, TooEarlyError
from blindplate.core.statements.uploads import Stage
from blindplate.server.matcher import answers_store, counts_store, erasure, keeping, lifecycle, reads_store
from blindplate.server.matcher.folding import Tagged
from blindplate.server.matcher.keeping import Shown
from blindplate.server.matcher.lifecycle import Erasure, Read, State
from blindplate.server.matcher.segments_store import Segment
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.tables import kept_tags, records
from tests.unit.server.matcher.conftest import START, admitted, segment
from tests.unit.server.matcher.stores import GRANTS, NOW, SLOTS, acknowledge, add, claim, enter, take

VEHICLES = (b"a" * 32, b"b" * 32)
CLOSES = 8
WALKED: Counter[str] = Counter()


class ChargingDay:
    """``model`` is what ``lifecycle`` says of each read held; ``vehicle`` and ``stands_for`` what folding should do."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(Path(self.folder.name) / "matcher.db")
        self.database.write(lambda connection: counts_store.begin(connection, NOW))
        self.model: dict[int, Read] = {}
        self.vehicle: dict[int, tuple[bytes, bool]] = {}
        self.stands_for: dict[int, int] = {}
        self.live: dict[Stage, list[Segment]] = {Stage.KEEP: [], Stage.OPEN: []}
        self.answers: dict[int, tuple[Stage, list[int]]] = {}
        self.uploads = self.seconds = 0
        self.counted: Counter[str] = Counter()
        # The reads that held tags after the last step.
        self.holders: set[int] = set()
        self.upload(Stage.KEEP, base=True)
        self.upload(Stage.OPEN, base=True)

    def close(self) -> None:
        self.database.close()
        self.folder.cleanup()

    @property
    def now_ms(self) -> int:
        return 1000 * (START + self.seconds)

    def change(self, number: int, change: Read) -> None:
        before, reads = self.model[number], self.stands_for[number]
        if change.claimed and not before.claimed:
            self.counted["claimed"] += reads
        if change.erasure is Erasure.ACKNOWLEDGED:
            self.counted["erased_acknowledged"] += reads
            self.counted["erased_unopened"] += reads * before.kept
        elif change.erasure is Erasure.WINDOW_ENDED:
            self.counted["erased_claimed" if before.claimed else "erased_unclaimed"] += reads
        if change.state is State.ERASED:
            del self.model[number]
        else:
            self.model[number] = change

    def receive(self, reads: list[tuple[bytes, bool]], expires: int) -> None:
        live = [one.segment_id for one in self.live[Stage.KEEP]]
        for vehicle in reads:
            [number] = take(self.database, admitted(expires=START + expires, opens=START + CLOSES))
            self.model[number] = lifecycle.receive(1000 * (START + expires), live, 1000 * (START + CLOSES))
            self.vehicle[number], self.stands_for[number] = vehicle, 1
            self.counted["received"] += 1

    def upload(self, stage: Stage, *, base: bool) -> None:
        live = self.live.get(stage, [])
        if not base and not live:
            return
        self.uploads += 1
        one = segment(0 if base else live[-1].number + 1, size=1, made_at=self.uploads, stage=stage)
        _, retired = add(self.database, one)
        for read in list(self.model):
            self.change(read, lifecycle.join(self.model[read], one.segment_id, stage))
            for segment_id in retired:
                if read in self.model:
                    self.change(read, lifecycle.leave(self.model[read], segment_id))
        if stage in self.live:
            self.live[stage] = [*([] if base else live), one]

    def answer(self, stage: Stage, which: int, *, erased: bool) -> None:
        if not self.live[stage]:
            return
        one = self.live[stage][which % len(self.live[stage])]
        # Beside those that wait, now and then one that was erased meanwhile.
        waiting = [number for number, read in self.model.items() if one.segment_id in read.waiting]
        reads = [*waiting[:4], *([10**6] if erased else [])]
        retained = {number: bytes(64) for number in reads} if stage is Stage.KEEP else None
        placed = dict(enumerate(reads))
        due = waiting[:4]
        try:
            sequence = self.database.write(
                lambda connection: answers_store.store(
                    connection, one, b"body", SLOTS, placed, self.now_ms, retained
                )
            )
        except TooEarlyError:
            assert stage is Stage.OPEN
            assert due
            assert self.seconds < CLOSES
            return
        enter(self.database)
        self.answers[sequence] = stage, reads
        for number in due:
            self.model[number] = lifecycle.answer(self.model[number], one.segment_id, sequence, self.now_ms)
            self.counted["answered"] += self.stands_for[number]

    def keep(self, which: int, slots: set[int]) -> None:
        of_stage = [number for number, (stage, _) in self.answers.items() if stage is Stage.KEEP]
        if not of_stage:
            return
        sequence = of_stage[-1 - which % len(of_stage)]
        offered = {
            number
            for slot, number in enumerate(self.answers[sequence][1])
            if slot in slots and number in self.model and sequence in self.model[number].offered
        }
        tagged = [Tagged(number, *self.vehicle[number]) for number in offered]
        shown = Shown("police", GRANTS, sequence, slots)
        with suppress(GoneError):
            kept = self.database.write(
                lambda connection: keeping.keep(connection, shown, tagged, self.now_ms)
            )
            assert set(kept.numbers) == offered
            self.fold(sequence, sorted(offered))

    def fold(self, sequence: int, numbers: list[int]) -> None:
        """What should become of reads kept just now: an oracle of its own, one read at a time."""
        opening = [one.segment_id for one in self.live[Stage.OPEN]]
        for number in numbers:
            self.change(number, lifecycle.keep(self.model[number], sequence, opening))
        for vehicle in VEHICLES:
            of_vehicle = [
                number
                for number, read in self.model.items()
                if self.vehicle[number][0] == vehicle and read.kept and number in {*numbers, *self.holders}
            ]
            if not set(of_vehicle) & set(numbers):
                continue
            of_vehicle.sort(key=lambda number: (number in numbers, number))
            stays = next((one for one in of_vehicle if not self.vehicle[one][1]), of_vehicle[0])
            for number in of_vehicle:
                if number != stays and lifecycle.foldable(self.model[number]):
                    self.stands_for[stays] += self.stands_for[number]
                    self.counted["claimed"] += self.stands_for[number] * self.model[stays].claimed
                    self.change(number, lifecycle.fold(self.model[number]))

    def claim(self, which: int, slots: set[int]) -> None:
        opened = [number for number, (stage, _) in self.answers.items() if stage is Stage.OPEN]
        if not opened:
            return
        sequence = opened[-1 - which % len(opened)]
        with suppress(GoneError):
            for number in claim(self.database, sequence, slots).values():
                self.change(number, lifecycle.claim(self.model[number], sequence))
                assert self.seconds >= CLOSES

    def claim_what_can_only_be_kept(self, which: int, slots: set[int]) -> None:
        of_stage = [number for number, (stage, _) in self.answers.items() if stage is Stage.KEEP]
        if of_stage:
            with suppress(GoneError, TooEarlyError):
                assert claim(self.database, of_stage[-1 - which % len(of_stage)], slots) == {}

    def acknowledge(self, which: int) -> None:
        if not self.answers:
            return
        sequence = list(self.answers)[-1 - which % len(self.answers)]
        before = set(self.model)
        erased = acknowledge(self.database, sequence)
        for number in before:
            if sequence in self.model[number].offered:
                self.change(number, lifecycle.acknowledge(self.model[number], sequence))
        assert set(erased) == before - set(self.model)

    def pass_time(self, seconds: int) -> None:
        self.seconds += seconds
        self.database.write(lambda connection: erasure.erase_ended(connection, self.now_ms))
        self.database.write(lambda connection: erasure.drop_ended(connection, self.now_ms))
        for number in list(self.model):
            self.change(number, lifecycle.expire(self.model[number], self.now_ms))

    def rows_and_model_agree(self) -> None:
        with self.database.read() as connection:
            assert reads_store.load(connection, select(records.c.number)) == self.model
            rows = connection.execute(select(records.c.number, records.c.reads))
            assert {row.number: row.reads for row in rows} == {
                number: self.stands_for[number] for number in self.model
            }

    def a_vehicle_has_one_tag_and_one_read_that_may_still_be_folded(self) -> None:
        with self.database.read() as connection:
            rows: Any = connection.execute(
                select(kept_tags.c.tag, kept_tags.c.number, kept_tags.c.alternate)
            ).all()
        self.holders = {row.number for row in rows}
        for row in rows:
            assert self.vehicle[row.number] == (row.tag, row.alternate)
            assert self.model[row.number].kept
        for vehicle in VEHICLES:
            standing = [
                number
                for number, read in self.model.items()
                if self.vehicle[number][0] == vehicle and lifecycle.foldable(read)
            ]
            assert len(standing) <= 1
            assert set(standing) <= self.holders

    def counts_say_what_happened_and_balance(self) -> None:
        with self.database.read() as connection:
            totals = counts_store.totals(connection)
        if not self.counted["received"]:
            assert totals.records == ()
            return
        [one] = totals.records
        one.require_balanced()
        told = one.model_dump(exclude={"list_id", "zone", "open", "kept"})
        assert told == {name: self.counted[name] for name in told}
        still = {number: read for number, read in self.model.items() if not read.claimed}
        assert one.open == sum(self.stands_for[number] for number in still)
        assert one.kept == sum(self.stands_for[number] for number, read in still.items() if read.kept)


# Each as often as it takes for the whole of a day to be walked through.
STEPS = {
    "receive": 3,
    "answer": 6,
    "keep": 6,
    "claim": 2,
    "acknowledge": 2,
    "pass_time": 2,
    "upload": 1,
    "misclaim": 1,
}


def step(day: ChargingDay, name: str, draw: random.Random) -> None:
    """One step of a walk."""
    places = {place for place in range(4) if draw.random() < 0.6}
    back = draw.randrange(3)
    match name:
        case "receive":
            reads = [(draw.choice(VEHICLES), draw.random() < 0.4) for _ in range(draw.randint(1, 4))]
            day.receive(reads, draw.randint(12, 40))
        case "answer":
            day.answer(draw.choice([Stage.KEEP, Stage.OPEN]), back, erased=draw.random() < 0.2)
        case "keep":
            day.keep(back, places)
        case "claim":
            day.claim(back, places)
        case "acknowledge":
            day.acknowledge(back)
        case "pass_time":
            day.pass_time(draw.randint(0, 4))
        case "upload":
            day.upload(draw.choice(list(Stage)), base=draw.random() < 0.5)
        case _:
            day.claim_what_can_only_be_kept(back, places)


@pytest.mark.parametrize("seed", range(12))
def test_a_charging_day_goes_as_its_rules_say(seed: int) -> None:
    draw = random.Random(seed)
    day = ChargingDay()
    try:
        for name in draw.choices(list(STEPS), list(STEPS.values()), k=80):
            step(day, name, draw)
            day.rows_and_model_agree()
            day.a_vehicle_has_one_tag_and_one_read_that_may_still_be_folded()
            day.counts_say_what_happened_and_balance()
    finally:
        day.close()
    WALKED.update(name for name, times in day.counted.items() if times)
    WALKED["folded"] += any(reads > 1 for reads in day.stands_for.values())


def test_the_walks_went_everywhere() -> None:
    for name in ("claimed", "erased_acknowledged", "erased_unopened", "erased_unclaimed", "folded"):
        assert WALKED[name], name
