"""Locks between the processes of one owner, by files that are closed to others and hold nothing.

A lock is released with its descriptor, also when the process is killed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from blindplate.core.errors import StorageError


@contextmanager
def file_lock(path: Path, *, wait: bool = True) -> Generator[bool]:
    """A block that one process at a time is in. False, at once, when another is and ``wait`` is false.

    Raises StorageError when the file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageError(
            f"The lock {path} cannot be made: {error.strerror}.", "Make room or mend the disk."
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
