"""One round of matching: for each segment that is due, its waiting reads in batches, stored as answers.

Guarantees that an answer is durable before the ledger is told of it (``clerk``), that a batch which fails, however it
fails, leaves its reads waiting, oldest first, and other segments' batches alone. A round without waiting reads makes no
batch unless told to: then the pace of answers tells their owner nothing. What hits give is ``carrying``'s. Protocol
section 5.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.psi.matcher import Batch
from blindplate.psi.parameters import load_set
from blindplate.server.matcher import answers_store, records_store
from blindplate.server.matcher.bell import Bell
from blindplate.server.matcher.carrying import Carried, carried
from blindplate.server.matcher.evaluator import Evaluator, Job, ListSource
from blindplate.server.matcher.match_secrets import MatchSecrets
from blindplate.server.matcher.metrics import BATCH_SECONDS, BATCHES, FAILED_BATCHES
from blindplate.server.matcher.segment_files import SegmentFiles
from blindplate.server.matcher.segments_store import Segment
from blindplate.server.matcher.storage import Database

# Reads looked at for one batch, as a multiple of its slots: so that a bin which overflows does not hold up others.
_LOOKAHEAD = 4


@dataclass(frozen=True, slots=True)
class Due:
    """A segment whose tick has come: at most ``batches`` batches, one even without reads if ``always``."""

    segment: Segment
    batches: int
    always: bool = False


@dataclass(slots=True)
class _Run:
    segment: Segment
    numbers: list[int]
    left: int
    started: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class _Submitted:
    """A batch under evaluation: its reads by number, and the openings of the tokens it carries, if it does."""

    run: _Run
    numbers: list[int]
    retained: Mapping[int, bytes] | None
    batch: Future[Batch]


@dataclass(frozen=True, slots=True)
class Matching:
    """What a round needs. ``stored`` rings for each answer."""

    database: Database
    evaluator: Evaluator
    files: SegmentFiles
    secrets: MatchSecrets
    stored: Bell
    clock: Clock

    def round(self, due: Sequence[Due]) -> int:
        """Evaluate what is due, all segments at once; give the number of answers stored."""
        stored = 0
        runs: list[_Run] = []
        for segment in due:
            with _apart(segment.segment):
                runs.extend(self._begin(segment))
        while runs:
            submitted: list[_Submitted] = []
            for run in runs:
                with _apart(run.segment):
                    submitted.append(self._submit(run))
            runs = []
            for one in submitted:
                with _apart(one.run.segment):
                    left = self._finish(one)
                    stored += 1
                    if left and one.run.left > 1:
                        runs.append(_Run(one.run.segment, left, one.run.left - 1))
        return stored

    def _begin(self, due: Due) -> list[_Run]:
        slots = load_set(due.segment.manifest.parameter_set).poly_degree
        with self.database.read() as connection:
            numbers = answers_store.waiting_for(connection, due.segment.segment_id, _LOOKAHEAD * slots)
        return [_Run(due.segment, numbers, due.batches)] if numbers or due.always else []

    def _submit(self, run: _Run) -> _Submitted:
        hits = self._carried(run)
        numbers = [number for number in run.numbers if number in hits.pairs]
        manifest = run.segment.manifest
        source = ListSource(
            run.segment.segment_id,
            self.files.path(run.segment.segment_id),
            manifest.parameter_set,
            manifest.bins,
            manifest.degree,
        )
        job = Job(source, [hits.pairs[number] for number in numbers])
        return _Submitted(run, numbers, hits.retained, self.evaluator.submit(job))

    def _finish(self, submitted: _Submitted) -> list[int]:
        """Store a batch's answer; give the reads that found no slot."""
        run, numbers = submitted.run, submitted.numbers
        segment = run.segment
        batch = submitted.batch.result()
        placed = {slot: numbers[place] for place, slot in zip(batch.placed, batch.slots, strict=True)}
        slots = load_set(segment.manifest.parameter_set).poly_degree
        now_ms = int(self.clock.now() * 1000)
        sequence = self.database.write(
            lambda connection: answers_store.store(
                connection, segment, batch.answer, slots, placed, now_ms, submitted.retained
            )
        )
        self.stored.ring()
        seconds = time.monotonic() - run.started
        BATCHES.labels(segment.list_id).inc()
        BATCH_SECONDS.observe(seconds)
        log().info(
            "answer",
            list=segment.list_id,
            epoch=segment.epoch,
            segment=segment.number,
            sequence=sequence,
            reads=len(placed),
            waiting=len(batch.waiting),
            ms=round(1000 * seconds),
        )
        return [numbers[place] for place in batch.waiting]

    def _carried(self, run: _Run) -> Carried:
        numbers = run.numbers
        missing = self.secrets.missing(numbers)
        wires = {}
        if missing:
            with self.database.read() as connection:
                wires = records_store.wires(connection, missing)
        opened = self.secrets.get(numbers, wires)
        if opened.unreadable:
            log().error("envelopes-unreadable", records=len(opened.unreadable))
            given_up_ms = int(self.clock.now() * 1000)
            self.database.write(
                lambda connection: answers_store.give_up(connection, opened.unreadable, given_up_ms)
            )
        now_ms = int(self.clock.now() * 1000)
        with self.database.read() as connection:
            return carried(connection, run.segment.stage, opened.pairs, now_ms)


@contextmanager
def _apart(segment: Segment) -> Generator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001  whatever one list's trouble is, the others must still be matched
        FAILED_BATCHES.labels(segment.list_id).inc()
        log().error("batch-failed", list=segment.list_id, epoch=segment.epoch, error=error)
