"""Batches evaluated in spawned worker processes, so that gRPC's threads keep answering.

Guarantees that a worker's death harms nothing: its batches are evaluated again in a fresh pool; that no worker
outlives the matcher, however that ends: each watches for its parent's death; and that none matches under a
parameter set it has not tested SEAL with. Workers are spawned, never forked.
Protocol section 5.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from blindplate.core.errors import UnavailableError
from blindplate.edge.logs import configure, log
from blindplate.psi.matcher import Batch
from blindplate.psi.selftest import tested_set
from blindplate.server.matcher.evaluator import Job, ListCache, evaluate

_ATTEMPTS = 3
# State of each worker, a process of its own, to which the pool hands nothing but arguments. Set by ``_prepare``.
_cache: ListCache | None = None


class PoolEvaluator:
    """Evaluates in ``workers`` processes, each of which keeps at most ``memory_bytes`` of loaded lists."""

    def __init__(self, workers: int, memory_bytes: int) -> None:
        self._workers = workers
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._closed = False
        self._pool = self._start()

    def warm_up(self, parameter_sets: Sequence[str]) -> None:
        """Start a worker and have it test SEAL under these sets. Raises ParameterError when one does not hold."""
        self._pool.submit(_test, tuple(parameter_sets)).result()

    def submit(self, job: Job) -> Future[Batch]:
        """Evaluate ``job`` in some worker, again if one dies."""
        outcome: Future[Batch] = Future()
        self._attempt(job, outcome, _ATTEMPTS)
        return outcome

    def close(self) -> None:
        """Stop the workers at once."""
        with self._lock:
            self._closed = True
            pool = self._pool
        _stop(pool)

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_prepare,
            initargs=(self._memory_bytes,),
        )

    def _attempt(self, job: Job, outcome: Future[Batch], left: int) -> None:
        with self._lock:
            pool = self._pool
            if self._closed:
                outcome.set_exception(UnavailableError("The matcher is shutting down."))
                return
        try:
            running = pool.submit(_run, job)
        except (BrokenProcessPool, RuntimeError):
            self._again(pool, job, outcome, left)
            return

        def ended(future: Future[Batch]) -> None:
            error = None if future.cancelled() else future.exception()
            if future.cancelled() or isinstance(error, BrokenProcessPool):
                self._again(pool, job, outcome, left)
            elif error is not None:
                outcome.set_exception(error)
            else:
                outcome.set_result(future.result())

        running.add_done_callback(ended)

    def _again(self, broken: ProcessPoolExecutor, job: Job, outcome: Future[Batch], left: int) -> None:
        if left <= 1:
            outcome.set_exception(UnavailableError("Workers die whenever they evaluate this batch."))
            return
        with self._lock:
            if self._pool is broken and not self._closed:
                log().error("worker-died")
                self._pool = self._start()
        self._attempt(job, outcome, left - 1)


def _prepare(memory_bytes: int) -> None:
    global _cache
    # Control-C reaches the whole group: only the matcher itself decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    configure("matcher-worker")
    _cache = ListCache(memory_bytes)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _run(job: Job) -> Batch:
    if _cache is None:
        raise UnavailableError("A worker was not prepared.")
    _test([job.source.parameter_set])
    return evaluate(_cache, job)


def _test(parameter_sets: Sequence[str]) -> None:
    """Test SEAL under each set once in this process, before anything is matched under it."""
    for name in parameter_sets:
        tested_set(name)


def _stop(pool: ProcessPoolExecutor) -> None:
    processes = list((pool._processes or {}).values())  # noqa: SLF001  3.11 has no public way to stop busy workers
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()
