"""Residues as bytes: one encoding per value, and nothing but that encoding accepted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import MessageError
from blindplate.psi.packing import pack, packed_width, unpack
from blindplate.psi.parameters import load_set

PRIMES = [
    load_set("prompt").data_primes,
    load_set("bulk").answer_moduli,
    (8191,),
    (3, 5),
    (4503599626682369, 281474976546817, 8191),
]


@given(st.sampled_from(PRIMES), st.data())
@settings(max_examples=60)
def test_residues_survive_the_round_trip(primes: tuple[int, ...], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 5))
    rows = [
        data.draw(st.lists(st.integers(0, prime - 1), min_size=count, max_size=count)) for prime in primes
    ]
    residues = np.array(rows, np.int64)
    packed = pack(residues, primes)
    assert len(packed) == count * packed_width(primes)
    assert (unpack(packed, primes) == residues).all()


@given(st.sampled_from(PRIMES), st.binary(min_size=26, max_size=26))
@settings(max_examples=60)
def test_whatever_is_accepted_packs_to_the_same_bytes(primes: tuple[int, ...], body: bytes) -> None:
    body = body[: packed_width(primes)]
    try:
        residues = unpack(body, primes)
    except MessageError:
        return
    assert pack(residues, primes) == body


def test_the_bit_string_is_the_one_specified() -> None:
    """Little-endian: the first prime's residue in the lowest bits, the next above it."""
    primes = (8191, 3)
    packed = pack(np.array([[0x1234], [2]], np.int64), primes)
    assert int.from_bytes(packed, "little") == 0x1234 | 2 << 13


def test_a_residue_equal_to_its_prime_is_refused() -> None:
    primes = load_set("prompt").data_primes
    body = primes[0].to_bytes(packed_width(primes), "little")
    with pytest.raises(MessageError, match="not below its prime"):
        unpack(body, primes)


def test_filling_bits_that_are_not_zero_are_refused() -> None:
    with pytest.raises(MessageError, match="filling bits"):
        unpack(b"\x00\x80", (8191,))


def test_a_body_cut_within_a_coefficient_is_refused() -> None:
    with pytest.raises(MessageError, match="coefficient's end"):
        unpack(b"\x00", (8191,))
