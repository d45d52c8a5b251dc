"""Samples from the operating system's generator, as arrays.

Guarantees that every call draws fresh bytes from ``os.urandom``: nothing is seeded, cached or shared between lanes,
segments or answers (protocol section 5). Distributions are exact: ranges by rejection, no modulo bias.
"""

from __future__ import annotations

import os
from typing import Final

import numpy as np
import numpy.typing as npt

from blindplate.psi.arithmetic import Integers

_BINOMIAL_BITS: Final = 21
_HALF: Final = np.uint64((1 << _BINOMIAL_BITS) - 1)
ERROR_VARIANCE: Final = _BINOMIAL_BITS / 2


def uniform(count: int, low: int, high: int) -> Integers:
    """``count`` independent uniform integers in [low, high), high - low <= 2**62."""
    span = high - low
    mask = np.uint64((1 << (span - 1).bit_length()) - 1)
    parts: list[npt.NDArray[np.uint64]] = []
    missing = count
    while missing > 0:
        # Moduli in use lie just below a power of two, so hardly a draw is refused; the surplus makes one round do.
        drawn = np.frombuffer(os.urandom(8 * (missing + missing // 64 + 16)), np.uint64) & mask
        kept = drawn[drawn < span][:missing]
        parts.append(kept)
        missing -= len(kept)
    return np.concatenate(parts).astype(np.int64) + low if parts else np.empty(0, np.int64)


def ternary(count: int) -> Integers:
    """``count`` independent uniform values of -1, 0, 1."""
    parts: list[npt.NDArray[np.uint8]] = []
    missing = count
    while missing > 0:
        drawn = np.frombuffer(os.urandom(missing + missing // 64 + 16), np.uint8)
        kept = drawn[drawn < 255][:missing]  # 255 = 3 * 85, so the rest falls evenly into three
        parts.append(kept)
        missing -= len(kept)
    return np.concatenate(parts).astype(np.int64) % 3 - 1 if parts else np.empty(0, np.int64)


def errors(count: int) -> Integers:
    """``count`` values of the centred binomial law of 42 bits: variance 10.5, the law SEAL samples its noise from."""
    drawn = np.frombuffer(os.urandom(8 * count), np.uint64)
    plus: Integers = np.bitwise_count(drawn & _HALF).astype(np.int64)
    minus: Integers = np.bitwise_count((drawn >> np.uint64(_BINOMIAL_BITS)) & _HALF).astype(np.int64)
    return plus - minus
