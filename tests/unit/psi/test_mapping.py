"""Where pseudonyms fall."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.encoding import digest
from blindplate.core.errors import MessageError
from blindplate.psi.hashing import digests
from blindplate.psi.mapping import place, salt_of
from blindplate.psi.parameters import SET_NAMES, load_set

MODULI = [load_set(name).plain_modulus for name in SET_NAMES]
pseudonym = st.binary(min_size=32, max_size=32)
salts = st.binary(min_size=16, max_size=16)


@given(st.lists(pseudonym, max_size=8), salts, st.integers(1, 16384), st.sampled_from(MODULI))
@settings(max_examples=80)
def test_places_are_those_specified(listed: list[bytes], salt: bytes, bins: int, modulus: int) -> None:
    """Against plain integers: bytes 0 to 7 modulo the bins, bytes 8 to 23 modulo t - 1, plus 1."""
    places = place(listed, salt, bins, modulus)
    hashed = [digest("match-place", salt, each) for each in listed]
    assert places.bins.tolist() == [int.from_bytes(h[:8], "big") % bins for h in hashed]
    assert places.elements.tolist() == [int.from_bytes(h[8:24], "big") % (modulus - 1) + 1 for h in hashed]


@given(st.text(max_size=10), st.lists(st.binary(min_size=24, max_size=24), max_size=5), salts)
@settings(max_examples=50)
def test_many_hashes_are_the_labelled_hash_of_each(label: str, rows: list[bytes], salt: bytes) -> None:
    hashed = digests(label, (salt,), b"".join(rows), 24)
    assert [row.tobytes() for row in hashed] == [digest(label, salt, row) for row in rows]


def test_another_salt_places_anew() -> None:
    listed = [os.urandom(32) for _ in range(500)]
    one, other = (place(listed, salt_of(seed), 8192, MODULI[0]) for seed in (b"a" * 64, b"b" * 64))
    assert (one.bins == other.bins).mean() < 0.02
    assert not (one.elements == other.elements).any()


def test_bins_and_elements_are_even() -> None:
    """Chi-square over 64 cells of 20,000 places: above 166 by chance less than once in a billion (63 degrees)."""
    places = place([os.urandom(32) for _ in range(20_000)], b"s" * 16, 64, MODULI[0])
    for cells in (places.bins, (places.elements - 1) * 64 // (MODULI[0] - 1)):
        counts = np.bincount(cells, minlength=64)
        assert ((counts - 312.5) ** 2 / 312.5).sum() < 166


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_pseudonym_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MessageError, match="32 bytes"):
        place([bytes(32), bytes(length)], bytes(16), 8, MODULI[0])
