"""The file in which long appends lie until they are among the public files; short ones lie in the head's database.

SQLite writes what it is given twice, with a checksum over each page: for a thousand entries that takes three times as
long as one write and one sync here. Guarantees that what ``write`` returned for is durable, and that no two processes
have the file open. Which bytes still count is for the head to say; everything behind them is written over. Protocol
section 7.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from blindplate.core.errors import StorageError


class Staging:
    """One file, written at its end until ``reset``."""

    def __init__(self, path: Path) -> None:
        """Open or make it. Raises StorageError, also when another process has it open."""
        self._end = 0
        with _disk():
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                sync_folder(path.parent)
            except OSError:
                os.close(self._descriptor)
                raise

    def reset(self, end: int = 0) -> None:
        """Let the next bytes be written at ``end``: nothing from there on counts any more."""
        self._end = end

    def write(self, data: bytes) -> int:
        """Write ``data`` durably; where it begins. Raises StorageError."""
        begin, left = self._end, memoryview(data)
        with _disk():
            while left:
                done = os.pwrite(self._descriptor, left, self._end)
                self._end, left = self._end + done, left[done:]
            os.fdatasync(self._descriptor)
        return begin

    def read(self, begin: int, length: int) -> bytes:
        """``length`` bytes; fewer where the file ends. Raises StorageError."""
        with _disk():
            return os.pread(self._descriptor, length, begin)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _disk() -> Generator[None]:
    try:
        yield
    except BlockingIOError:
        raise StorageError("Another process keeps the ledger open.", "Stop it, then start again.") from None
    except OSError as error:
        raise StorageError(
            f"What the ledger stages cannot be read or written: {error.strerror}.",
            "Make room or mend the disk.",
        ) from None
