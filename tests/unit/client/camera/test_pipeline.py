"""The main path: what fails waits, what does not goes on, and nothing leaves memory before it is durable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from blindplate.client.camera.backlog import Backlog
from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.keys import SealingKeys
from blindplate.client.camera.media.store import MediaStore
from blindplate.client.camera.pipeline import Batching, Pipeline
from blindplate.client.camera.pseudonymise import EvaluationScope
from blindplate.client.camera.reads import CameraRead
from blindplate.client.camera.spool import Spool, SpoolItem
from blindplate.core.errors import (
    BlindplateError,
    ExpiredError,
    GrantError,
    ProofError,
    QuotaError,
    StorageError,
    UnavailableError,
)
from blindplate.core.records.opening import open_wire_envelope
from blindplate.core.records.wire import Wire
from blindplate.core.statements.policies import PseudonymMode
from tests.unit.client.camera.samples import NOW, MovedClock, Parties, police, read

PARTIES = Parties()
LISTS = ["police", "emissions"]


@dataclass
class Pseudonyms:
    """F_D made up; fails for a list as told, and has so many evaluations left."""

    failing: dict[str, BlindplateError] = field(default_factory=dict)
    left: int = 1000
    asked: list[tuple[str, int]] = field(default_factory=list)

    def evaluate(self, scope: EvaluationScope, reads: Sequence[CameraRead], now: float) -> list[bytes]:
        del now
        list_id = scope.domain.list_id
        self.asked.append((list_id, len(reads)))
        if list_id in self.failing:
            raise self.failing[list_id]
        if len(reads) > self.left:
            raise QuotaError("used up")
        self.left -= len(reads)
        return [one.plate.ljust(64, b"\0")[:64] for one in reads]


@dataclass
class Keys:
    """Keys in force, unless told otherwise."""

    failure: BlindplateError | None = None

    def at(self, moment: float) -> SealingKeys:
        del moment
        if self.failure is not None:
            raise self.failure
        return PARTIES.sealing_keys()


@dataclass
class Bench:
    """A pipeline on fakes of everything that is elsewhere."""

    pseudonyms: Pseudonyms
    local: Pseudonyms
    keys: Keys
    spool: Spool
    backlog: Backlog
    clock: MovedClock
    counts: Counts
    policy: Path
    pipeline: Pipeline

    def sealed(self) -> dict[str, int]:
        found = [Wire.from_bytes(one.wire) for one in self.spool.due(NOW + 1e6, 1000, 1 << 30)]
        lists = [wire.record.header.domain.list_id for wire in found]
        return {name: lists.count(name) for name in LISTS}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    clock, counts = MovedClock(), Counts()
    pseudonyms, keys = Pseudonyms(), Keys()
    spool = Spool(tmp_path / "spool.sqlite", limit=1000)
    backlog = Backlog(100, counts, drop_oldest=True)
    policy = PARTIES.policy_file(tmp_path, PARTIES.policy())
    local = Pseudonyms()
    pipeline = Pipeline(
        PARTIES.identity(),
        policy,
        {PseudonymMode.OBLIVIOUS: pseudonyms, PseudonymMode.LOCAL: local},
        keys,
        spool,
        backlog,
        Batching(10, 0),
        clock,
        counts,
        MediaStore(tmp_path / "media", 1 << 20, counts),
        3600.0,
    )
    path = tmp_path / "policy.json"
    yield Bench(pseudonyms, local, keys, spool, backlog, clock, counts, path, pipeline)
    spool.close()


def add(bench: Bench, number: int) -> None:
    bench.backlog.add([read(f"KT21AB{chr(65 + index % 26)}") for index in range(number)], LISTS)


def test_a_read_becomes_a_record_a_list(bench: Bench) -> None:
    add(bench, 3)
    assert bench.pipeline.step() == 6
    assert bench.sealed() == {"police": 3, "emissions": 3}
    assert len(bench.backlog) == 0
    assert bench.counts[Counted.SPOOLED] == 6


def test_what_is_spooled_opens_to_what_was_evaluated(bench: Bench) -> None:
    add(bench, 1)
    bench.pipeline.step()
    for spooled in bench.spool.due(NOW + 1e6, 10, 1 << 30):
        open_wire_envelope(Wire.from_bytes(spooled.wire), PARTIES.window)


@pytest.mark.parametrize(
    "error",
    [UnavailableError("x"), GrantError("x"), ProofError("x")],
    ids=["away", "suspended", "false proof"],
)
def test_a_list_that_cannot_be_served_holds_up_no_other(bench: Bench, error: BlindplateError) -> None:
    bench.pseudonyms.failing["police"] = error
    add(bench, 3)
    bench.pipeline.step()
    assert bench.sealed() == {"police": 0, "emissions": 3}
    assert len(bench.backlog) == 3
    del bench.pseudonyms.failing["police"]
    bench.clock.moment += 61
    bench.pipeline.step()
    assert bench.sealed() == {"police": 3, "emissions": 3}
    assert bench.counts[Counted.LOST_FROM_MEMORY] == 0


def test_a_list_that_failed_is_left_alone_for_a_while(bench: Bench) -> None:
    bench.pseudonyms.failing["police"] = GrantError("suspended")
    add(bench, 1)
    for _ in range(20):
        bench.pipeline.step()
        bench.clock.moment += 1
    assert bench.pseudonyms.asked.count(("police", 1)) == 1


@pytest.mark.parametrize("error", [UnavailableError("none yet"), ExpiredError("ended")])
def test_without_keys_nothing_is_evaluated_or_sealed(bench: Bench, error: BlindplateError) -> None:
    bench.keys.failure = error
    add(bench, 3)
    assert bench.pipeline.step() == 0
    assert bench.pseudonyms.asked == []
    bench.keys.failure = None
    bench.clock.moment += 31
    assert bench.pipeline.step() == 6


def test_without_a_policy_in_force_nothing_is_sealed(bench: Bench) -> None:
    bench.clock.moment += 200_000
    add(bench, 3)
    assert bench.pipeline.step() == 0
    assert len(bench.backlog) == 6


def test_a_full_disk_keeps_reads_in_memory(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    add_to_spool = Spool.add

    def full(_spool: Spool, _items: Sequence[SpoolItem]) -> None:
        raise StorageError("full")

    monkeypatch.setattr(Spool, "add", full)
    add(bench, 3)
    assert bench.pipeline.step() == 0
    assert len(bench.backlog) == 6
    monkeypatch.setattr(Spool, "add", add_to_spool)
    bench.clock.moment += 20
    assert bench.pipeline.step() == 6
    assert len(bench.backlog) == 0


def test_what_is_left_of_a_quota_is_used(bench: Bench) -> None:
    PARTIES.write(bench.policy, PARTIES.policy(police(), serial=2))
    bench.pseudonyms.left = 7
    bench.backlog.add([read(f"KT21AB{letter}") for letter in "ABCDEFGHJK"], ["police"])
    while bench.pipeline.step():
        continue
    assert bench.sealed()["police"] == 7
    assert len(bench.backlog) == 3


def test_a_list_the_policy_no_longer_names_is_dropped_and_counted(bench: Bench) -> None:
    add(bench, 3)
    PARTIES.write(bench.policy, PARTIES.policy(police(), serial=2))
    bench.pipeline.step()
    assert bench.sealed() == {"police": 3, "emissions": 0}
    assert bench.counts[Counted.LOST_FROM_MEMORY] == 3


def test_a_policy_of_another_mode_counts_from_the_next_batch(bench: Bench) -> None:
    asked = (bench.pseudonyms.asked, bench.local.asked)
    add(bench, 1)
    bench.pipeline.step()
    assert tuple(map(len, asked)) == (2, 0)
    PARTIES.write(bench.policy, PARTIES.policy(serial=2, mode=PseudonymMode.LOCAL))
    add(bench, 1)
    bench.pipeline.step()
    assert tuple(map(len, asked)) == (2, 2)
    PARTIES.write(bench.policy, PARTIES.policy(serial=3))
    add(bench, 1)
    bench.pipeline.step()
    assert tuple(map(len, asked)) == (4, 2)


def test_an_unforeseen_failure_gives_reads_back_and_is_not_hidden(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: Pseudonyms, _scope: object, _reads: object, _now: float) -> list[bytes]:
        raise ZeroDivisionError

    monkeypatch.setattr(Pseudonyms, "evaluate", broken)
    add(bench, 3)
    with pytest.raises(ZeroDivisionError):
        bench.pipeline.step()
    assert len(bench.backlog) == 6
