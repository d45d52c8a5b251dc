"""Everything the ledger keeps, read and recomputed: bundles, tiles, documents, checkpoint, head and its index.

Finds every file that is missing, altered, cut short or not of this ledger, every entry that its kind forbids, and every
disagreement between files and head. Changes nothing; the ledger must not run meanwhile. Reads bundle by bundle, so that
memory does not grow with the ledger's tiles. Whether custodians saw another history only they can tell. Protocol
section 7.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindplate.core.errors import BlindplateError, MessageError
from blindplate.core.ledger.bundles import decode_bundle, encode_bundle
from blindplate.core.ledger.checkpoints import Checkpoint, LedgerKeys, verify_checkpoint
from blindplate.core.ledger.entries import passed_over
from blindplate.core.ledger.layout import (
    CHECKPOINT,
    TILE_WIDTH,
    WITNESSED,
    Tile,
    bundles_between,
    document_path,
    entries_path,
    tiles_between,
    witnessed_path,
)
from blindplate.core.ledger.state import LedgerState
from blindplate.core.merkle import HASH_BYTES, leaf_hash
from blindplate.core.parties import PartyKeys
from blindplate.server.ledger.growth import GrowingTree
from blindplate.server.ledger.head import Head
from blindplate.server.ledger.public import NEW_FILES
from blindplate.server.ledger.settings import LedgerSettings

HEAD: Final = "head"
_WIDTH: Final = re.compile(r"[1-9][0-9]{0,2}")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong, and with which file: a path below the public folder, or ``head``."""

    path: str
    what: str


def fsck(settings: LedgerSettings, progress: Progress = lambda _done, _of: None) -> list[Defect]:
    """Every defect found; ``progress`` is told entries read and entries in all.

    Raises SettingsError when there is no head, StorageError when the ledger runs or the head cannot be read at all.
    """
    head = Head(settings.head)
    try:
        check = _Check(settings.public, head, settings.ledger_keys.keys(), settings.trust.parties())
        check.run(progress)
        return check.defects
    finally:
        head.close()


class _Check:
    def __init__(self, folder: Path, head: Head, keys: LedgerKeys, parties: PartyKeys) -> None:
        self.defects: list[Defect] = []
        self._folder = folder
        self._head = head
        self._keys = keys
        self._state = LedgerState(parties)
        # Tiles are compared as the tree grows, and never read back.
        self._tree = GrowingTree(lambda _tile: b"", 0)
        self._waiting: Mapping[bytes, bytes] = head.documents()
        self._seen = {CHECKPOINT}
        self._kept: dict[int, bytes] = {}
        self._witnessed: dict[str, Checkpoint] = {}

    def run(self, progress: Progress) -> None:
        row = self._head.read()
        newest = self._checkpoint(HEAD, row.note)
        public = self._public_checkpoint(row.published)
        self._read_witnessed()
        for bundle in bundles_between(0, row.published):
            self._bundle(bundle, public)
            progress(self._tree.size, row.size)
        for tile in tiles_between(0, row.published):
            if tile.width < TILE_WIDTH:
                self._tile(tile)
        for first, piece in self._head.pieces(row.published, row.size):
            self._pending(first, piece)
        progress(self._tree.size, row.size)
        if newest and (self._tree.size, self._tree.root()) != (newest.size, newest.root):
            self._defect(HEAD, "Its checkpoint is not of these entries.")
        self._records(row.published)
        self._require_witnessed(public.size if public else 0, row.published)
        self._strangers()

    def _checkpoint(self, path: str, note: bytes) -> Checkpoint | None:
        try:
            return verify_checkpoint(note, self._keys).checkpoint
        except BlindplateError as error:
            self._defect(path, error.what)
            return None

    def _public_checkpoint(self, published: int) -> Checkpoint | None:
        note = self._read(CHECKPOINT)
        # A ledger that no custodian has witnessed yet has none.
        checkpoint = self._checkpoint(CHECKPOINT, note) if note is not None else None
        if note is None or checkpoint is None:
            return None
        try:
            verify_checkpoint(note, self._keys).require_both()
        except BlindplateError as error:
            self._defect(CHECKPOINT, error.what)
        if checkpoint.size > published:
            self._defect(CHECKPOINT, "It is of more entries than the head says are public.")
        for tile in tiles_between(0, min(checkpoint.size, published)):
            for path in (tile.path, *([entries_path(tile.index, tile.width)] if not tile.level else [])):
                # Where the whole tile is there, it is not asked for.
                if not any((self._folder / one).is_file() for one in (path, path.partition(".p/")[0])):
                    self._defect(path, "It is missing.")
        return checkpoint

    def _bundle(self, bundle: Tile, public: Checkpoint | None) -> None:
        first, path = self._tree.size, entries_path(bundle.index, bundle.width)
        data = self._require(path)
        try:
            entries = decode_bundle(data) if data else []
        except MessageError:
            entries = []
        if data and len(entries) != bundle.width:
            self._defect(path, "It is not a bundle of as many entries as its path says.")
        if len(entries) == bundle.width:
            self._partials(entries_path(bundle.index), lambda width: encode_bundle(entries[:width]))
            self._entries(first, entries, path)
        else:
            # The tree goes on with what the tile says, so that one bad bundle is one defect.
            self._tree.extend(_hashes(self._read(bundle.path) or b"", bundle.width))
        found = self._head.find(leaves := self._tree.leaves(first, self._tree.size))
        if any(found.get(leaf) != first + at for at, leaf in enumerate(leaves)):
            self._defect(HEAD, f"Its index does not lead to each entry of {path}, or one is there twice.")
        if public and first < public.size <= self._tree.size and self._tree.root(public.size) != public.root:
            self._defect(CHECKPOINT, "It is not of these entries.")
        for path, over in self._witnessed.items():
            if first < over.size <= self._tree.size and self._tree.root(over.size) != over.root:
                self._defect(path, "It is not of these entries.")
        for tile in tiles_between(first, self._tree.size):
            if tile.width == TILE_WIDTH:
                self._tile(tile)
        self._tree.trim(self._tree.size)

    def _entries(self, first: int, entries: Sequence[bytes], path: str) -> None:
        self._tree.extend([leaf_hash(entry) for entry in entries])
        for index, entry in enumerate(entries, start=first):
            document = None
            if not passed_over(entry):
                self._kept[index] = entry
                digest = self._state.document_named(entry)
                document = None if digest is None else self._document(digest)
            applied = self._state.apply(index, entry, 0, document)
            if applied.error is not None:
                self._defect(path, f"Entry {index}: {applied.error.what}")

    def _document(self, digest: bytes) -> bytes | None:
        path = document_path(digest)
        document = self._waiting.get(digest) or self._require(path)
        try:
            if document is not None:
                self._state.open_document(digest, document)
        except BlindplateError as error:
            self._defect(path, error.what)
        return document

    def _pending(self, first: int, piece: bytes) -> None:
        try:
            self._entries(first, decode_bundle(piece), HEAD)
        except MessageError:
            self._defect(HEAD, f"What waits to be published from entry {first} on is not whole.")

    def _tile(self, tile: Tile) -> None:
        expected, data = self._tree.tile(tile), self._require(tile.path)
        if data is not None and data != expected:
            self._defect(tile.path, "It does not hold the hashes of these entries.")
        self._partials(Tile(tile.level, tile.index).path, lambda width: expected[: HASH_BYTES * width])

    def _partials(self, path: str, beginning: Callable[[int], bytes]) -> None:
        """Every partial form of a file, as older checkpoints have them, is the beginning of the newest one."""
        for one in sorted((self._folder / f"{path}.p").glob("*")):
            if _WIDTH.fullmatch(one.name):
                partial = f"{path}.p/{one.name}"
                data = self._require(partial)
                if data is not None and data != beginning(int(one.name)):
                    self._defect(partial, "It is not the beginning of its tile or bundle.")

    def _records(self, published: int) -> None:
        """What the head keeps at hand of the entries."""
        if sum(1 for _ in self._head.indexed()) != published:
            self._defect(HEAD, "Its index is not of as many entries as are public.")
        if dict(self._head.kept()) != self._kept:
            self._defect(HEAD, "The entries it keeps at hand are not those of the ledger.")

    def _read_witnessed(self) -> None:
        """The checkpoints beside single entries; their roots are compared as the tree grows."""
        for file in sorted((self._folder / WITNESSED).rglob("*")):
            if not file.is_file():
                continue
            path = file.relative_to(self._folder).as_posix()
            note = self._read(path)
            try:
                signed = verify_checkpoint(note or b"", self._keys)
                signed.require_both()
            except BlindplateError as error:
                self._defect(path, error.what)
                continue
            self._witnessed[path] = signed.checkpoint

    def _require_witnessed(self, size: int, published: int) -> None:
        """Beside every entry kept at hand that is witnessed stands the checkpoint that first covered it."""
        # A crash can leave one of a checkpoint that did not become the public one.
        expected = {witnessed_path(index): index for index in self._kept if index < published}
        for path, index in expected.items():
            over = self._witnessed.get(path)
            if over is None and index < size:
                self._require(path)
            elif over is None:
                continue
            elif not index < over.size <= published:
                self._defect(path, "It is no checkpoint over this entry.")
        for path in self._witnessed.keys() - expected.keys():
            self._defect(path, "It is of no entry that needs one.")

    def _strangers(self) -> None:
        for file in sorted(self._folder.rglob("*")):
            path = file.relative_to(self._folder).as_posix()
            if file.is_file() and path not in self._seen and not path.startswith(NEW_FILES):
                self._defect(path, "It is no file of this ledger.")

    def _require(self, path: str) -> bytes | None:
        data = self._read(path)
        if data is None and not any(defect.path == path for defect in self.defects):
            self._defect(path, "It is missing.")
        return data

    def _read(self, path: str) -> bytes | None:
        self._seen.add(path)
        try:
            return (self._folder / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._defect(path, f"It cannot be read: {error.strerror}.")
            return None

    def _defect(self, path: str, what: str) -> None:
        self.defects.append(Defect(path, what))


def _hashes(data: bytes, width: int) -> list[bytes]:
    padded = data.ljust(HASH_BYTES * width, b"\0")
    return [padded[at : at + HASH_BYTES] for at in range(0, HASH_BYTES * width, HASH_BYTES)]
