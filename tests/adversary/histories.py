"""Histories of a ledger: the one there was, and others made of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from blindplate.core.ledger.bundles import decode_bundle, encode_bundle
from blindplate.core.ledger.entries import entry_bytes
from blindplate.core.ledger.layout import TILE_WIDTH, bundles_between, entries_path
from blindplate.core.ledger.tiles import grown, hash_reader
from blindplate.core.ledger.tree import consistency_proof
from blindplate.core.merkle import leaf_hash
from blindplate.core.signing import Statement


@dataclass(frozen=True, slots=True)
class History:
    """Entries in an order: what one ledger claims to have had from the beginning."""

    entries: tuple[bytes, ...]

    @property
    def size(self) -> int:
        return len(self.entries)

    def then(self, *statements: Statement) -> History:
        """With more at its end."""
        return History((*self.entries, *map(entry_bytes, statements)))

    def then_all(self, entries: Iterable[bytes]) -> History:
        """With entries at its end as they are."""
        return History((*self.entries, *entries))

    def until(self, size: int) -> History:
        """Its beginning."""
        return History(self.entries[:size])

    def without(self, index: int) -> History:
        """As if an entry had never been."""
        return History((*self.entries[:index], *self.entries[index + 1 :]))

    def with_entry(self, index: int, entry: bytes) -> History:
        """As if another entry had stood there."""
        return History((*self.entries[:index], entry, *self.entries[index + 1 :]))

    def swapped(self, index: int) -> History:
        """As if an entry and the next had come in the other order."""
        first, second = self.entries[index : index + 2]
        return History((*self.entries[:index], second, first, *self.entries[index + 2 :]))

    def files(self) -> dict[str, bytes]:
        """Its tiles and bundles."""
        files: dict[str, bytes] = {}
        for tile, hashes in grown(lambda _: b"", 0, [leaf_hash(entry) for entry in self.entries]).items():
            files[tile.path] = hashes
            if tile.level == 0:
                first = tile.index * TILE_WIDTH
                bundle = encode_bundle(self.entries[first : first + tile.width])
                files[entries_path(tile.index, tile.width)] = bundle
        return files

    def proof(self, old: int) -> tuple[bytes, ...]:
        """That its first ``old`` entries are its beginning."""
        files = self.files()
        return consistency_proof(hash_reader(lambda tile: files[tile.path], self.size), old, self.size)


def history_of(folder: Path, size: int) -> History:
    """The first entries of a ledger's public folder."""
    bundles = [folder / entries_path(one.index, one.width) for one in bundles_between(0, size)]
    return History(tuple(entry for bundle in bundles for entry in decode_bundle(bundle.read_bytes())))


def flipped(content: bytes, at: int = 0) -> bytes:
    """The same with one bit of one byte turned."""
    return bytes([*content[:at], content[at] ^ 1, *content[at + 1 :]])
