"""Where the ledger's files are: the paths of C2SP tlog-tiles, and which of them a tree of some size has.

Knows nothing of what is in them. Protocol section 7; docs/spec/ledger.md section 3. Source: https://c2sp.org/tlog-tiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from blindplate.core.encoding import DIGEST_BYTES
from blindplate.core.errors import MessageError

TILE_WIDTH: Final = 256
TILE_HEIGHT: Final = 8
CHECKPOINT: Final = "checkpoint"
WITNESSED: Final = "witnessed"
_MAX_LEVEL: Final = 63


@dataclass(frozen=True, slots=True)
class Tile:
    """``width`` hashes, the first number ``index`` * 256 of its level: each of a complete subtree of 256**level leaves."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """As ``tile_path``."""
        return tile_path(self.level, self.index, self.width)


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """The path of a tile of hashes. Raises MessageError for one that no ledger has."""
    if not 0 <= level <= _MAX_LEVEL:
        raise MessageError("A tile's level is not 0 to 63.")
    return f"tile/{level}/{_numbered(index, width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """The path of a bundle of entries. Raises MessageError for one that no ledger has."""
    return f"tile/entries/{_numbered(index, width)}"


def document_path(digest: bytes) -> str:
    """The path of a document that an entry names by ``digest`` (32 bytes). Raises MessageError."""
    if len(digest) != DIGEST_BYTES:
        raise MessageError("A document's digest is of the wrong length.")
    return f"documents/{digest.hex()}"


def witnessed_path(index: int) -> str:
    """The path of the first checkpoint that both custodians cosigned over entry ``index``. Raises MessageError."""
    return f"{WITNESSED}/{_numbered(index, TILE_WIDTH)}"


def tiles_between(old: int, new: int) -> Iterator[Tile]:
    """The tiles that a tree of ``new`` leaves has and one of ``old`` (not more) has not, lowest level first."""
    level = 0
    while new:
        full, partial = divmod(new, TILE_WIDTH)
        yield from (Tile(level, index) for index in range(old // TILE_WIDTH, full))
        if partial and old != new:
            yield Tile(level, full, partial)
        old, new, level = old // TILE_WIDTH, full, level + 1


def bundles_between(old: int, new: int) -> Iterator[Tile]:
    """The bundles that hold entries ``old`` to ``new`` in a ledger of ``new``, as tiles of level 0; the first may
    begin before."""
    return (tile for tile in tiles_between(old, new) if tile.level == 0)


def _numbered(index: int, width: int) -> str:
    if index < 0 or not 1 <= width <= TILE_WIDTH:
        raise MessageError("A tile's number or width is out of range.")
    parts = [f"{index % 1000:03d}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03d}")
    path = "/".join(reversed(parts))
    return path if width == TILE_WIDTH else f"{path}.p/{width}"
