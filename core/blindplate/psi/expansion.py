"""A uniform ring element from a public seed, so that 32 bytes travel in place of half a ciphertext.

Guarantees that whoever holds the seed gets the same element, uniform under each prime by rejection. SHAKE-256 (FIPS 202)
stands in for a random function, as BLAKE2Xb does in SEAL's own seeded ciphertexts; the seed is public, so nothing else
is asked of it. Protocol section 5; docs/spec/match.md.
"""

from __future__ import annotations

from hashlib import shake_256
from typing import Final

import numpy as np

from blindplate.core.encoding import encode, uint
from blindplate.psi.arithmetic import Integers

MASK_SEED_BYTES: Final = 32
_WORD_BYTES: Final = 8
_SURPLUS: Final = 64


def expand(seed: bytes, count: int, primes: tuple[int, ...]) -> Integers:
    """The element that ``seed`` stands for: residues (number of primes, count)."""
    return np.stack([_expanded(seed, row, count, prime) for row, prime in enumerate(primes)])


def _expanded(seed: bytes, row: int, count: int, prime: int) -> Integers:
    """Little-endian 64-bit words of the stream, cut to the prime's bits; those not below it are passed over."""
    source = shake_256(encode("match-mask", seed, uint(row, 1)))
    mask = np.uint64((1 << prime.bit_length()) - 1)
    words = count + _SURPLUS
    while True:
        drawn = np.frombuffer(source.digest(_WORD_BYTES * words), "<u8") & mask
        kept = drawn[drawn < prime]
        if len(kept) >= count:
            return kept[:count].astype(np.int64)
        words *= 2  # a longer digest begins with the shorter one
