"""The right edge of the ledger's tree in memory: it grows by an append without a tile being read or written.

Keeps every complete subtree's hash from the first tile on that is not yet published whole; those before are read from
tiles. Guarantees that ``cut_back`` undoes ``extend``, and that nothing here depends on how a size was reached. Not
locked: for one thread at a time. Protocol section 7. Source: https://c2sp.org/tlog-tiles, RFC 9162 section 2.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from blindplate.core.errors import ChainError
from blindplate.core.ledger.layout import TILE_HEIGHT, TILE_WIDTH, Tile
from blindplate.core.ledger.tiles import ReadTile, hash_reader
from blindplate.core.ledger.tree import Frontier, ReadHash, consistency_proof, inclusion_proof
from blindplate.core.merkle import HASH_BYTES, node_hash


@dataclass(slots=True)
class _Row:
    """Complete subtrees of one height: number ``first`` and those after it."""

    first: int = 0
    hashes: list[bytes] = field(default_factory=list[bytes])

    @property
    def end(self) -> int:
        return self.first + len(self.hashes)


class GrowingTree:
    """The tree of the ledger's leaves. ``read`` gives the bytes of published tiles."""

    def __init__(self, read: ReadTile, size: int) -> None:
        """The tree whose first ``size`` leaves are published. Raises ChainError when a tile of its edge is not whole."""
        self.size = size
        self._read = read
        self._rows: list[_Row] = []
        level = 0
        while held := size >> (level * TILE_HEIGHT):
            self._load(level, held)
            level += 1

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add leaf hashes (32 bytes each)."""
        self.size += len(leaves)
        added = list(leaves)
        for height in count():
            row, above = self._row(height), self._row(height + 1)
            row.hashes += added
            begin, end = above.end, row.end // 2
            if begin >= end:
                return
            pairs = row.hashes[2 * begin - row.first : 2 * end - row.first]
            added = [node_hash(left, right) for left, right in zip(pairs[::2], pairs[1::2], strict=True)]

    def cut_back(self, size: int) -> None:
        """Take away all leaves from number ``size`` on; not below what is published."""
        self.size = size
        for height, row in enumerate(self._rows):
            del row.hashes[max(0, (size >> height) - row.first) :]

    def root(self, size: int | None = None) -> bytes:
        """The root (32 bytes) of the first ``size`` leaves, of all when None."""
        size = self.size if size is None else size
        read = self.reader()
        heights = reversed(range(size.bit_length()))
        edge = tuple(read(height, (size >> height) - 1) for height in heights if size >> height & 1)
        return Frontier(size, edge).root()

    def leaves(self, begin: int, end: int) -> Sequence[bytes]:
        """The leaf hashes of a range that begins at a tile not yet published whole, or after it."""
        row = self._row(0)
        return row.hashes[begin - row.first : end - row.first]

    def tile(self, tile: Tile) -> bytes:
        """The bytes of a tile not yet published."""
        row, begin = self._row(tile.level * TILE_HEIGHT), tile.index * TILE_WIDTH
        return b"".join(row.hashes[begin - row.first : begin - row.first + tile.width])

    def paths(self, begin: int, end: int) -> Iterator[tuple[bytes, ...]]:
        """The inclusion paths of leaves ``begin`` to ``end``, just appended, in the tree as it is.

        Leaves in one complete subtree share the upper part of their paths, which makes a long append cheap.
        """
        read = self.reader()
        while begin < end:
            height = TILE_HEIGHT
            while ((begin >> height) + 1) << height > self.size:
                height -= 1
            first, after = begin >> height << height, ((begin >> height) + 1) << height
            shared = inclusion_proof(read, first, self.size)[height:]
            below = [(step, row.hashes, row.first) for step, row in enumerate(self._rows[:height])]
            for leaf in range(begin, min(after, end)):
                yield (*[hashes[(leaf >> step ^ 1) - start] for step, hashes, start in below], *shared)
            begin = after

    def path(self, index: int) -> tuple[bytes, ...]:
        """The inclusion path of any leaf in the tree as it is."""
        return inclusion_proof(self.reader(), index, self.size)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the tree of ``old`` leaves is the beginning of that of ``new``. Raises ProofError."""
        return consistency_proof(self.reader(), old, new)

    def reader(self) -> ReadHash:
        """How proofs read this tree: from memory, and before that from tiles, each of which is read once."""
        tiles = hash_reader(self._read, self.size)

        def read(height: int, number: int) -> bytes:
            row = self._row(height)
            return row.hashes[number - row.first] if number >= row.first else tiles(height, number)

        return read

    def trim(self, published: int) -> None:
        """Forget what can be read from tiles once ``published`` leaves are."""
        for height, row in enumerate(self._rows):
            level, below = divmod(height, TILE_HEIGHT)
            tiles = published >> ((level + 1) * TILE_HEIGHT)
            start = (tiles * TILE_WIDTH) >> below
            del row.hashes[: max(0, start - row.first)]
            row.first = max(row.first, start)

    def _row(self, height: int) -> _Row:
        while len(self._rows) <= height:
            self._rows.append(_Row())
        return self._rows[height]

    def _load(self, level: int, held: int) -> None:
        index, width = divmod(held, TILE_WIDTH)
        data = self._read(Tile(level, index, width)) if width else b""
        if len(data) != width * HASH_BYTES:
            raise ChainError("A public tile is not as long as the ledger's head needs it to be.")
        hashes = [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
        for below in range(TILE_HEIGHT):
            row = self._row(level * TILE_HEIGHT + below)
            row.first, row.hashes = (index * TILE_WIDTH) >> below, hashes
            pairs = zip(hashes[::2], hashes[1::2], strict=False)
            hashes = [node_hash(left, right) for left, right in pairs]
