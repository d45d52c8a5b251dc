"""The ledger's formats once more, for the generator of their vectors: docs/spec/ledger.md written down a second time.

Imports nothing of blindplate. ML-DSA-44 is the tests' own, deterministic; Ed25519 is deterministic anyway.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.unit.core import fips204_reference as fips204
from tools.labelled_fields import derive

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
ML_DSA_44: Final = 0x06


@dataclass(frozen=True)
class Head:
    """What a checkpoint says."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        return f"{self.origin}\n{self.size}\n{b64(self.root)}\n"


@dataclass(frozen=True)
class Signer:
    """The ledger (``role`` "ledger") or a witness ("witness"), from its seed."""

    role: str
    name: str
    seed: bytes

    def kinds(self) -> tuple[int, int]:
        return (ED25519 if self.role == "ledger" else COSIGNATURE), ML_DSA_44

    def seed_of(self, kind: int) -> bytes:
        return derive(self.seed, f"{self.role}-key", self.name.encode(), bytes([kind]))

    def public(self, kind: int) -> bytes:
        if kind == ML_DSA_44:
            return mldsa(self.seed_of(kind)).public
        return ed25519(self.seed_of(kind)).public_key().public_bytes_raw()

    def vkeys(self) -> list[str]:
        return [vkey(self.name, kind, self.public(kind)) for kind in self.kinds()]

    def signature(self, kind: int, head: Head, time: int) -> bytes:
        """What stands in a signature line behind the key id."""
        message = message_of(kind, self.name, head, time)
        stamp = b"" if kind == ED25519 else time.to_bytes(8, "big")
        return stamp + (
            sign_mldsa(self.seed_of(kind), message)
            if kind == ML_DSA_44
            else ed25519(self.seed_of(kind)).sign(message)
        )

    def line(self, kind: int, head: Head, time: int) -> str:
        return line(self.name, key_id(self.name, kind, self.public(kind)), self.signature(kind, head, time))

    def lines(self, head: Head, time: int) -> str:
        return "".join(self.line(kind, head, time) for kind in self.kinds())


def message_of(kind: int, name: str, head: Head, time: int) -> bytes:
    """The bytes a signature covers."""
    body = head.body().encode()
    if kind == ED25519:
        return body
    if kind == COSIGNATURE:
        return f"cosignature/v1\ntime {time}\n".encode() + body
    signed = b"subtree/v1\n\0" + bytes([len(name.encode())]) + name.encode() + time.to_bytes(8, "big")
    signed += bytes([len(head.origin.encode())]) + head.origin.encode()
    return signed + bytes(8) + head.size.to_bytes(8, "big") + head.root


def line(name: str, identifier: bytes, signature: bytes) -> str:
    return f"\u2014 {name} {b64(identifier + signature)}\n"


def vkey(name: str, kind: int, public: bytes) -> str:
    return f"{name}+{key_id(name, kind, public).hex()}+{b64(bytes([kind]) + public)}"


def key_id(name: str, kind: int, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def mth(entries: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\0" + entries[0]).digest()
    k = split(len(entries))
    return sha256(b"\1" + mth(entries[:k]) + mth(entries[k:])).digest()


def inclusion(m: int, entries: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.3.1."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*inclusion(m, entries[:k]), mth(entries[k:])]
    return [*inclusion(m - k, entries[k:]), mth(entries[:k])]


def consistency(m: int, entries: list[bytes], known: bool = True) -> list[bytes]:
    """SUBPROOF of section 2.1.4.1, and nothing from an empty tree."""
    if m in (0, len(entries)):
        return [] if known else [mth(entries)]
    k = split(len(entries))
    if m <= k:
        return [*consistency(m, entries[:k], known), mth(entries[k:])]
    return [*consistency(m - k, entries[k:], known=False), mth(entries[:k])]


def edge(entries: list[bytes]) -> bytes:
    """The right edge: the size, then the complete subtrees' roots."""
    data, start = len(entries).to_bytes(8, "big"), 0
    for height in reversed(range(len(entries).bit_length())):
        if len(entries) >> height & 1:
            data += mth(entries[start : start + (1 << height)])
            start += 1 << height
    return data


def split(count: int) -> int:
    return max(1 << power for power in range(count.bit_length()) if 1 << power < count)


@cache
def mldsa(seed: bytes) -> fips204.SigningKey:
    return fips204.SigningKey.from_seed(seed)


@cache
def sign_mldsa(seed: bytes, message: bytes) -> bytes:
    return mldsa(seed).sign(message)


@cache
def ed25519(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)
