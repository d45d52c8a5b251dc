"""ML-DSA-44 of FIPS 204, keys and deterministic signatures alone: slow, not constant in time, for vectors and nothing else.

Algorithm numbers are the standard's. Deterministic means its 32 random bytes are zero (section 3.4), so that vectors
are the same whenever they are made; any verifier accepts either kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import shake_128, shake_256
from itertools import chain, count
from typing import Final

# Parameters of table 1, k = l = 4.
Q: Final = 8_380_417
N: Final = 256
DROPPED: Final = 13
TAU: Final = 39
GAMMA_1: Final = 1 << 17
GAMMA_2: Final = (Q - 1) // 88
K: Final = 4
ETA: Final = 2
BETA: Final = TAU * ETA
OMEGA: Final = 80
# Appendix B: powers of 1753 in the order of reversed bits.
ZETAS: Final = [pow(1753, int(f"{index:08b}"[::-1], 2), Q) for index in range(N)]

Poly = list[int]
Vector = list[Poly]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and its public one (1312 bytes), from the seed called xi (32 bytes)."""

    public: bytes
    rho: bytes
    key: bytes
    s1: Vector
    s2: Vector
    t0: Vector

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """Algorithm 6, ML-DSA.KeyGen_internal."""
        expanded = shake_256(seed + bytes((K, K))).digest(128)
        rho, rho_prime, key = expanded[:32], expanded[32:96], expanded[96:]
        s1 = [_bounded(rho_prime, index) for index in range(K)]
        s2 = [_bounded(rho_prime, K + index) for index in range(K)]
        t = _added(_times_matrix(_matrix(rho), s1), s2)
        t0 = [[_centred(value, 1 << DROPPED) for value in poly] for poly in t]
        t1 = [
            [(value - low) >> DROPPED for value, low in zip(*pair, strict=True)]
            for pair in zip(t, t0, strict=True)
        ]
        return cls(rho + b"".join(_packed(poly, 10) for poly in t1), rho, key, s1, s2, t0)

    def sign(self, message: bytes) -> bytes:
        """Algorithms 2 and 7 with an empty context and no randomness: 2420 bytes."""
        trace = shake_256(self.public).digest(64)
        mu = shake_256(trace + b"\0\0" + message).digest(64)
        mask_seed = shake_256(self.key + bytes(32) + mu).digest(64)
        matrix = _matrix(self.rho)
        for kappa in count(0, K):
            y = [_mask(mask_seed, kappa + index) for index in range(K)]
            w = _times_matrix(matrix, y)
            w1 = [[_decompose(value)[0] for value in poly] for poly in w]
            challenge = shake_256(mu + b"".join(_packed(poly, 6) for poly in w1)).digest(32)
            c = _ball(challenge)
            z = _added(y, _times(c, self.s1))
            rest = _subtracted(w, _times(c, self.s2))
            low = [[_decompose(value)[1] for value in poly] for poly in rest]
            shift = _times(c, self.t0)
            hints = [
                [
                    int(_decompose(value + more)[0] != _decompose(value)[0])
                    for value, more in zip(*pair, strict=True)
                ]
                for pair in zip(rest, shift, strict=True)
            ]
            if (
                _norm(z) < GAMMA_1 - BETA
                and _norm(low) < GAMMA_2 - BETA
                and _norm(shift) < GAMMA_2
                and sum(chain.from_iterable(hints)) <= OMEGA
            ):
                packed = [_packed([GAMMA_1 - _centred(value, Q) for value in poly], 18) for poly in z]
                return challenge + b"".join(packed) + _packed_hints(hints)
        raise AssertionError("unreachable: counting does not end")


def _matrix(rho: bytes) -> list[Vector]:
    """Algorithm 32, ExpandA."""
    return [[_uniform(rho + bytes((column, row))) for column in range(K)] for row in range(K)]


def _uniform(seed: bytes) -> Poly:
    """Algorithm 30, RejNTTPoly; 1,200 bytes are enough but once in 2**150."""
    stream = shake_128(seed).digest(1200)
    values = (int.from_bytes(stream[at : at + 3], "little") & 0x7FFFFF for at in range(0, len(stream), 3))
    return _first(value for value in values if value < Q)


def _bounded(seed: bytes, index: int) -> Poly:
    """Algorithm 31, RejBoundedPoly."""
    stream = shake_256(seed + index.to_bytes(2, "little")).digest(400)
    halves = chain.from_iterable((byte & 15, byte >> 4) for byte in stream)
    return _first(ETA - half % 5 for half in halves if half < 15)


def _first(values: Iterator[int]) -> Poly:
    return [value for value, _ in zip(values, range(N), strict=False)]


def _mask(seed: bytes, index: int) -> Poly:
    """Algorithm 34, ExpandMask, for one polynomial."""
    bits = int.from_bytes(shake_256(seed + index.to_bytes(2, "little")).digest(N * 18 // 8), "little")
    return [GAMMA_1 - (bits >> (18 * at) & 0x3FFFF) for at in range(N)]


def _ball(seed: bytes) -> Poly:
    """Algorithm 29, SampleInBall."""
    stream = shake_256(seed).digest(600)
    signs, rest = int.from_bytes(stream[:8], "little"), iter(stream[8:])
    c = [0] * N
    for at in range(N - TAU, N):
        chosen = next(byte for byte in rest if byte <= at)
        c[at] = c[chosen]
        c[chosen] = 1 - 2 * (signs & 1)
        signs >>= 1
    return c


def _decompose(value: int) -> tuple[int, int]:
    """Algorithm 36."""
    value %= Q
    low = _centred(value, 2 * GAMMA_2)
    return (0, low - 1) if value - low == Q - 1 else ((value - low) // (2 * GAMMA_2), low)


def _centred(value: int, modulus: int) -> int:
    """Section 2.3, mod plus-minus: from just above -modulus/2 to modulus/2."""
    value %= modulus
    return value - modulus if value > modulus // 2 else value


def _norm(vector: Vector) -> int:
    return max(abs(_centred(value, Q)) for value in chain.from_iterable(vector))


def _packed(poly: Sequence[int], bits: int) -> bytes:
    """Algorithm 16, SimpleBitPack."""
    joined = sum(value << (bits * at) for at, value in enumerate(poly))
    return joined.to_bytes(N * bits // 8, "little")


def _packed_hints(hints: Vector) -> bytes:
    """Algorithm 20, HintBitPack."""
    places = [[at for at, hint in enumerate(poly) if hint] for poly in hints]
    ends = [sum(map(len, places[: index + 1])) for index in range(K)]
    return bytes(chain.from_iterable(places)).ljust(OMEGA, b"\0") + bytes(ends)


def _times_matrix(matrix: Sequence[Vector], vector: Vector) -> Vector:
    """A matrix that is given transformed, by a vector that is not."""
    transformed = [_ntt(poly) for poly in vector]
    return [
        _inverse_ntt(
            [sum(a * b for a, b in zip(*column, strict=True)) % Q for column in _columns(row, transformed)]
        )
        for row in matrix
    ]


def _columns(row: Vector, vector: Vector) -> Iterable[tuple[tuple[int, ...], tuple[int, ...]]]:
    return zip(zip(*row, strict=True), zip(*vector, strict=True), strict=True)


def _times(poly: Poly, vector: Vector) -> Vector:
    factor = _ntt(poly)
    return [_inverse_ntt([a * b % Q for a, b in zip(factor, _ntt(other), strict=True)]) for other in vector]


def _added(left: Vector, right: Vector) -> Vector:
    return [[(a + b) % Q for a, b in zip(*pair, strict=True)] for pair in zip(left, right, strict=True)]


def _subtracted(left: Vector, right: Vector) -> Vector:
    return [[(a - b) % Q for a, b in zip(*pair, strict=True)] for pair in zip(left, right, strict=True)]


def _ntt(poly: Poly) -> Poly:
    """Algorithm 41."""
    values, at = list(poly), 0
    length = N // 2
    while length:
        for start in range(0, N, 2 * length):
            at += 1
            for index in range(start, start + length):
                product = ZETAS[at] * values[index + length]
                values[index], values[index + length] = (
                    (values[index] + product) % Q,
                    (values[index] - product) % Q,
                )
        length //= 2
    return values


def _inverse_ntt(poly: Poly) -> Poly:
    """Algorithm 42."""
    values, at = list(poly), N
    length = 1
    while length < N:
        for start in range(0, N, 2 * length):
            at -= 1
            for index in range(start, start + length):
                left, right = values[index], values[index + length]
                values[index], values[index + length] = (left + right) % Q, (right - left) * ZETAS[at] % Q
        length *= 2
    scale = pow(N, -1, Q)
    return [value * scale % Q for value in values]
