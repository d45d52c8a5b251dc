"""Reads and slots."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.psi.assignment import assign
from blindplate.psi.layout import declared
from blindplate.psi.parameters import load_set

PROMPT = load_set("prompt")


@st.composite
def batches(draw: st.DrawFn) -> tuple[int, list[int]]:
    bins = draw(st.integers(1, 8192).filter(lambda n: n < 40 or n > 1000))
    return bins, draw(st.lists(st.integers(0, min(bins, 12) - 1), max_size=60))


@given(batches())
@settings(max_examples=80, deadline=None)
def test_every_read_takes_one_slot_of_its_bin_or_waits(batch: tuple[int, list[int]]) -> None:
    bins, wanted = batch
    layout = declared(bins, 64, PROMPT)
    placed, slots, waiting = (part.tolist() for part in assign(np.array(wanted, np.int64), layout))
    assert sorted(placed + waiting) == list(range(len(wanted)))
    assert len(set(slots)) == len(slots)
    assert [layout.bin_of(slot) for slot in slots] == [wanted[read] for read in placed]
    for bin_, count in Counter(wanted).items():
        reads = [read for read in range(len(wanted)) if wanted[read] == bin_]
        fit = min(count, layout.replicas)
        assert [read for read in reads if read in placed] == reads[:fit]  # earlier reads go first
    assert waiting == sorted(waiting)


def test_slots_within_a_bin_come_in_random_order() -> None:
    """Of 300 batches of one read each, the read's slot falls into either half of its bin's 1,170: within six deviations."""
    layout = declared(7, 64, PROMPT)
    low = sum(int(assign(np.array([3]), layout).slots[0]) < 3 * 1170 + 585 for _ in range(300))
    assert abs(low - 150) < 6 * 75**0.5


def test_two_batches_of_the_same_reads_take_different_slots() -> None:
    layout = declared(1, 64, PROMPT)
    one, other = (assign(np.zeros(100, np.int64), layout).slots for _ in range(2))
    assert (one != other).any()
