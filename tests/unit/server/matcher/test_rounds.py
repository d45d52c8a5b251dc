"""Rounds of matching: several batches a tick, oldest reads first, failures that cost nothing."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from blindplate.core.errors import StorageError
from blindplate.core.signing import SigningKey
from blindplate.psi.matcher import Batch
from blindplate.server.matcher import answers_store, erasure, records_store, segments_store
from blindplate.server.matcher.bell import Bell
from blindplate.server.matcher.evaluator import Job
from blindplate.server.matcher.match_secrets import MatchSecrets
from blindplate.server.matcher.rounds import Due, Matching
from blindplate.server.matcher.segment_files import SegmentFiles
from blindplate.server.matcher.segments_store import Bounds, Segment
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.window_keys import WindowKeys
from tests.unit.server.matcher.conftest import START, admitted, segment
from tests.unit.server.matcher.stores import enter

SLOTS = 2


class SetClock:
    def now(self) -> float:
        return float(START)


class SmallBatches:
    """Places the first reads of each job, two a batch, from slot 100 down; fails for the segments named."""

    def __init__(self) -> None:
        self.jobs: list[list[int]] = []
        self.failing: set[bytes] = set()
        self.error: Exception = StorageError("No.")

    def submit(self, job: Job) -> Future[Batch]:
        future: Future[Batch] = Future()
        if job.source.segment_id in self.failing:
            future.set_exception(self.error)
            return future
        # The pseudonym of each read here is its number.
        self.jobs.append([int.from_bytes(y, "big") for y, _ in job.reads])
        reads = range(len(job.reads))
        placed = list(reads[:SLOTS])
        future.set_result(Batch(b"body", placed, [100 - read for read in placed], list(reads[SLOTS:])))
        return future

    def close(self) -> None:
        """Nothing to stop."""


@pytest.fixture
def evaluator() -> SmallBatches:
    return SmallBatches()


@pytest.fixture
def matching(database: Database, evaluator: SmallBatches, tmp_path: Path) -> Matching:
    keys = WindowKeys(tmp_path / "keys", SigningKey.from_seed(bytes(32)))
    files = SegmentFiles(tmp_path / "segments")
    return Matching(database, evaluator, files, MatchSecrets(keys, 1000), Bell(), SetClock())


def put(matching: Matching, *wires: records_store.Admitted) -> list[int]:
    outcomes = matching.database.write(lambda connection: records_store.take(connection, wires, 0))
    numbers = [outcome for outcome in outcomes if isinstance(outcome, int)]
    for number in numbers:
        matching.secrets.put(number, (number.to_bytes(32, "big"), bytes(16)))
    return numbers


def force(matching: Matching, *segments: Segment) -> None:
    def add(connection: Connection) -> None:
        for one in segments:
            segments_store.add(connection, one, Bounds(10_000, 10, 1 << 20), 0)

    matching.database.write(add)


def waiting(matching: Matching, one: Segment) -> Sequence[int]:
    with matching.database.read() as connection:
        return answers_store.waiting_for(connection, one.segment_id, 100)


def test_what_finds_no_slot_goes_into_the_next_batch_oldest_first(
    matching: Matching, evaluator: SmallBatches
) -> None:
    base = segment()
    force(matching, base)
    numbers = put(matching, *(admitted() for _ in range(5)))
    assert matching.round([Due(base, 2)]) == 2
    assert evaluator.jobs == [numbers, numbers[2:]]
    assert waiting(matching, base) == numbers[4:]
    newer = put(matching, admitted())
    assert matching.round([Due(base, 1)]) == 1
    assert evaluator.jobs[2] == [numbers[4], *newer]
    assert waiting(matching, base) == []
    assert matching.round([Due(base, 1)]) == 0


def test_no_more_batches_than_the_tick_allows(matching: Matching) -> None:
    base = segment()
    force(matching, base)
    numbers = put(matching, *(admitted() for _ in range(9)))
    assert matching.round([Due(base, 3)]) == 3
    assert waiting(matching, base) == numbers[6:]


def test_slots_lead_to_the_reads_that_took_them(matching: Matching, database: Database) -> None:
    base = segment()
    force(matching, base)
    first, second = put(matching, admitted(), admitted())
    matching.round([Due(base, 1)])
    enter(database)
    claimed = database.write(
        lambda connection: answers_store.claim(connection, "police", {"police-1"}, 1, [99, 100], 0)
    )
    assert claimed == {100: first, 99: second}


@pytest.mark.parametrize("error", [StorageError("No."), KeyError("unforeseen")])
def test_one_segments_failure_keeps_no_other_from_its_answer(
    matching: Matching, evaluator: SmallBatches, error: Exception
) -> None:
    evaluator.error = error
    base, delta = segment(), segment(1)
    force(matching, base, delta)
    numbers = put(matching, admitted())
    evaluator.failing = {base.segment_id}
    rings = matching.stored.rings
    assert matching.round([Due(base, 1), Due(delta, 1)]) == 1
    assert matching.stored.rings == rings + 1
    assert (waiting(matching, base), waiting(matching, delta)) == (numbers, [])
    evaluator.failing = set()
    assert matching.round([Due(base, 1), Due(delta, 1)]) == 1


def test_a_segment_that_cannot_even_begin_keeps_no_other_from_its_answer(matching: Matching) -> None:
    base, delta = segment(), segment(1)
    force(matching, base, delta)
    put(matching, admitted())
    broken = replace(base, manifest_json="{}")
    assert matching.round([Due(broken, 1), Due(delta, 1)]) == 1


def test_a_read_whose_window_ended_is_not_evaluated(
    matching: Matching, evaluator: SmallBatches, database: Database
) -> None:
    base = segment()
    force(matching, base)
    _, kept = put(matching, admitted(expires=START + 1), admitted())
    database.write(lambda connection: erasure.erase_ended(connection, 1000 * (START + 1)))
    assert matching.round([Due(base, 1)]) == 1
    assert evaluator.jobs == [[kept]]


def test_a_read_whose_envelope_does_not_open_holds_nobody_up(
    matching: Matching, evaluator: SmallBatches
) -> None:
    base = segment()
    force(matching, base)
    lost, kept = put(matching, admitted(), admitted())
    matching.secrets.forget([lost])
    assert matching.round([Due(base, 1)]) == 1
    assert evaluator.jobs == [[kept]]
    assert waiting(matching, base) == []


def test_a_round_without_reads_is_made_only_if_told_so(matching: Matching, evaluator: SmallBatches) -> None:
    base = segment()
    force(matching, base)
    assert matching.round([Due(base, 4)]) == 0
    assert matching.round([Due(base, 4, always=True)]) == 1
    assert evaluator.jobs == [[]]
