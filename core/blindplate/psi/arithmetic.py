"""Arithmetic modulo primes on arrays of 64-bit integers.

Guarantees exact results within the stated bounds. Does not run in constant time: operands are pseudonyms' field
elements and masks inside the matcher's own process, which holds them in the clear anyway. Protocol section 5.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Integers: TypeAlias = npt.NDArray[np.int64]
FIELD_LIMIT: Final = 1 << 50


def multiply(a: Integers, b: Integers, modulus: int) -> Integers:
    """``a * b`` modulo ``modulus``, for 0 <= a, b < modulus <= 2**50; arrays of one shape.

    The quotient is taken in floating point. Both operands are exact there (below 2**53); product and division
    each round by at most 2**-53 of their result, so the quotient, below 2**50, is off by less than 2**-2 before
    it is cut down to an integer and by at most one after. The remainder then lies in [-modulus, 2 * modulus): it
    fits 64 bits, so the wrapped 64-bit arithmetic below yields it exactly, and two corrections bring it into range.
    """
    quotient = (a.astype(np.float64) * b.astype(np.float64) / modulus).astype(np.int64)
    remainder = a * b - quotient * modulus
    remainder += np.where(remainder < 0, modulus, 0)
    remainder -= np.where(remainder >= modulus, modulus, 0)
    return remainder


def power(base: Integers, exponent: int, modulus: int) -> Integers:
    """``base ** exponent`` modulo ``modulus``, for exponent >= 0; bounds as for ``multiply``."""
    result = np.ones_like(base)
    while exponent:
        if exponent & 1:
            result = multiply(result, base, modulus)
        exponent >>= 1
        if exponent:
            base = multiply(base, base, modulus)
    return result


def add_residues(a: Integers, b: Integers, primes: tuple[int, ...]) -> Integers:
    """``a + b`` row by row modulo ``primes``: shape (number of primes, n), each prime below 2**62."""
    moduli = np.array(primes, np.int64)[:, None]
    total = a + b
    total -= np.where(total >= moduli, moduli, 0)
    return total


def subtract_residues(a: Integers, b: Integers, primes: tuple[int, ...]) -> Integers:
    """``a - b`` row by row modulo ``primes``; shapes and bounds as for ``add_residues``."""
    difference = a - b
    difference += np.where(difference < 0, np.array(primes, np.int64)[:, None], 0)
    return difference


def to_residues(values: Integers, primes: tuple[int, ...]) -> Integers:
    """Small signed ``values`` (n,) modulo each of ``primes``: (number of primes, n)."""
    return values[None, :] % np.array(primes, np.int64)[:, None]
