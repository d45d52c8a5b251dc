"""Sealing to a public key: HPKE base mode (RFC 9180) with X-Wing, HKDF-SHA256 and AES-256-GCM.

Guarantees that what is sealed opens only with the private key, unaltered and under the same ``info``, as long as
either ML-KEM-768 or X25519 holds. Does not authenticate the sender, and does not hide lengths. A private key is
its 32-byte seed, expanded as in draft-connolly-cfrg-xwing-kem section 5.2. Protocol section 4.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from hashlib import shake_256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from blindplate.core.errors import EnvelopeError, MessageError
from blindplate.core.parties import key_id

SEED_BYTES: Final = 32
PUBLIC_BYTES: Final = 1216
# What a ciphertext is longer than its plaintext: the X-Wing encapsulation and the AES-GCM tag.
OVERHEAD_BYTES: Final = 1120 + 16
_MLKEM_PUBLIC_BYTES: Final = 1184
_MLKEM_SEED_BYTES: Final = 64
_X25519_BYTES: Final = 32
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def generate_seed() -> bytes:
    """A fresh private key, as its 32-byte X-Wing seed."""
    return secrets.token_bytes(SEED_BYTES)


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A public key: 1184 bytes of ML-KEM-768, then 32 of X25519."""

    public: bytes
    key_id: bytes
    _key: MLKEM768X25519PublicKey = field(repr=False, compare=False)

    @classmethod
    def from_public(cls, public: bytes) -> SealingKey:
        """Read a public key of 1216 bytes. Raises MessageError when it is none."""
        if len(public) != PUBLIC_BYTES:
            raise MessageError(f"A sealing key is not {PUBLIC_BYTES} bytes long.")
        try:
            lattice = MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC_BYTES])
            curve = X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC_BYTES:])
        except ValueError:
            raise MessageError("A sealing key is not a valid X-Wing public key.") from None
        return cls(public, key_id(public), MLKEM768X25519PublicKey(lattice, curve))

    def seal(self, plaintext: bytes, info: bytes) -> bytes:
        """Encapsulation (1120 bytes) and ciphertext, bound to ``info``.

        Raises EnvelopeError when the key is one that nothing may be sealed to (RFC 9180 section 7.1.4).
        """
        try:
            return _SUITE.encrypt(plaintext, self._key, info)
        except ValueError:
            raise EnvelopeError(
                "A sealing key gives no shared secret.", "Ask its owner for a properly generated key."
            ) from None


@dataclass(frozen=True, slots=True)
class OpeningKey:
    """A private key."""

    public: bytes
    key_id: bytes
    _key: MLKEM768X25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> OpeningKey:
        """Expand a 32-byte seed into the ML-KEM seed d || z and the X25519 scalar. Raises MessageError."""
        if len(seed) != SEED_BYTES:
            raise MessageError(f"An X-Wing seed is not {SEED_BYTES} bytes long.")
        expanded = shake_256(seed).digest(_MLKEM_SEED_BYTES + _X25519_BYTES)
        lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES])
        curve = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:])
        public = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
        return cls(public, key_id(public), MLKEM768X25519PrivateKey(lattice, curve))

    def sealing_key(self) -> SealingKey:
        """The public half."""
        return SealingKey(self.public, self.key_id, self._key.public_key())

    def open(self, ciphertext: bytes, info: bytes) -> bytes:
        """What was sealed to this key under this ``info``. Raises EnvelopeError for anything else."""
        try:
            return _SUITE.decrypt(ciphertext, self._key, info)
        except InvalidTag:
            raise EnvelopeError("A sealed envelope does not open under this key and context.") from None
