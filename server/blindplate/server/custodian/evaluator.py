"""Evaluation of blinded elements without holding up the server: small batches at once, large ones in processes.

``voprf`` holds the interpreter's lock for a whole batch, and a batch has one proof, so it cannot be cut: 8,192
elements would stop every other call for half a second or more. Therefore batches above ``INLINE`` elements go to
spawned processes; what a camera sends is below it and never waits behind an owner's list. Only so many large
batches are taken at once that some of the server's threads stay free. Keys are derived on demand. Protocol section 3.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Final

from blindplate.core.domains import Domain
from blindplate.core.errors import MessageError, OverloadedError, UnavailableError
from blindplate.core.pseudonyms import ELEMENT_BYTES, DomainKey

# About 20 ms on one core.
INLINE: Final = 256
# Half of the server's 16 threads.
LARGE_AT_ONCE: Final = 8
_CACHED_KEYS: Final = 64

# A spawned worker serves one custodian for life; its seed is handed in through the pool's pipe, once.
_worker_seed: bytes = b""


class Evaluator:
    """Evaluates under the domain keys of one 32-byte pseudonym seed, in ``workers`` processes where batches are large."""

    def __init__(self, seed: bytes, workers: int) -> None:
        self._seed = seed
        self._workers = workers
        self._room = threading.BoundedSemaphore(LARGE_AT_ONCE)
        self._lock = threading.Lock()
        self._pool = self._new_pool()
        self.key: Callable[[Domain], DomainKey] = lru_cache(_CACHED_KEYS)(partial(DomainKey.derive, seed))

    def start(self) -> None:
        """Start the processes now instead of with the first large batch."""
        self._pool.submit(os.getpid).result()

    def close(self) -> None:
        """Let running batches end, then end the processes."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def public(self, domain: Domain) -> bytes:
        """The public evaluation key of ``domain``: 32 bytes."""
        return self.key(domain).public

    @contextmanager
    def place(self, size: int) -> Generator[None, None, None]:
        """Hold a place for a batch of ``size`` elements. Raises OverloadedError when too many large ones run."""
        if size <= INLINE:
            yield
            return
        if not self._room.acquire(blocking=False):
            raise OverloadedError("Too many large batches are being evaluated.", "Try again in some seconds.")
        try:
            yield
        finally:
            self._room.release()

    def evaluate(self, domain: Domain, blinded: Sequence[bytes]) -> tuple[list[bytes], bytes]:
        """Each element (32 bytes) under the key of ``domain``, and one proof (64 bytes) over them all.

        Raises MessageError for an invalid element, UnavailableError when a process died at it.
        """
        if len(blinded) <= INLINE:
            return self.key(domain).blind_evaluate(blinded)
        pool = self._pool
        try:
            answer = pool.submit(_evaluate, domain, b"".join(blinded)).result()
        except BrokenProcessPool:
            self._replace(pool)
            raise UnavailableError("An evaluation process died.", "Try again.") from None
        if answer is None:
            raise MessageError("A blinded element is not a valid group element.")
        elements, proof = answer
        return _cut(elements), proof

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is broken:
                broken.shutdown(wait=False)
                self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(self._seed,),
        )


def _start_worker(seed: bytes) -> None:
    global _worker_seed
    _worker_seed = seed
    # A terminal's interrupt reaches the whole group: the parent decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    # A killed parent ends no worker: each would wait for work for ever, holding the seed.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _evaluate(domain: Domain, joined: bytes) -> tuple[bytes, bytes] | None:
    """Evaluate in a worker; None for an invalid element, since our errors do not survive pickling whole."""
    try:
        elements, proof = _worker_key(domain).blind_evaluate(_cut(joined))
    except MessageError:
        return None
    return b"".join(elements), proof


@lru_cache(_CACHED_KEYS)
def _worker_key(domain: Domain) -> DomainKey:
    return DomainKey.derive(_worker_seed, domain)


def _cut(joined: bytes) -> list[bytes]:
    return [joined[at : at + ELEMENT_BYTES] for at in range(0, len(joined), ELEMENT_BYTES)]
