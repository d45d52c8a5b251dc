"""Bundles of entries: up to 256, each behind its length in 2 bytes, as C2SP tlog-tiles has them.

Says nothing about what an entry is. Protocol section 7; docs/spec/ledger.md section 3. Source: https://c2sp.org/tlog-tiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from blindplate.core.encoding import uint
from blindplate.core.errors import MessageError
from blindplate.core.ledger.layout import TILE_WIDTH

MAX_ENTRY_BYTES: Final = 65_535
_LENGTH_BYTES: Final = 2


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The bundle of 1 to 256 entries. Raises MessageError for another number, and for an entry that is too long."""
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise MessageError(f"A bundle does not hold 1 to {TILE_WIDTH} entries.")
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise MessageError(f"An entry is longer than {MAX_ENTRY_BYTES} bytes.")
    return b"".join(uint(len(entry), _LENGTH_BYTES) + entry for entry in entries)


def decode_bundle(data: bytes) -> list[bytes]:
    """The 1 to 256 entries of a bundle. Raises MessageError."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data) or len(entries) == TILE_WIDTH:
            raise MessageError("A bundle is cut short, or holds too many entries.")
        entries.append(data[start:at])
    if not entries:
        raise MessageError("A bundle holds no entry.")
    return entries
