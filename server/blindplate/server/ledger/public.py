"""The folder of public files: every file is whole and durable before it has its name.

Guarantees that ``write`` returns only when files and their names would survive a loss of power, and that a reader
never sees part of a file. A file that is written again gets the same bytes: paths of tiles tell how much is in them.
Protocol section 7. Layout: https://c2sp.org/tlog-tiles.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from blindplate.core.errors import StorageError
from blindplate.core.ledger.layout import TILE_WIDTH, Tile, entries_path
from blindplate.server.ledger.staging import sync_folder

# Files are written here and renamed: inside the folder, since a rename does not cross file systems.
NEW_FILES: Final = ".new"
_SYNCING: Final = 8
_GROUP_FILES: Final = 256
_GROUP_BYTES: Final = 64 << 20


class PublicFolder:
    """One folder of public files, written by one thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Take the folder up, and remove what a crash left half written. Raises StorageError."""
        self._folder = folder
        self._new = folder / NEW_FILES
        self._syncing = ThreadPoolExecutor(_SYNCING, thread_name_prefix="sync")
        with _disk():
            shutil.rmtree(self._new, ignore_errors=True)
            self._new.mkdir(parents=True, exist_ok=True)

    def read(self, path: str) -> bytes | None:
        """The bytes of a file; None when there is none. Raises StorageError when it cannot be read."""
        with _disk():
            try:
                return (self._folder / path).read_bytes()
            except FileNotFoundError:
                return None

    def holds(self, path: str) -> bool:
        """Whether there is a file of that path."""
        return (self._folder / path).is_file()

    def write(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Write all of these and sync them. Raises StorageError; then any of them may be there."""
        folders: set[Path] = set()
        with _disk():
            for group in _groups(files):
                folders |= self._write_group(group)
            list(self._syncing.map(sync_folder, folders))

    def close(self) -> None:
        """End the threads that sync."""
        self._syncing.shutdown()

    def remove_partial(self, tile: Tile) -> None:
        """Remove the partial forms of a tile, and of its bundle when it is of level 0, that a whole one replaces."""
        paths = [tile.path] if tile.level else [tile.path, entries_path(tile.index)]
        for path in paths:
            shutil.rmtree(self._folder / f"{path}.p", ignore_errors=True)

    def holds_more(self, size: int) -> bool:
        """Whether there are bundles that only a ledger of more than ``size`` entries can have made."""
        index, width = divmod(size, TILE_WIDTH)
        if (self._folder / entries_path(index)).exists():
            return True
        with _disk():
            partial = (self._folder / f"{entries_path(index)}.p").glob("*")
            return any(one.name.isdecimal() and int(one.name) > width for one in partial)

    def _write_group(self, files: Sequence[tuple[str, bytes]]) -> set[Path]:
        """Write files beside, sync them together, and give them their names; the folders that are to be synced."""
        parts = [self._new / str(number) for number in range(len(files))]
        # A file system commits the syncs of many threads together: many times faster than one after the other.
        list(self._syncing.map(_write, parts, [content for _, content in files]))
        folders: set[Path] = set()
        for part, (path, _) in zip(parts, files, strict=True):
            target = self._folder / path
            folders |= {target.parent, *_make_folder(target.parent)}
            part.replace(target)
        return folders


def _groups(files: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """``files`` in groups that fit into memory together."""
    group: list[tuple[str, bytes]] = []
    size = 0
    for path, content in files:
        group.append((path, content))
        size += len(content)
        if len(group) == _GROUP_FILES or size >= _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _make_folder(folder: Path) -> set[Path]:
    """Make a folder and those above it; the ones in which a name is new."""
    missing = [one for one in (folder, *folder.parents) if not one.is_dir()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
    return {one.parent for one in missing}


def _write(part: Path, content: bytes) -> None:
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _disk() -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"The ledger's public files cannot be read or written: {error.strerror}.",
            "Make room or mend the disk.",
        ) from None
