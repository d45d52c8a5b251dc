"""What SEAL expands a seed to, computed a second time without SEAL: the specification can be followed by others.

BLAKE2Xb is BLAKE2b with parameters that hashlib refuses (depth 0), so its compression function stands here in full,
after RFC 7693 and the BLAKE2X paper.
"""

from __future__ import annotations

import os
import struct

import numpy as np

from blindplate.psi.context import Context

_ROUNDS = 12
_IV = (
    0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
    0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
)  # fmt: skip
_SIGMA = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
)
_QUARTERS = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip
_MASK = (1 << 64) - 1


def _rotated(value: int, bits: int) -> int:
    return (value >> bits | value << (64 - bits)) & _MASK


def _blake2b(parameters: bytes, blocks: list[bytes], length: int) -> bytes:
    """64 bytes of BLAKE2b with any parameter block, over blocks of 128 bytes that hold ``length`` bytes of input."""
    state = [word ^ iv for word, iv in zip(struct.unpack("<8Q", parameters), _IV, strict=True)]
    for index, block in enumerate(blocks):
        last = index == len(blocks) - 1
        m = struct.unpack("<16Q", block)
        v = [*state, *_IV]
        v[12] ^= length if last else 128 * (index + 1)
        v[14] ^= _MASK if last else 0
        for round_ in range(_ROUNDS):
            schedule = _SIGMA[round_ % 10]
            for step, (a, b, c, d) in enumerate(_QUARTERS):
                x, y = m[schedule[2 * step]], m[schedule[2 * step + 1]]
                v[a] = (v[a] + v[b] + x) & _MASK
                v[d] = _rotated(v[d] ^ v[a], 32)
                v[c] = (v[c] + v[d]) & _MASK
                v[b] = _rotated(v[b] ^ v[c], 24)
                v[a] = (v[a] + v[b] + y) & _MASK
                v[d] = _rotated(v[d] ^ v[a], 16)
                v[c] = (v[c] + v[d]) & _MASK
                v[b] = _rotated(v[b] ^ v[c], 63)
        state = [s ^ v[i] ^ v[i + 8] for i, s in enumerate(state)]
    return struct.pack("<8Q", *state)


def _blake2xb(key: bytes, message: bytes, length: int) -> bytes:
    """``length`` bytes, a multiple of 64, of BLAKE2Xb."""
    root = _blake2b(
        struct.pack("<BBBBIIIBB14x32x", 64, len(key), 1, 1, 0, 0, length, 0, 0),
        [key.ljust(128, b"\0"), message.ljust(128, b"\0")],
        128 + len(message),
    )
    return b"".join(
        _blake2b(
            struct.pack("<BBBBIIIBB14x32x", 64, 0, 0, 0, 64, node, length, 0, 64),
            [root.ljust(128, b"\0")],
            64,
        )
        for node in range(length // 64)
    )


def test_seal_expands_a_seed_as_specified(context: Context) -> None:
    """The first 512 coefficients under the first prime are the first 4,096 bytes of the stream, reduced."""
    seed, parameters = os.urandom(64), context.parameters
    nothing = np.zeros((len(parameters.data_primes), parameters.poly_degree), np.int64)
    expanded = context.saved(context.seeded(nothing, seed)).residues[1]
    stream = np.frombuffer(_blake2xb(seed, struct.pack("<Q", 0), 4096), "<u8")
    expected = stream % np.uint64(parameters.data_primes[0])
    assert (expanded[0, :512].astype(np.uint64) == expected).all()


def test_other_seeds_give_other_halves(context: Context) -> None:
    parameters = context.parameters
    nothing = np.zeros((len(parameters.data_primes), parameters.poly_degree), np.int64)
    one, other = (context.saved(context.seeded(nothing, os.urandom(64))).residues[1] for _ in range(2))
    assert (one != other).mean() > 0.999
