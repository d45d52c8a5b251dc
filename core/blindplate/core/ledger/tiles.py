"""Tiles of hashes: what a growing tree adds to them, and the hashes that proofs need out of them.

Guarantees that tiles made here hold what C2SP tlog-tiles prescribes; tiles read are taken as they are, since what is
proven from them is checked against a root. Protocol section 7; docs/spec/ledger.md section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from blindplate.core.errors import MessageError, ProofError
from blindplate.core.ledger.layout import TILE_HEIGHT, TILE_WIDTH, Tile
from blindplate.core.ledger.tree import ReadHash
from blindplate.core.merkle import HASH_BYTES, node_hash

ReadTile = Callable[[Tile], bytes]


def grown(read: ReadTile, old: int, leaf_hashes: Sequence[bytes]) -> dict[Tile, bytes]:
    """The tiles that a tree of ``old`` leaves gains by ``leaf_hashes``, lowest level first.

    ``read`` is asked for the right-most partial tiles of the old tree alone. Raises MessageError when one is not
    as wide as it was asked for.
    """
    made: dict[Tile, bytes] = {}
    level, added = 0, leaf_hashes
    while added:
        index, width = divmod(old, TILE_WIDTH)
        held = _hashes(read, Tile(level, index, width)) if width else []
        hashes = [*held, *added]
        rows = [hashes[at : at + TILE_WIDTH] for at in range(0, len(hashes), TILE_WIDTH)]
        made |= {Tile(level, index + at, len(row)): b"".join(row) for at, row in enumerate(rows)}
        added = [_reduced(row) for row in rows if len(row) == TILE_WIDTH]
        old, level = old // TILE_WIDTH, level + 1
    return made


def hash_reader(read: ReadTile, size: int) -> ReadHash:
    """How proofs read a tree of ``size`` leaves out of its tiles; each tile is read once.

    Raises ProofError for a subtree that is not complete at that size, MessageError for a tile of the wrong length.
    """

    @cache
    def hashes(tile: Tile) -> list[bytes]:
        return _hashes(read, tile)

    def read_hash(height: int, number: int) -> bytes:
        level, below = divmod(height, TILE_HEIGHT)
        start, end = number << below, (number + 1) << below
        held = size >> (level * TILE_HEIGHT)
        if not 0 <= start < end <= held:
            raise ProofError("A proof needs a subtree that the tree does not have.")
        index = start // TILE_WIDTH
        tile = Tile(level, index, min(TILE_WIDTH, held - index * TILE_WIDTH))
        first = index * TILE_WIDTH
        return _reduced(hashes(tile)[start - first : end - first])

    return read_hash


def _hashes(read: ReadTile, tile: Tile) -> list[bytes]:
    data = read(tile)
    if len(data) != tile.width * HASH_BYTES:
        raise MessageError("A tile is not as long as its path says.")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def _reduced(row: Sequence[bytes]) -> bytes:
    """The root of a complete subtree, from a power of two of hashes."""
    while len(row) > 1:
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]
