"""RFC 9497 in VOPRF and OPRF mode over ristretto255-SHA512, written from the RFC on PyPI ``oblivious``.

A second opinion for the tests: slow, in variable time, with every random value an argument. Section numbers are
the RFC's. Points and scalars are 32 bytes, scalars as integers modulo the group's order in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha512
from typing import cast

from oblivious.ristretto import python as group

ORDER = 2**252 + 27742317777372353535851937790883648493
GENERATOR = cast("bytes", group.bas((1).to_bytes(32, "little")))


class Mode(IntEnum):
    OPRF = 0
    VOPRF = 1


@dataclass(frozen=True)
class Suite:
    """One mode of the suite."""

    mode: Mode

    @property
    def context(self) -> bytes:
        """contextString, section 3.1."""
        return b"OPRFV1-" + bytes([self.mode]) + b"-ristretto255-SHA512"

    def derive_key_pair(self, seed: bytes, info: bytes) -> tuple[int, bytes]:
        """Section 3.2.1; the counter has never been seen to go past its first value."""
        secret = hash_to_scalar(seed + prefixed(info) + b"\0", b"DeriveKeyPair" + self.context)
        assert secret
        return secret, multiply(secret, GENERATOR)

    def blind(self, message: bytes, blind: int) -> bytes:
        """Section 3.3.1."""
        return multiply(blind, self.hash_to_group(message))

    def finalize(self, message: bytes, blind: int, evaluated: bytes) -> bytes:
        """Section 3.3.1, once any proof was verified."""
        return finish(message, multiply(pow(blind, -1, ORDER), evaluated))

    def evaluate(self, secret: int, message: bytes) -> bytes:
        """Section 3.3.1."""
        return finish(message, multiply(secret, self.hash_to_group(message)))

    def blind_evaluate(
        self, secret: int, blinded: Sequence[bytes], random_scalar: int
    ) -> tuple[list[bytes], bytes]:
        """Section 3.3.2: evaluated elements, and GenerateProof of section 2.2.1 as c || s."""
        evaluated = [multiply(secret, element) for element in blinded]
        public = multiply(secret, GENERATOR)
        m, _ = self.composites(public, blinded, evaluated)
        z = multiply(secret, m)
        c = self.challenge(public, m, z, multiply(random_scalar, GENERATOR), multiply(random_scalar, m))
        s = (random_scalar - c * secret) % ORDER
        return evaluated, c.to_bytes(32, "little") + s.to_bytes(32, "little")

    def proof_holds(
        self, public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes], proof: bytes
    ) -> bool:
        """VerifyProof, section 2.2.2."""
        c, s = int.from_bytes(proof[:32], "little"), int.from_bytes(proof[32:], "little")
        m, z = self.composites(public, blinded, evaluated)
        t2 = add(multiply(s, GENERATOR), multiply(c, public))
        t3 = add(multiply(s, m), multiply(c, z))
        return self.challenge(public, m, z, t2, t3) == c

    def composites(
        self, public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes]
    ) -> tuple[bytes, bytes]:
        """ComputeComposites, section 2.2.2."""
        seed = sha512(prefixed(public) + prefixed(b"Seed-" + self.context)).digest()
        weighted: list[tuple[bytes, bytes]] = []
        for index, (c, d) in enumerate(zip(blinded, evaluated, strict=True)):
            transcript = prefixed(seed) + index.to_bytes(2, "big") + prefixed(c) + prefixed(d) + b"Composite"
            weight = hash_to_scalar(transcript, b"HashToScalar-" + self.context)
            weighted.append((multiply(weight, c), multiply(weight, d)))
        m, z = weighted[0]
        for more_m, more_z in weighted[1:]:
            m, z = add(m, more_m), add(z, more_z)
        return m, z

    def challenge(self, *elements: bytes) -> int:
        """The hash over the transcript of sections 2.2.1 and 2.2.2."""
        transcript = b"".join(map(prefixed, elements)) + b"Challenge"
        return hash_to_scalar(transcript, b"HashToScalar-" + self.context)

    def hash_to_group(self, message: bytes) -> bytes:
        """Section 4.1."""
        return cast("bytes", group.pnt(expand(message, b"HashToGroup-" + self.context)))


def hash_to_scalar(message: bytes, tag: bytes) -> int:
    """Section 4.1."""
    return int.from_bytes(expand(message, tag), "little") % ORDER


def finish(message: bytes, element: bytes) -> bytes:
    """The output hash of sections 3.3.1 and 3.3.2."""
    return sha512(prefixed(message) + prefixed(element) + b"Finalize").digest()


def expand(message: bytes, tag: bytes) -> bytes:
    """expand_message_xmd of RFC 9380 section 5.3.1 with SHA-512, to 64 bytes: one block."""
    suffix = tag + bytes([len(tag)])
    first = sha512(bytes(128) + message + (64).to_bytes(2, "big") + b"\0" + suffix).digest()
    return sha512(first + b"\x01" + suffix).digest()


def prefixed(data: bytes) -> bytes:
    """``data`` behind its length in two bytes."""
    return len(data).to_bytes(2, "big") + data


def multiply(scalar: int, element: bytes) -> bytes:
    """Scalar multiplication."""
    return cast("bytes", group.mul(scalar.to_bytes(32, "little"), element))


def add(left: bytes, right: bytes) -> bytes:
    """Group addition."""
    return cast("bytes", group.add(left, right))
