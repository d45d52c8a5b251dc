"""How batches are evaluated: a small interface, and the way that does it in this process.

Nothing else in the matcher knows where a batch is evaluated. Pseudonyms and match secrets pass through memory and
pipes only. Protocol section 5.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from blindplate.core.errors import BlindplateError, StorageError
from blindplate.psi.layout import declared
from blindplate.psi.matcher import Batch, LoadedList, answer_batch, load_list
from blindplate.psi.parameters import ParameterSet, load_set

# SEAL keeps two halves of 8 bytes for every prime, slot and coefficient.
_BYTES_A_RESIDUE = 16


@dataclass(frozen=True, slots=True)
class ListSource:
    """Where an uploaded list lies and how it is to be read. ``segment_id`` names exactly these bytes."""

    segment_id: bytes
    path: Path
    parameter_set: str
    bins: int
    degree: int


@dataclass(frozen=True, slots=True)
class Job:
    """One batch to evaluate: reads as (pseudonym, match secret), oldest first."""

    source: ListSource
    reads: Sequence[tuple[bytes, bytes]] = field(repr=False)


class Evaluator(Protocol):
    """Evaluates batches somewhere."""

    def submit(self, job: Job) -> Future[Batch]:
        """Evaluate ``job``. The future raises an error of our tree when that failed; nothing is lost by it."""
        ...

    def close(self) -> None:
        """Stop, without waiting for batches under way."""
        ...


class ListCache:
    """Lists loaded from their files, the longest unused dropped first when they outgrow ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lists: OrderedDict[bytes, LoadedList] = OrderedDict()

    def get(self, source: ListSource) -> LoadedList:
        """The loaded list. Raises UploadError or StorageError when its file is not what was uploaded."""
        loaded = self._lists.pop(source.segment_id, None)
        if loaded is None:
            loaded = _load(source)
            while self._lists and self._bytes() + _size(loaded) > self._limit:
                self._lists.popitem(last=False)
        self._lists[source.segment_id] = loaded
        return loaded

    def __len__(self) -> int:
        return len(self._lists)

    def _bytes(self) -> int:
        return sum(map(_size, self._lists.values()))


class LocalEvaluator:
    """Evaluates in the calling thread: for tests and small deployments."""

    def __init__(self, memory_bytes: int) -> None:
        self._cache = ListCache(memory_bytes)

    def submit(self, job: Job) -> Future[Batch]:
        """Evaluate now."""
        future: Future[Batch] = Future()
        try:
            future.set_result(evaluate(self._cache, job))
        except BlindplateError as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing to stop."""


def evaluate(cache: ListCache, job: Job) -> Batch:
    """Evaluate a batch with the list that ``cache`` holds or loads."""
    loaded = cache.get(job.source)
    return answer_batch(loaded, [y for y, _ in job.reads], [s for _, s in job.reads])


def _load(source: ListSource) -> LoadedList:
    parameters = load_set(source.parameter_set)
    layout = declared(source.bins, source.degree, parameters)
    return load_list(parameters, layout, _blobs(source.path, parameters))


def _blobs(path: Path, parameters: ParameterSet) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while blob := file.read(parameters.blob_bytes):
                yield blob
    except OSError as error:
        raise StorageError(
            f"A segment cannot be read: {error.strerror}.", "Mend the disk, or have the list uploaded again."
        ) from None


def _size(loaded: LoadedList) -> int:
    primes = len(loaded.parameters.data_primes)
    return _BYTES_A_RESIDUE * primes * loaded.parameters.poly_degree * (loaded.layout.degree + 1)
