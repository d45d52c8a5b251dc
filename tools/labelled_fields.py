"""docs/spec/encoding.md once more, on the standard library alone, for the generators of test vectors.

Imports nothing of blindplate, so that vectors made with it check the code and not the code itself.
"""

from __future__ import annotations

import hmac
from hashlib import sha256


def encode(label: str, *fields: bytes) -> bytes:
    """Fields behind their lengths, after the protocol's name and the label."""
    parts = (b"blindplate-v1", label.encode(), *fields)
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def digest(label: str, *fields: bytes) -> bytes:
    """SHA-256 over them."""
    return sha256(encode(label, *fields)).digest()


def derive(secret: bytes, label: str, *fields: bytes, salt: bytes = b"", length: int = 32) -> bytes:
    """HKDF-SHA256 (RFC 5869) with them as info."""
    extracted = hmac.digest(salt or bytes(32), secret, "sha256")
    output, block = b"", b""
    for index in range(1, -(-length // 32) + 1):
        block = hmac.digest(extracted, block + encode(label, *fields) + bytes([index]), "sha256")
        output += block
    return output[:length]


def encode_domain(list_id: str, zone: str, generation: int) -> bytes:
    """A domain as it is bound to keys and hashes."""
    return encode("domain", list_id.encode(), zone.encode(), generation.to_bytes(4, "big"))


def encode_epoch(kind: int, seconds: int, index: int) -> bytes:
    """An epoch as it is bound to pseudonyms and hashes."""
    return encode("epoch", bytes([kind]), seconds.to_bytes(4, "big"), index.to_bytes(8, "big"))


def encode_plate(country: str, format_number: int, text: str) -> bytes:
    """A plate of scheme version 1: docs/spec/plates.md section 1."""
    return encode("plate", b"\x01", country.encode(), bytes([format_number]), text.encode())
