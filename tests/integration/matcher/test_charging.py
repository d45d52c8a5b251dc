"""A charging day at the matcher: reads kept for tokens, opened when payment has closed, and nothing of it before."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from blindplate.cli.deployment import Deployment, create_deployment
from blindplate.cli.deployment.plan import emissions_list
from blindplate.core.charging import charging_day, payment_closes, retention_token
from blindplate.core.domains import Epoch
from blindplate.core.errors import GrantError, TooEarlyError
from blindplate.core.records.record import SealedRecord
from blindplate.core.statements.matching import RecordCount
from blindplate.core.statements.uploads import Stage
from blindplate.psi.owner import Opened, open_answer
from blindplate.server.matcher import counts_store
from blindplate.server.matcher.evaluator import Job, LocalEvaluator
from blindplate.v1 import answers_pb2, lists_pb2
from tests.integration.conftest import small_plan
from tests.integration.matcher.conftest import (
    Owner,
    SealedRead,
    Segment,
    World,
    commitment,
    open_world,
    pseudonym,
)

PAYMENT_DAYS = 3


@dataclass
class Day:
    """A charging day, ten hours old, and the authority that charges for it."""

    world: World
    owner: Owner
    day: Epoch
    after: int = 0

    @property
    def closes(self) -> float:
        return payment_closes(self.day, PAYMENT_DAYS)

    def read(self, *pseudonyms: bytes, alternate: bool = False) -> list[SealedRead]:
        """Reads of the day, taken in."""
        return self.hand_in(self.seal(*pseudonyms, alternate=alternate))

    def seal(self, *pseudonyms: bytes, alternate: bool = False) -> list[SealedRead]:
        return self.world.reads(pseudonyms, grant=self.world.emissions, alternate=alternate)

    def hand_in(self, reads: Sequence[SealedRead]) -> list[SealedRead]:
        receipts = self.world.camera.submit(self.world.port, [read.wire for read in reads])
        assert not any(receipt.code for receipt in receipts)
        return list(reads)

    def upload(self, stage: Stage, *listed: bytes, **changes: Any) -> Segment:
        built = self.owner.build(
            self.world.emissions,
            self.day,
            listed,
            now=self.world.clock.now(),
            **{"stage": stage, "matches_from": int(self.day.start()), **changes},
        )
        self.owner.upload(self.world.port, built)
        return built

    def answer(self, segment: Segment) -> tuple[answers_pb2.Answer, list[Opened]]:
        """The next answer, which is one of ``segment``, opened."""
        answer = self.owner.next(self.world.port, "emissions", self.after).answer
        assert answer.segment_id == segment.statement.statement_id
        self.after = answer.sequence
        return answer, open_answer(segment.secret, answer.body)

    def claim(self, answer: answers_pb2.Answer, hits: Sequence[Opened]) -> list[answers_pb2.ClaimResult]:
        claims = [(hit.slot, hit.match_secret) for hit in hits]
        return self.owner.claim(self.world.port, "emissions", answer.sequence, claims)

    def acknowledge(self, answer: answers_pb2.Answer) -> None:
        self.owner.acknowledge(self.world.port, "emissions", answer.sequence)

    def keep(self, segment: Segment) -> list[Opened]:
        """One tick: everything that hits is kept, and the answer acknowledged."""
        assert self.world.tick() == 1
        answer, hits = self.answer(segment)
        assert all(result.kept for result in self.claim(answer, hits))
        self.acknowledge(answer)
        return hits

    def close(self) -> None:
        """Payment closes."""
        self.world.clock.time = self.closes
        self.world.served.matcher.keeper.keep()

    def counts(self) -> RecordCount:
        with self.world.served.matcher.database.read() as connection:
            totals = counts_store.totals(connection)
        [found] = [one for one in totals.records if one.list_id == "emissions"]
        found.require_balanced()
        return found


@pytest.fixture(scope="session")
def charging_template(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    plan = small_plan()
    lists = (emissions_list(200, max_delay_seconds=0, payment_days=PAYMENT_DAYS), plan.lists[1])
    return create_deployment(tmp_path_factory.mktemp("charging") / "it", replace(plan, lists=lists))


@contextmanager
def charging_day_of(world: World) -> Generator[Day]:
    owner = Owner(world.deployment, "owner-emissions")
    try:
        versions = [
            commitment(world.emissions, number, world.clock.now()).statement(owner.signing_key)
            for number in (1, 2)
        ]
        owner.checkpoint = world.enter(*versions, by=owner.name)
        day = charging_day(world.clock.now()).next()
        world.clock.time = day.start() + 36_000
        world.served.matcher.keeper.keep()
        yield Day(world, owner, day)
    finally:
        owner.close()


@pytest.fixture
def day(charging_template: Deployment, tmp_path: Path) -> Iterator[Day]:
    copy = replace(charging_template, folder=tmp_path / "deployment")
    shutil.copytree(charging_template.folder, copy.folder)
    with open_world(copy) as world, charging_day_of(world) as opened:
        yield opened


def test_kept_on_the_day_and_opened_where_nobody_paid(day: Day) -> None:
    paid, unpaid, stranger = pseudonym(), pseudonym(), pseudonym()
    kept = day.upload(Stage.KEEP, paid, unpaid)
    day.read(paid, paid, stranger)
    [first, *_] = day.read(unpaid, stranger, unpaid)
    assert len(day.keep(kept)) == 4
    # The strangers are gone, and of each vehicle's reads one is left, that stands for the others.
    assert day.world.held() == 2
    assert (day.counts().kept, day.counts().open, day.counts().erased_acknowledged) == (4, 4, 2)
    assert day.world.tick() == 0
    day.close()
    opened = day.upload(Stage.OPEN, unpaid)
    assert day.world.tick() == 1
    answer, hits = day.answer(opened)
    [result] = day.claim(answer, hits)
    assert SealedRecord.from_proto(result.record).header.record_id == first.record_id
    assert hits[0].match_secret == first.s
    day.acknowledge(answer)
    # Who paid is erased unopened.
    assert day.world.held() == 1
    counts = day.counts()
    assert (counts.claimed, counts.erased_unopened, counts.erased_acknowledged) == (2, 2, 4)
    assert (counts.received, counts.open, counts.kept) == (6, 0, 0)


def test_no_list_opens_a_day_before_payment_has_closed_nor_matches_it_at_once(day: Day) -> None:
    listed = pseudonym()
    kept = day.upload(Stage.KEEP, listed)
    day.read(listed)
    day.keep(kept)
    for moment in (day.world.clock.now(), day.closes - 1):
        day.world.clock.time = moment
        with pytest.raises(TooEarlyError):
            day.upload(Stage.OPEN, listed)
        with pytest.raises(GrantError):
            day.upload(Stage.MATCH, listed)
    assert day.world.tick() == 0
    day.close()
    day.upload(Stage.OPEN, listed)
    assert day.world.tick() == 1
    # And no other grant has stages.
    police = Owner(day.world.deployment, "owner-police", checkpoint=day.world.owner.checkpoint)
    for stage in (Stage.KEEP, Stage.OPEN):
        epoch = day.world.epoch()
        built = police.build(
            day.world.police, epoch, [listed], now=0, stage=stage, matches_from=int(epoch.start())
        )
        with pytest.raises(GrantError):
            police.upload(day.world.port, built)
    police.close()


class _Watched(LocalEvaluator):
    """Remembers what it was given to put into answers."""

    def __init__(self) -> None:
        super().__init__(1 << 30)
        self.given: list[bytes] = []

    def submit(self, job: Job) -> Any:
        self.given += [carried for _, carried in job.reads]
        return super().submit(job)


def test_an_owner_gets_no_match_secret_of_what_it_keeps_and_can_claim_nothing_with_a_token(day: Day) -> None:
    watched = _Watched()
    day.world.restart(evaluator=watched)
    listed, other = pseudonym(), pseudonym()
    kept = day.upload(Stage.KEEP, listed, other)
    reads = day.read(listed, other)
    day.world.tick()
    answer, hits = day.answer(kept)
    headers = [SealedRecord.from_proto(read.wire.record).header.digest() for read in reads]
    tokens = {retention_token(read.s, header) for read, header in zip(reads, headers, strict=True)}
    assert {hit.match_secret for hit in hits} == set(watched.given) == tokens
    # The secret itself, were it known, keeps nothing; nor does another read's token.
    crossed = [hit._replace(match_secret=hits[1 - place].match_secret) for place, hit in enumerate(hits)]
    stolen = [hits[0]._replace(match_secret=read.s) for read in reads]
    for wrong in (crossed, *[[one] for one in stolen]):
        results = day.claim(answer, wrong)
        assert {(result.code, result.kept, result.HasField("record")) for result in results} == {
            ("gone", False, False)
        }
    results = day.claim(answer, hits)
    assert {(result.code, result.kept, result.HasField("record")) for result in results} == {
        ("", True, False)
    }
    day.acknowledge(answer)
    day.close()
    opened = day.upload(Stage.OPEN, listed)
    day.world.tick()
    # In the answer that opens, a token opens nothing.
    answer, found = day.answer(opened)
    [right] = found
    for token in tokens:
        [result] = day.claim(answer, [right._replace(match_secret=token)])
        assert result.code == "gone"
    [result] = day.claim(answer, [right])
    assert result.HasField("record")
    assert {read.s for read in reads} & set(watched.given[:2]) == set()


def test_an_owner_cannot_tell_a_duplicate_from_a_read_that_stays(day: Day) -> None:
    vehicle, other = pseudonym(), pseudonym()
    kept = day.upload(Stage.KEEP, vehicle, other)
    day.read(vehicle, other, vehicle, vehicle)
    day.world.tick()
    answer, hits = day.answer(kept)
    told = set[tuple[bool, str]]()
    # One by one, all at once, and again, as a client does that was cut off.
    for claims in ([hits[0]], [hits[2]], hits, hits):
        told |= {(result.kept, result.code) for result in day.claim(answer, claims)}
        counts = day.counts()
        assert counts.open == 4
    assert told == {(True, "")}
    assert counts.kept == 4
    assert day.world.held() == 2


def test_the_first_read_that_is_no_alternate_stays(day: Day) -> None:
    vehicle = pseudonym()
    kept = day.upload(Stage.KEEP, vehicle)
    day.read(vehicle, alternate=True)
    day.keep(kept)
    day.read(vehicle, vehicle, alternate=True)
    [plain, *_] = day.read(vehicle, vehicle)
    day.keep(kept)
    assert day.world.held() == 1
    day.close()
    opened = day.upload(Stage.OPEN, vehicle)
    day.world.tick()
    answer, hits = day.answer(opened)
    [result] = day.claim(answer, hits)
    assert SealedRecord.from_proto(result.record).header.record_id == plain.record_id
    assert (day.counts().claimed, day.counts().received) == (5, 5)


def test_what_is_kept_outlives_a_restart_and_its_key_dies_with_the_last_of_it(day: Day) -> None:
    vehicle = pseudonym()
    kept = day.upload(Stage.KEEP, vehicle)
    day.read(vehicle)
    day.keep(kept)
    keys = day.world.data / "retention-keys"
    assert len(list(keys.iterdir())) == 1
    day.world.restart()
    day.owner.close()
    day.read(vehicle)
    day.keep(kept)
    # The tag was made with the same key.
    assert day.world.held() == 1
    day.close()
    day.world.restart()
    day.owner.close()
    opened = day.upload(Stage.OPEN)
    day.world.tick()
    answer, hits = day.answer(opened)
    assert hits == []
    day.acknowledge(answer)
    assert day.world.held() == 0
    day.world.served.matcher.keeper.keep()
    assert list(keys.iterdir()) == []


def test_a_read_that_comes_when_payment_has_closed_goes_to_its_own_day(day: Day) -> None:
    vehicle = pseudonym()
    kept = day.upload(Stage.KEEP, vehicle)
    spooled = day.seal(vehicle, pseudonym())
    day.close()
    opened = day.upload(Stage.OPEN, vehicle)
    assert day.world.tick() == 0
    day.hand_in(spooled)
    assert len(day.keep(kept)) == 1
    assert day.world.held() == 1
    assert day.world.tick() == 1
    answer, hits = day.answer(opened)
    assert day.claim(answer, hits)[0].HasField("record")


def test_a_clock_that_is_set_back_opens_nothing(day: Day) -> None:
    vehicle = pseudonym()
    kept = day.upload(Stage.KEEP, vehicle)
    day.read(vehicle)
    day.keep(kept)
    day.close()
    opened = day.upload(Stage.OPEN, vehicle)
    day.world.clock.time = day.closes - 3600
    # An answer without reads, at most.
    day.world.tick()
    response = day.owner.next(day.world.port, "emissions", day.after)
    if response.HasField("answer"):
        assert open_answer(opened.secret, response.answer.body) == []
        day.after = response.answer.sequence
    day.world.clock.time = day.closes + 5
    day.world.tick()
    _, hits = day.answer(opened)
    assert len(hits) == 1


def test_what_nobody_opens_is_erased_when_its_window_ends(day: Day) -> None:
    vehicle = pseudonym()
    kept = day.upload(Stage.KEEP, vehicle)
    day.read(vehicle, vehicle)
    day.keep(kept)
    day.world.clock.time += day.world.emissions.window_seconds + 3600
    day.world.served.matcher.keeper.keep()
    assert day.world.held() == 0
    assert (day.counts().erased_unclaimed, day.counts().open) == (2, 0)
    assert list((day.world.data / "retention-keys").iterdir()) == []


def test_segments_are_told_with_their_stages_and_numbered_apart(day: Day) -> None:
    listed = pseudonym()
    day.upload(Stage.KEEP, listed)
    day.upload(Stage.KEEP, listed, number=1)
    day.close()
    day.upload(Stage.OPEN, listed)
    told = [(one.stage, one.number) for one in day.owner.segments(day.world.port, "emissions")]
    assert sorted(told) == [(lists_pb2.STAGE_KEEP, 0), (lists_pb2.STAGE_KEEP, 1), (lists_pb2.STAGE_OPEN, 0)]
