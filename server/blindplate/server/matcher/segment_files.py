"""The ciphertexts of segments, a file each: written beside, made durable, then renamed.

Guarantees that a file of a segment's name is whole, and that whatever a broken upload or a crash has left is
removed at the next start. Holds nothing secret, an owner's ciphertexts, and is for the matcher's user alone all the
same.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from blindplate.core.errors import StorageError


class SegmentFiles:
    """The folder of segment files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, segment_id: bytes) -> Path:
        """Where a segment's ciphertexts lie, one after the other."""
        return self._folder / f"{segment_id.hex()}.blobs"

    def begin(self, segment_id: bytes) -> PartialFile:
        """A new file for a segment, not yet in its place."""
        return PartialFile(self.path(segment_id))

    def remove(self, segment_ids: Iterable[bytes]) -> None:
        """Remove the files of segments that are no longer in force."""
        for segment_id in segment_ids:
            self.path(segment_id).unlink(missing_ok=True)

    def keep_only(self, segment_ids: Iterable[bytes]) -> None:
        """Remove everything but the files of these segments. Only while no upload runs: at start."""
        kept = {self.path(segment_id) for segment_id in segment_ids}
        for path in self._folder.iterdir():
            if path not in kept:
                path.unlink()


class PartialFile:
    """A file being written. Leaving the context without ``finish`` removes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_suffix(f".{secrets.token_hex(4)}.part")
        with _disk():
            descriptor = os.open(self._part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            self._file = os.fdopen(descriptor, "wb")

    def write(self, blob: bytes) -> None:
        """Add to the file. Raises StorageError."""
        with _disk():
            self._file.write(blob)

    def finish(self) -> None:
        """Make it durable and put it in its place. Raises StorageError."""
        with _disk():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A full disk shows again when the buffer is flushed here; the file goes all the same.
        with suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)


@contextmanager
def _disk() -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"A file that was sent cannot be written: {error.strerror}.",
            "Make room or mend the disk; then send it again.",
        ) from None
