"""An answer as bytes, and the match secrets wrapped in it.

Guarantees one encoding of exactly one size for a parameter set, hits or none, and that a wrapped secret opens under
the three lanes' values of its slot alone. Says nothing about who sent the answer: the transport does.
Protocol section 5; docs/spec/match.md.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

import numpy as np
import numpy.typing as npt

from blindplate.core.encoding import DIGEST_BYTES
from blindplate.core.errors import MessageError
from blindplate.psi.arithmetic import Integers
from blindplate.psi.expansion import MASK_SEED_BYTES, expand
from blindplate.psi.hashing import digests
from blindplate.psi.mapping import SALT_BYTES
from blindplate.psi.packing import pack, packed_width, unpack
from blindplate.psi.parameters import WRAPPED_BYTES, ParameterSet

SECRET_BYTES: Final = 16
_VERSION: Final = b"BPA\x01"
_LANE_BYTES: Final = 8

Octets = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Answer:
    """``salt`` names the upload it answers.

    ``seeds``: of each lane's first half; ``second_halves``: (lanes, answer primes, N); ``wrapped``: (N, 24) bytes.
    """

    salt: bytes
    seeds: tuple[bytes, ...]
    second_halves: Integers = field(repr=False)
    wrapped: Octets = field(repr=False)

    def lanes(self, parameters: ParameterSet) -> list[Integers]:
        """Both halves of each lane: (2, answer primes, N)."""
        degree, primes = parameters.poly_degree, parameters.answer_moduli
        return [
            np.stack([expand(seed, degree, primes), second])
            for seed, second in zip(self.seeds, self.second_halves, strict=True)
        ]

    def to_bytes(self, parameters: ParameterSet) -> bytes:
        """``parameters.answer_bytes`` bytes."""
        packed = [pack(half, parameters.answer_moduli) for half in self.second_halves]
        return b"".join(
            (_VERSION, parameters.digest, self.salt, *self.seeds, *packed, self.wrapped.tobytes())
        )

    @classmethod
    def from_bytes(cls, body: bytes, parameters: ParameterSet) -> Answer:
        """Read an answer. Raises MessageError unless version, set and size are exact and residues are reduced."""
        if len(body) != parameters.answer_bytes:
            raise MessageError("An answer is not of the exact size of its parameter set.")
        reader = BytesIO(body)
        if reader.read(len(_VERSION)) != _VERSION or reader.read(DIGEST_BYTES) != parameters.digest:
            raise MessageError("An answer is of another version or parameter set.")
        primes, degree, lanes = parameters.answer_moduli, parameters.poly_degree, range(parameters.lanes)
        half_bytes = degree * packed_width(primes)
        return cls(
            salt=reader.read(SALT_BYTES),
            seeds=tuple(reader.read(MASK_SEED_BYTES) for _ in lanes),
            second_halves=np.stack([unpack(reader.read(half_bytes), primes) for _ in lanes]),
            wrapped=np.frombuffer(reader.read(), np.uint8).reshape(degree, WRAPPED_BYTES),
        )


def pads(lane_values: Sequence[Integers]) -> Octets:
    """One pad of 24 bytes for each position: (n, 24), from the lanes' values there, each (n,)."""
    rows = np.stack(lane_values, axis=1).astype(">u8").tobytes()
    return digests("match-wrap", (), rows, _LANE_BYTES * len(lane_values))[:, :WRAPPED_BYTES].copy()


def wrap(secrets: Sequence[bytes], slots: Integers, sigmas: Sequence[Integers], total: int) -> Octets:
    """Wrapped secrets for all ``total`` slots, (total, 24): random bytes but where ``slots`` hold a read.

    ``sigmas``: what each lane's Z decodes to, (total,). Raises MessageError when a secret is not 16 bytes.
    """
    if not set(map(len, secrets)) <= {SECRET_BYTES}:
        raise MessageError("A match secret is not 16 bytes long.")
    wrapped = np.frombuffer(bytearray(os.urandom(total * WRAPPED_BYTES)), np.uint8).reshape(
        total, WRAPPED_BYTES
    )
    rows = pads([sigma[slots] for sigma in sigmas])
    rows[:, :SECRET_BYTES] ^= np.frombuffer(b"".join(secrets), np.uint8).reshape(-1, SECRET_BYTES)
    wrapped[slots] = rows
    return wrapped


def unwrap(wrapped: Octets, lane_values: Sequence[Integers]) -> dict[int, bytes]:
    """The secrets, by slot, that open under the lanes' values; others do so with probability 2**-64 a slot."""
    opened = wrapped ^ pads(lane_values)
    hits = np.nonzero(~opened[:, SECRET_BYTES:].any(axis=1))[0]
    return {int(slot): opened[slot, :SECRET_BYTES].tobytes() for slot in hits}
