"""Labelled, length-prefixed fields: the one way in which bytes are put together before they are hashed or keyed.

Guarantees that two different sequences of fields, or equal ones under different labels, never give the same
bytes. Nothing else in the project concatenates what goes into a hash. Specified in docs/spec/encoding.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PROTOCOL: Final = "blindplate-v1"
DIGEST_BYTES: Final = 32


def encode(label: str, *fields: bytes) -> bytes:
    """Prefix ``fields`` with the protocol's name and ``label``, each behind its length in 4 bytes, big endian."""
    return b"".join((_prefix(label), *[len(field).to_bytes(4, "big") + field for field in fields]))


def digest(label: str, *fields: bytes) -> bytes:
    """SHA-256 (FIPS 180-4) of ``encode(label, *fields)``: 32 bytes."""
    return sha256(encode(label, *fields)).digest()


def derive(secret: bytes, label: str, *fields: bytes, salt: bytes | None = None, length: int = 32) -> bytes:
    """``length`` bytes of HKDF-SHA256 (RFC 5869) over ``secret`` with ``encode(label, *fields)`` as info."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=encode(label, *fields)).derive(secret)


def uint(value: int, size: int) -> bytes:
    """A non-negative integer in ``size`` bytes, big endian. Raises OverflowError when it does not fit."""
    return value.to_bytes(size, "big")


def text_list(values: Sequence[str]) -> bytes:
    """A sequence of texts as one field: each UTF-8, behind its length in 4 bytes."""
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in (value.encode() for value in values))


# Labels are few and all in this software; every hash of every record needs one.
@cache
def _prefix(label: str) -> bytes:
    return text_list((PROTOCOL, label))
