"""The ledger's tree made anew from its entries, and with it every tile that such a ledger has.

Guarantees that a tile given out here is what C2SP tlog-tiles prescribes for these entries, whatever file there is in its
place. Keeps the right edge alone: a million entries take a few kilobytes. Protocol section 7; docs/spec/ledger.md
section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from blindplate.core.ledger.layout import TILE_WIDTH, Tile
from blindplate.core.ledger.tree import Frontier


@dataclass(slots=True)
class GrowingTree:
    """``rows`` holds, for each level, the hashes of the tile that is not yet full; ``full`` how many tiles are."""

    frontier: Frontier = field(default_factory=Frontier.empty)
    rows: list[list[bytes]] = field(default_factory=list[list[bytes]])
    full: list[int] = field(default_factory=list[int])

    @property
    def size(self) -> int:
        """How many entries it has."""
        return self.frontier.size

    def append(self, hashes: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """Add leaf hashes; every tile that they complete, and its bytes. All of it has to be consumed."""
        self.frontier = self.frontier.appended(hashes)
        for one in hashes:
            yield from self._add(0, one)

    def partial(self) -> Iterator[tuple[Tile, bytes]]:
        """The tiles that are not full, and their bytes."""
        for level, row in enumerate(self.rows):
            if row:
                yield Tile(level, self.full[level], len(row)), b"".join(row)

    def width(self, level: int, index: int) -> int:
        """How many hashes the tile number ``index`` of a level has: 0 when there is none."""
        if level >= len(self.rows) or index > self.full[level]:
            return 0
        return TILE_WIDTH if index < self.full[level] else len(self.rows[level])

    def _add(self, level: int, node: bytes) -> Iterator[tuple[Tile, bytes]]:
        if level == len(self.rows):
            self.rows.append([])
            self.full.append(0)
        row = self.rows[level]
        row.append(node)
        if len(row) < TILE_WIDTH:
            return
        yield Tile(level, self.full[level]), b"".join(row)
        # The root of 256 leaves is the root of their frontier: one complete subtree.
        above = Frontier.empty().appended(row).root()
        self.full[level] += 1
        self.rows[level] = []
        yield from self._add(level + 1, above)
