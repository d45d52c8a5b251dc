"""Residues as bytes of exactly the size their primes call for.

Coefficient by coefficient, the residues modulo each prime follow one another as one little-endian bit string, filled
with zero bits to a whole byte: 26 bytes at most where 64-bit words would take 32. Guarantees one encoding per value:
``unpack`` refuses residues that are not reduced and filling bits that are not zero. Protocol section 5.
"""

from __future__ import annotations

import numpy as np

from blindplate.core.errors import MessageError
from blindplate.psi.arithmetic import Integers

_WORD = 64


def packed_width(primes: tuple[int, ...]) -> int:
    """Bytes that one coefficient takes."""
    return (sum(prime.bit_length() for prime in primes) + 7) // 8


def pack(residues: Integers, primes: tuple[int, ...]) -> bytes:
    """Pack reduced residues of shape (number of primes, n) into n * packed_width(primes) bytes."""
    width = packed_width(primes)
    words = np.zeros((residues.shape[1], (width + 7) // 8), "<u8")
    offset = 0
    for row, prime in zip(residues.view(np.uint64), primes, strict=True):
        word, shift = divmod(offset, _WORD)
        words[:, word] |= row << np.uint64(shift)
        if shift + prime.bit_length() > _WORD:
            words[:, word + 1] |= row >> np.uint64(_WORD - shift)
        offset += prime.bit_length()
    return words.view(np.uint8)[:, :width].tobytes()


def unpack(body: bytes, primes: tuple[int, ...]) -> Integers:
    """The residues, (number of primes, n), that ``body`` packs. Raises MessageError unless it is their one encoding."""
    width = packed_width(primes)
    if len(body) % width:
        raise MessageError("Packed residues do not end at a coefficient's end.")
    count = len(body) // width
    padded = np.zeros((count, (width + 7) // 8 * 8), np.uint8)
    padded[:, :width] = np.frombuffer(body, np.uint8).reshape(count, width)
    words = padded.view("<u8")
    residues = np.empty((len(primes), count), np.uint64)
    offset = 0
    for row, prime in enumerate(primes):
        bits = prime.bit_length()
        word, shift = divmod(offset, _WORD)
        value = words[:, word] >> np.uint64(shift)
        if shift + bits > _WORD:
            value |= words[:, word + 1] << np.uint64(_WORD - shift)
        residues[row] = value & np.uint64((1 << bits) - 1)
        offset += bits
        if (residues[row] >= prime).any():
            raise MessageError("A residue is not below its prime.")
    if offset % 8 and (padded[:, width - 1] >> np.uint8(offset % 8)).any():
        raise MessageError("The filling bits of packed residues are not zero.")
    return residues.view(np.int64)
