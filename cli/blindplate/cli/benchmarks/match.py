"""The encrypted match on one core: a list encrypted, loaded and matched as its owner and the matcher do it.

Every byte of the upload goes through the matcher's loader and every answer is opened with the owner's secret: unless
the hits are exactly the listed reads that found a slot, each with its own secret, there are no figures. Leaves out
what surrounds the match: network, worker processes and storage. Protocol section 5.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import SystemRandom
from statistics import median
from typing import Final

from blindplate.cli.benchmarks.timing import Say, Seconds, Spread, milliseconds, silent, timed
from blindplate.core.errors import ParameterError
from blindplate.psi.layout import Layout, plan
from blindplate.psi.matcher import Batch, LoadedList, Loader, answer_batch
from blindplate.psi.owner import Opened, Upload, build_upload, open_answer
from blindplate.psi.parameters import ParameterSet, load_set
from blindplate.psi.selftest import self_test

DEFAULT_BATCHES: Final = 7
_TICKS: Final = (50, 500)
_PSEUDONYM_BYTES: Final = 32
_SECRET_BYTES: Final = 16
# One read in so many is on the list; the answer's size and time do not depend on it.
_READS_A_HIT: Final = 100
_RANDOM: Final = SystemRandom()


@dataclass(frozen=True, slots=True)
class MatchFigures:
    """A batch is one answer; ``batch_ms`` is one to which as many reads were offered as there are slots.

    ``reads_per_second_per_core`` counts those that fitted into it, and takes for its time the wall's or the
    processor's, whichever is more. ``tick_ms`` and ``tick_fitted`` go by the number of reads offered.
    ``failure_log2`` is per answer, ``stranger_log2`` per read. ``peak_memory_bytes`` is the whole process's.
    """

    entries: int
    set: str
    bins: int
    slots: int
    slots_per_bin: int
    degree: int
    batches: int
    batch_ms: Spread
    reads_per_second_per_core: Spread
    reads_fitted: float
    tick_ms: Mapping[int, Spread]
    tick_fitted: Mapping[int, float]
    open_ms: Spread
    build_seconds: float
    encrypt_seconds: float
    load_seconds: float
    upload_bytes: int
    answer_bytes: int
    failure_log2: float
    stranger_log2: float
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True)
class _Prepared:
    loaded: LoadedList
    secret: bytes
    pseudonyms: Sequence[bytes]
    encrypting: float
    loading: float
    upload_bytes: int


@dataclass(frozen=True, slots=True)
class _Answered:
    taken: Seconds
    opening: Seconds
    fitted: int


def measure_match(
    entries: int,
    set_name: str,
    reads: int | None = None,
    batches: int = DEFAULT_BATCHES,
    say: Say = silent,
) -> MatchFigures:
    """Match a list of ``entries`` random pseudonyms under the set of this name; ``reads`` adds a size of tick.

    Raises InputError for a list too long for the set, ParameterError for a set there is not, or when an answer does
    not open as it must.
    """
    parameters = load_set(set_name)
    layout = plan(entries, parameters)
    say("Testing SEAL with the parameter set.")
    self_test(parameters)
    pseudonyms = _random(entries, _PSEUDONYM_BYTES)
    say(f"Building {layout.bins:,} polynomials of degree {layout.degree} for {entries:,} entries.")
    upload, building = timed(build_upload, pseudonyms, layout, parameters)
    say(f"Encrypting and loading {layout.blobs} ciphertexts.")
    prepared = _prepare(upload, parameters, pseudonyms)
    sizes = _sizes(layout.slots, reads)
    say(f"Answering {batches} batches each of {', '.join(f'{size:,}' for size in sizes)} reads.")
    # The first batch after loading finds cold caches; it is answered and checked, and not counted.
    _answer(prepared, layout.slots)
    # In turns, so that what else the machine does falls on all sizes alike.
    turns = [{size: _answer(prepared, size) for size in sizes} for _ in range(batches)]
    full = [turn[layout.slots] for turn in turns]
    return MatchFigures(
        entries=entries,
        set=parameters.name,
        bins=layout.bins,
        slots=layout.slots,
        slots_per_bin=layout.replicas,
        degree=layout.degree,
        batches=batches,
        batch_ms=milliseconds([one.taken for one in full]),
        reads_per_second_per_core=Spread.of(
            (one.fitted / max(one.taken.wall, one.taken.cpu) for one in full),
            (one.fitted / one.taken.cpu for one in full),
        ),
        reads_fitted=median(one.fitted for one in full),
        tick_ms={size: milliseconds([turn[size].taken for turn in turns]) for size in sizes},
        tick_fitted={size: median(turn[size].fitted for turn in turns) for size in sizes},
        open_ms=milliseconds([one.opening for one in full]),
        build_seconds=building.wall,
        encrypt_seconds=prepared.encrypting,
        load_seconds=prepared.loading,
        upload_bytes=prepared.upload_bytes,
        answer_bytes=layout.answer_bytes,
        failure_log2=layout.failure_log2,
        stranger_log2=layout.stranger_log2,
        # Linux counts it in units of 1024 bytes.
        peak_memory_bytes=1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    )


def _sizes(slots: int, reads: int | None) -> list[int]:
    sizes = {*_TICKS, slots}
    if reads is not None:
        sizes.add(reads)
    return sorted(sizes)


def _prepare(upload: Upload, parameters: ParameterSet, pseudonyms: Sequence[bytes]) -> _Prepared:
    """Encrypt and load blob by blob, so that no more than one of the upload is held twice."""
    loader = Loader(parameters, upload.layout)
    encrypting = loading = 0.0
    size = 0
    for _ in range(upload.layout.blobs):
        blob, taken = timed(next, upload.body)
        encrypting += taken.wall
        size += len(blob)
        _, taken = timed(loader.take, blob)
        loading += taken.wall
    loaded, taken = timed(loader.finish)
    return _Prepared(loaded, upload.secret, pseudonyms, encrypting, loading + taken.wall, size)


def _answer(prepared: _Prepared, size: int) -> _Answered:
    """One batch of ``size`` reads, a few of them on the list, timed; its answer opened and checked."""
    hits = min(len(prepared.pseudonyms), 1 + size // _READS_A_HIT)
    listed = set(_RANDOM.sample(range(size), hits))
    drawn = iter(_RANDOM.sample(prepared.pseudonyms, hits))
    strangers = iter(_random(size - hits, _PSEUDONYM_BYTES))
    reads = [next(drawn) if read in listed else next(strangers) for read in range(size)]
    secrets = _random(size, _SECRET_BYTES)
    batch, taken = timed(answer_batch, prepared.loaded, reads, secrets)
    opened, opening = timed(open_answer, prepared.secret, batch.answer)
    _check(batch, opened, listed, secrets, prepared.loaded.layout)
    return _Answered(taken, opening, len(batch.placed))


def _check(
    batch: Batch, opened: Sequence[Opened], listed: set[int], secrets: Sequence[bytes], layout: Layout
) -> None:
    expected = sorted(
        Opened(slot, secrets[read])
        for read, slot in zip(batch.placed, batch.slots, strict=True)
        if read in listed
    )
    if list(opened) != expected or len(batch.answer) != layout.answer_bytes:
        raise ParameterError("An answer opened to other reads than those that are on the list.")


def _random(count: int, size: int) -> list[bytes]:
    """``count`` strings of ``size`` random bytes."""
    drawn = os.urandom(count * size)
    return [drawn[start : start + size] for start in range(0, len(drawn), size)]
