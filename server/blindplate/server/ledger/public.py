"""The folder of public files: every file is whole and durable before it has its name.

Guarantees that ``write`` returns only when files and their names would survive a loss of power, and that a reader
never sees part of a file. A file that is written again gets the same bytes: paths of tiles tell how much is in them.
Protocol section 7. Layout: https://c2sp.org/tlog-tiles.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from blindplate.core.errors import StorageError
from blindplate.core.ledger.layout import TILE_WIDTH, Tile, entries_path

# Files are written here and renamed: inside the folder, since a rename does not cross file systems.
_NEW: Final = ".new"


class PublicFolder:
    """One folder of public files, written by one thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Take the folder up, and remove what a crash left half written. Raises StorageError."""
        self._folder = folder
        self._new = folder / _NEW
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

    def write(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Write all of these, in order, and sync them. Raises StorageError; then any of them may be there."""
        touched: set[Path] = set()
        with _disk():
            for path, content in files:
                target = self._folder / path
                touched |= self._make_folder(target.parent)
                touched.add(target.parent)
                self._write(target, content)
            for folder in touched:
                _sync_folder(folder)

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

    def _make_folder(self, folder: Path) -> set[Path]:
        """Make a folder and those above it; the ones whose names in them are new."""
        missing = [one for one in (folder, *folder.parents) if not one.is_dir()]
        for one in reversed(missing):
            one.mkdir(exist_ok=True)
        return {one.parent for one in missing}

    def _write(self, target: Path, content: bytes) -> None:
        part = self._new / target.name
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.replace(target)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
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
