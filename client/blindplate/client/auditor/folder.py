"""Every file in a ledger's folder explained: those that nothing needs any more, too.

Guarantees, on top of an audit of the same folder, that each file is one that such a ledger has and holds exactly what it
must: superseded partial tiles and bundles, and entries that wait for the custodians, included. Those last are only held
against each other, since nobody has signed for them yet. For a folder that nobody writes to meanwhile: a copy, or a
ledger that stands still. Protocol section 7; docs/spec/audit.md section 1.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from blindplate.client.auditor.audit import require_document
from blindplate.client.auditor.findings import Finding, Kind, Severity
from blindplate.client.auditor.tree import GrowingTree
from blindplate.client.auditor.witnessed import WitnessedFiles
from blindplate.core.errors import InputError, MessageError, NotFoundError, SecurityError
from blindplate.core.ledger.bundles import decode_bundle, encode_bundle
from blindplate.core.ledger.checkpoints import LedgerKeys
from blindplate.core.ledger.entries import parse_entry
from blindplate.core.ledger.layout import CHECKPOINT, TILE_WIDTH, Tile, entries_path, tile_path
from blindplate.core.ledger.state import LedgerState
from blindplate.core.merkle import HASH_BYTES, leaf_hash
from blindplate.core.parties import PartyKeys
from blindplate.core.statements.cameras import RegisterEntry
from blindplate.edge.ledger.source import FolderSource

_TILE: Final = re.compile(r"tile/(entries|\d{1,2})/((?:x\d{3}/)*\d{3})(?:\.p/(\d{1,3}))?")
_DOCUMENT: Final = re.compile(r"documents/([0-9a-f]{64})")
# A folder of something else altogether is told by fewer.
_MOST_UNEXPLAINED: Final = 1000


@dataclass(slots=True)
class FolderCheck:
    """One check of one folder, whose checkpoint covers ``size`` entries."""

    folder: Path
    parties: PartyKeys
    keys: LedgerKeys
    size: int
    _witnessed: WitnessedFiles = field(init=False)
    _tree: GrowingTree = field(default_factory=GrowingTree)
    _named: set[bytes] = field(default_factory=set[bytes])

    def __post_init__(self) -> None:
        self._witnessed = WitnessedFiles(self.folder, self.keys)

    def run(self) -> Iterator[Finding]:
        """Everything that is wrong with the files. Raises UnavailableError when one cannot be read."""
        source = FolderSource(self.folder)
        yield from self._witnessed.read(source)
        yield from self._entries(source)
        for tile, content in self._tree.partial():
            yield from self._tile(source, tile, content)
        if self._tree.size > self.size:
            waiting = self._tree.size - self.size
            yield Finding(
                None,
                Kind.NOT_YET_WITNESSED,
                Severity.NOTE,
                f"{waiting:,} entries after the checkpoint are not witnessed yet: this audit says nothing of them.",
            )
        yield from self._unexplained(source)

    def _entries(self, source: FolderSource) -> Iterator[Finding]:
        """Read every bundle, the widest of each number, and hold the others and all full tiles against it."""
        index = 0
        while widths := self._widths("tile/entries", index):
            entries: list[bytes] | None = None
            for width in sorted(widths, reverse=True):
                path = entries_path(index, width)
                try:
                    data = source.get(path)
                    found = decode_bundle(data)
                except MessageError:
                    yield _altered(path)
                    continue
                if len(found) != width or (entries and data != encode_bundle(entries[:width])):
                    yield _altered(path)
                elif entries is None:
                    entries = found
            if entries is None:
                return
            self._note_documents(entries)
            hashes = [leaf_hash(entry) for entry in entries]
            yield from self._witnessed.grow(entries, hashes)
            for tile, content in self._tree.append(hashes):
                yield from self._tile(source, tile, content)
            if len(entries) < TILE_WIDTH:
                return
            index += 1

    def _tile(self, source: FolderSource, tile: Tile, content: bytes) -> Iterator[Finding]:
        """Hold every file of a tile, full and partial, against what it must be."""
        widths = self._widths(f"tile/{tile.level}", tile.index)
        for width in sorted(widths):
            path = tile_path(tile.level, tile.index, width)
            try:
                data = source.get(path)
            except MessageError:
                yield _altered(path)
                continue
            # Wider than the tree: the walk over all files says so.
            if width <= tile.width and data != content[: width * HASH_BYTES]:
                yield _altered(path)
        # Without its hashes, nothing would tell whether an entry that waits was altered.
        if tile.level == 0 and max(widths, default=0) < tile.width:
            yield Finding(
                None,
                Kind.FILE_MISSING,
                Severity.VIOLATION,
                f"The public file {tile.path} has to be there and is not.",
            )

    def _widths(self, level: str, index: int) -> set[int]:
        """How wide the files of one tile or bundle are that the folder has."""
        name = tile_path(0, index).removeprefix("tile/0/")
        widths = {TILE_WIDTH} if (self.folder / level / name).is_file() else set[int]()
        try:
            names = [file.name for file in (self.folder / level / f"{name}.p").iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return widths
        numbers = {int(name) for name in names if re.fullmatch(r"[1-9]\d{0,2}", name)}
        return widths | {number for number in numbers if number < TILE_WIDTH}

    def _note_documents(self, entries: list[bytes]) -> None:
        marker = RegisterEntry.media_type().encode()
        for entry in entries:
            if marker not in entry:
                continue
            try:
                self._named.add(RegisterEntry.parsed(parse_entry(entry).payload).register_digest)
            except MessageError:
                continue  # no document is named by what is no entry; the audit reports it

    def _unexplained(self, source: FolderSource) -> Iterator[Finding]:
        """Walk over every file there is."""
        found = 0
        state = LedgerState(self.parties)
        for root, folders, files in os.walk(self.folder):
            folders.sort()
            for name in sorted(files):
                path = (Path(root) / name).relative_to(self.folder).as_posix()
                finding = self._explain(source, state, path)
                if finding is None:
                    continue
                yield finding
                found += 1
                if found == _MOST_UNEXPLAINED:
                    return

    def _explain(self, source: FolderSource, state: LedgerState, path: str) -> Finding | None:
        if path == CHECKPOINT or self._is_tile(path) or self._witnessed.explains(path):
            return None
        document = _DOCUMENT.fullmatch(path)
        digest = bytes.fromhex(document[1]) if document else b""
        if digest not in self._named:
            return Finding(
                None,
                Kind.FILE_UNEXPLAINED,
                Severity.VIOLATION,
                f"The public folder holds {path}, which follows from no entry.",
            )
        try:
            require_document(state, digest, source.get(path))
        except (InputError, SecurityError, NotFoundError):
            return _altered(path)
        return None

    def _is_tile(self, path: str) -> bool:
        """Whether it is a path of the tree as it is; what is in it was compared before."""
        found = _TILE.fullmatch(path)
        if not found:
            return False
        level, index = found[1], int(found[2].replace("/", "").replace("x", ""))
        width = int(found[3]) if found[3] else TILE_WIDTH
        try:
            own = entries_path(index, width) if level == "entries" else tile_path(int(level), index, width)
        except MessageError:
            return False
        return own == path and width <= self._tree.width(0 if level == "entries" else int(level), index)


def _altered(path: str) -> Finding:
    return Finding(
        None,
        Kind.FILE_ALTERED,
        Severity.VIOLATION,
        f"The public file {path} does not hold what follows from the entries.",
    )
