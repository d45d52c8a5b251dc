"""The media of claimed records, a file each, sealed as a camera handed them in.

Guarantees that a file of a reference's name is whole and durable, that nothing here outlives the row that names it by
more than a second, and that what a broken delivery or a crash has left goes at the next start. Nothing here opens
anything. Does not overwrite what the file system has moved elsewhere: the keys, in sealed payloads, are what counts.
Protocol section 4, guarantee G7.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from blindplate.core.errors import NotFoundError
from blindplate.server.matcher.segment_files import PartialFile

_SUFFIX: Final = ".sealed"


class MediaFiles:
    """The folder of media files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, reference: bytes) -> Path:
        """Where the media of a reference lie."""
        return self._folder / f"{reference.hex()}{_SUFFIX}"

    def begin(self, reference: bytes) -> PartialFile:
        """A new file, not yet in its place."""
        return PartialFile(self.path(reference))

    def read(self, reference: bytes, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``offset`` on. Raises NotFoundError when the file is gone."""
        try:
            with self.path(reference).open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except FileNotFoundError:
            raise NotFoundError("These media were erased.") from None

    def sweep(self, kept: Collection[bytes]) -> int:
        """Remove the files of all other references than ``kept``; how many."""
        names = {self.path(reference).name for reference in kept}
        gone = [path for path in self._folder.iterdir() if path.suffix == _SUFFIX and path.name not in names]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def remove_parts(self) -> None:
        """Remove what broken deliveries have left. Only while none runs: at start."""
        for path in self._folder.iterdir():
            if path.suffix != _SUFFIX:
                path.unlink()
