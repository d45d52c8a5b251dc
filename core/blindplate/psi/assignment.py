"""Which read takes which slot of a batch.

Guarantees that a read only takes a slot of its own bin, that no slot is taken twice, that of the reads of one bin the
earlier ones go first, and that the slots within a bin are taken in random order, so that a slot's number tells an
owner nothing but its bin. Reads that find no slot wait for a later batch. Protocol section 5.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np

from blindplate.psi.arithmetic import Integers
from blindplate.psi.layout import Layout


class Assignment(NamedTuple):
    """``placed[i]`` is the read that took ``slots[i]``; ``waiting`` are the reads that found none, in their order."""

    placed: Integers
    slots: Integers
    waiting: Integers


def assign(bins: Integers, layout: Layout) -> Assignment:
    """Give each read, by its bin (n,), a free slot of an empty batch."""
    order = np.argsort(bins, kind="stable")
    counts = np.bincount(bins, minlength=layout.bins)
    starts = np.cumsum(counts) - counts
    rank = np.empty(len(bins), np.int64)
    rank[order] = np.arange(len(bins)) - np.repeat(starts, counts)
    fits = rank < layout.replicas
    placed = np.nonzero(fits)[0]
    shuffled = _shuffles(layout)
    return Assignment(
        placed,
        bins[placed] * layout.replicas + shuffled[bins[placed], rank[placed]],
        np.nonzero(~fits)[0],
    )


def _shuffles(layout: Layout) -> Integers:
    """A random order of each bin's slots: (bins, replicas), by sorting random keys."""
    keys = np.frombuffer(os.urandom(8 * layout.bins * layout.replicas), np.uint64)
    return np.argsort(keys.reshape(layout.bins, layout.replicas), axis=1)
