"""Bins, slots and the published degree."""

from __future__ import annotations

import os
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import InputError, UploadError
from blindplate.psi.layout import OVERFLOW, SALTS_TRIED, declared, plan
from blindplate.psi.mapping import place
from blindplate.psi.parameters import SET_NAMES, load_set


@given(st.integers(0, 3_000_000), st.sampled_from(SET_NAMES))
@settings(max_examples=60)
def test_bins_hold_at_least_64_entries_and_fit_the_slots(entries: int, name: str) -> None:
    parameters = load_set(name)
    layout = plan(entries, parameters)
    assert layout.bins == 1 or entries / layout.bins >= 64
    assert layout.degree >= max(64, -(-entries // layout.bins))
    assert layout.bins * layout.replicas <= layout.slots == parameters.poly_degree
    assert layout.upload_bytes == layout.blobs * parameters.blob_bytes
    assert declared(layout.bins, layout.degree, parameters) == layout


@pytest.mark.parametrize("entries", [0, 1, 63, 64])
def test_a_short_list_looks_like_one_of_64(entries: int) -> None:
    layout = plan(entries, load_set("prompt"))
    assert (layout.bins, layout.degree) == (1, 64)


def test_slots_belong_to_bins_in_order_and_the_rest_to_none() -> None:
    layout = plan(500, load_set("prompt"))
    assert (layout.bins, layout.replicas) == (7, 1170)
    assert [layout.bin_of(slot) for slot in (0, 1169, 1170, 8189)] == [0, 0, 1, 6]
    for slot in (-1, 8190):
        with pytest.raises(InputError, match="No bin"):
            layout.bin_of(slot)


def test_the_degree_is_exceeded_as_seldom_as_stated() -> None:
    """Of 400 placements, fewer overflow than the bound and six deviations more; a degree ten lower overflows mostly."""
    parameters = load_set("prompt")
    layout = plan(20_000, parameters)
    pseudonyms = [os.urandom(32) for _ in range(20_000)]
    words = np.frombuffer(os.urandom(8 * 400 * 20_000), np.uint64).reshape(400, 20_000) % np.uint64(
        layout.bins
    )
    fullest = np.array([np.bincount(row.astype(np.int64)).max() for row in words])
    allowed = 400 * OVERFLOW + 6 * (400 * OVERFLOW * (1 - OVERFLOW)) ** 0.5
    assert (fullest > layout.degree).sum() < allowed
    assert (fullest > layout.degree - 10).sum() > 200
    bins = place(pseudonyms, b"s" * 16, layout.bins, parameters.plain_modulus).bins
    assert abs(int(np.bincount(bins).max()) - layout.degree) < 40


def test_all_salts_together_fail_below_two_to_the_minus_forty() -> None:
    assert OVERFLOW**SALTS_TRIED <= 2.0**-40


def test_degrees_do_not_fall_as_a_list_grows_within_its_bins() -> None:
    parameters = load_set("prompt")
    degrees = [plan(entries, parameters).degree for entries in range(600_000, 2_000_000, 100_000)]
    assert all(a <= b for a, b in pairwise(degrees))


@pytest.mark.parametrize("entries", [-1, 15_500_000, 10**9])
def test_a_list_that_no_layout_takes_is_refused(entries: int) -> None:
    with pytest.raises(InputError):
        plan(entries, load_set("prompt"))


@pytest.mark.parametrize(("bins", "degree"), [(0, 64), (8193, 64), (1, 63), (1, 2049), (-1, 64)])
def test_a_manifest_beyond_its_set_is_refused(bins: int, degree: int) -> None:
    with pytest.raises(UploadError):
        declared(bins, degree, load_set("prompt"))
