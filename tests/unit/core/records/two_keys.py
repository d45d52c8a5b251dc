"""An attack on AES-GCM: one ciphertext and tag that verify under two keys.

AES-GCM's tag is a polynomial in the ciphertext's blocks over GF(2^128), evaluated at a point that the key gives,
plus a pad that the key gives. Two tags are equal where one block solves a linear equation. (Dodis, Grubbs,
Ristenpart, Woodage: Fast Message Franking, CRYPTO 2018, section 3.)
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

BLOCK = 16
NONCE = bytes(12)


def ciphertext_under_two_keys(
    one: bytes, other: bytes, text_one: bytes, text_other: bytes, data: bytes
) -> bytes:
    """A ciphertext that opens under key ``one`` to what begins with ``text_one``, and under ``other`` to what has
    ``text_other`` right after as many bytes; both texts are whole blocks, and a last block solves the equation."""
    size = len(text_one) + len(text_other) + BLOCK
    body = xor(text_one, keystream(one, size)) + xor(text_other, keystream(other, size)[len(text_one) :])
    data_blocks, body_blocks = blocks(data), blocks(body)
    lengths = (len(data) * 8).to_bytes(8, "big") + (size * 8).to_bytes(8, "big")
    known = [*data_blocks, *body_blocks, bytes(BLOCK), lengths]
    difference, weight = 0, 0
    for key in (one, other):
        point = int.from_bytes(ecb(key, bytes(BLOCK)), "big")
        difference ^= horner(known, point) ^ int.from_bytes(ecb(key, NONCE + b"\0\0\0\1"), "big")
        # The unknown block is the last but one, so it is multiplied by the point twice.
        weight ^= multiply(point, point)
    last = multiply(difference, inverse(weight)).to_bytes(BLOCK, "big")
    ciphertext = body + last
    point = int.from_bytes(ecb(one, bytes(BLOCK)), "big")
    tag = horner([*data_blocks, *body_blocks, last, lengths], point)
    return ciphertext + (tag ^ int.from_bytes(ecb(one, NONCE + b"\0\0\0\1"), "big")).to_bytes(BLOCK, "big")


def keystream(key: bytes, size: int) -> bytes:
    """What AES-GCM with the nonce 0 adds to a text."""
    return AESGCM(key).encrypt(NONCE, bytes(size), b"")[:size]


def xor(left: bytes, right: bytes) -> bytes:
    """As long as the shorter."""
    return bytes(a ^ b for a, b in zip(left, right, strict=False))


def blocks(data: bytes) -> list[bytes]:
    """Blocks of 16 bytes, the last filled with zeros."""
    return [data[at : at + BLOCK].ljust(BLOCK, b"\0") for at in range(0, len(data), BLOCK)]


def ecb(key: bytes, block: bytes) -> bytes:
    """AES of one block."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


def horner(values: list[bytes], point: int) -> int:
    """GHASH of NIST SP 800-38D."""
    result = 0
    for value in values:
        result = multiply(result ^ int.from_bytes(value, "big"), point)
    return result


def multiply(left: int, right: int) -> int:
    """In GF(2^128) with GCM's bit order: the highest bit is the constant term."""
    result = 0
    for bit in range(127, -1, -1):
        if right >> bit & 1:
            result ^= left
        left = left >> 1 ^ (0xE1 << 120 if left & 1 else 0)
    return result


def inverse(value: int) -> int:
    """By Fermat: the power 2^128 - 2."""
    result, square = 1 << 127, value
    for _ in range(127):
        square = multiply(square, square)
        result = multiply(result, square)
    return result
