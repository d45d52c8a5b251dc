"""Who is who: the two custodians, and the short name by which a public key is meant.

Protocol section 1. A key identifier only says which key is meant; it proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from blindplate.core.encoding import digest

KEY_ID_BYTES: Final = 16


class Custodian(StrEnum):
    """A is the operator's data protection office, B the independent overseer."""

    A = "a"
    B = "b"


def key_id(public: bytes) -> bytes:
    """The first 16 bytes of the digest of a public key in its raw form."""
    return digest("key-id", public)[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class PartyKeys:
    """The Ed25519 public keys (32 bytes each) that everyone has pinned: whose signature counts as whose."""

    operator: bytes
    custodian_a: bytes
    custodian_b: bytes
    matcher: bytes

    def custodian(self, custodian: Custodian) -> bytes:
        """The key of one custodian."""
        return self.custodian_a if custodian is Custodian.A else self.custodian_b
