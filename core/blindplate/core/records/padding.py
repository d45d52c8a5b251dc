"""Padding, so that a ciphertext's length tells no more than a few sizes do.

A padded text is its length in 4 bytes, the text, and zeros up to the next size. Protocol section 4.
"""

from __future__ import annotations

from typing import Final

from blindplate.core.encoding import uint
from blindplate.core.errors import MessageError

SIZES: Final = tuple(512 << power for power in range(8))
_PREFIX_BYTES: Final = 4
MAX_BYTES: Final = SIZES[-1] - _PREFIX_BYTES


def pad(text: bytes) -> bytes:
    """``text`` padded to the next of 512, 1024, ... 65,536 bytes. Raises MessageError above 65,532 bytes."""
    padded = uint(len(text), _PREFIX_BYTES) + text
    for size in SIZES:
        if len(padded) <= size:
            return padded.ljust(size, b"\0")
    raise MessageError(
        f"A payload is longer than {MAX_BYTES:,} bytes.", "Send a smaller plate patch, or none."
    )


def unpad(padded: bytes) -> bytes:
    """What was padded. Raises MessageError unless these are exactly the bytes ``pad`` makes of it."""
    length = int.from_bytes(padded[:_PREFIX_BYTES], "big")
    text = padded[_PREFIX_BYTES : _PREFIX_BYTES + length]
    if pad(text) != padded:
        raise MessageError("A payload is not padded as it must be.")
    return text
