"""The record's own key and cipher: both ends compute them here alike.

The key comes from both shares and the match secret and is bound to everything in the record. AES-GCM alone does not
commit to a key, and a ciphertext can be made that opens to two plates under two keys; c_K, which comes out of the
same derivation as the key, is therefore checked before anything is decrypted. Protocol section 4.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from blindplate.core.encoding import derive, digest, encode
from blindplate.core.errors import CommitmentError, EnvelopeError

# A key is derived from fresh secrets of one record and encrypts that record's payload alone: it never meets a
# second message, so no nonce can repeat under it.
_NONCE: Final = bytes(12)
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Binding:
    """What the key is bound to: H(hdr), the envelopes, the commitments to shares and match secret."""

    header_digest: bytes
    env_a: bytes
    env_b: bytes
    c_a: bytes
    c_b: bytes
    c_s: bytes

    def fields(self) -> tuple[bytes, ...]:
        """All of it, in the order of the specification."""
        return (self.header_digest, self.env_a, self.env_b, self.c_a, self.c_b, self.c_s)


@dataclass(frozen=True, slots=True)
class RecordKey:
    """DEK and its commitment c_K, 32 bytes each."""

    dek: bytes = field(repr=False)
    c_k: bytes

    @classmethod
    def derive(cls, binding: Binding, share_a: bytes, share_b: bytes, s: bytes) -> RecordKey:
        """HKDF-SHA256 over the three secrets, which have fixed lengths (32, 32, 16)."""
        both = derive(
            share_a + share_b + s,
            "dek",
            salt=digest("dek-salt", *binding.fields()),
            length=2 * _KEY_BYTES,
        )
        return cls(both[:_KEY_BYTES], both[_KEY_BYTES:])

    def encrypt(self, binding: Binding, padded: bytes) -> bytes:
        """AES-256-GCM; ciphertext and tag."""
        return AESGCM(self.dek).encrypt(_NONCE, padded, self._associated_data(binding))

    def decrypt(self, binding: Binding, c_k: bytes, ciphertext: bytes) -> bytes:
        """The padded payload. Raises CommitmentError, before decrypting, when ``c_k`` is of another key;
        EnvelopeError when the ciphertext was altered."""
        if not hmac.compare_digest(self.c_k, c_k):
            raise CommitmentError("The key of a record is not the one the record commits to.")
        try:
            return AESGCM(self.dek).decrypt(_NONCE, ciphertext, self._associated_data(binding))
        except InvalidTag:
            raise EnvelopeError("A record's ciphertext was altered, or is another record's.") from None

    def _associated_data(self, binding: Binding) -> bytes:
        return encode("record-data", *binding.fields(), self.c_k)
