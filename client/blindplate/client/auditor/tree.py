"""The ledger's tree made anew from its entries, and with it every tile that such a ledger has.

Guarantees that a tile given out here is what C2SP tlog-tiles prescribes for these entries, whatever file there is in its
place. Keeps the right edge alone: a million entries take a few kilobytes. Protocol section 7; docs/spec/ledger.md
section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from blindplate.core.ledger.layout import TILE_HEIGHT, TILE_WIDTH, Tile
from blindplate.core.ledger.tiles import grown
from blindplate.core.ledger.tree import Frontier


@dataclass(slots=True)
class GrowingTree:
    """``edge`` holds the tiles that are not yet full."""

    frontier: Frontier = field(default_factory=Frontier.empty)
    edge: dict[Tile, bytes] = field(default_factory=dict[Tile, bytes])

    @property
    def size(self) -> int:
        """How many entries it has."""
        return self.frontier.size

    @property
    def begun(self) -> bytes:
        """The leaf hashes behind the last full tile."""
        return self.edge.get(Tile(0, *divmod(self.size, TILE_WIDTH)), b"")

    def append(self, hashes: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """Add leaf hashes; every tile that they complete, and its bytes."""
        made = grown(self.edge.__getitem__, self.size, hashes)
        self.frontier = self.frontier.appended(hashes)
        tiles = {**self.edge, **made}
        self.edge = {tile: data for tile, data in tiles.items() if self._is_edge(tile)}
        return ((tile, data) for tile, data in made.items() if tile.width == TILE_WIDTH)

    def partial(self) -> Iterator[tuple[Tile, bytes]]:
        """The tiles that are not full, and their bytes."""
        return iter(self.edge.items())

    def width(self, level: int, index: int) -> int:
        """How many hashes the tile number ``index`` of a level has: 0 when there is none."""
        return min(max((self.size >> level * TILE_HEIGHT) - index * TILE_WIDTH, 0), TILE_WIDTH)

    def _is_edge(self, tile: Tile) -> bool:
        return tile.width == self.width(tile.level, tile.index) < TILE_WIDTH
