"""Files of this camera's user alone, wholly there or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from blindplate.core.errors import StorageError


def make_private(path: Path) -> None:
    """Have ``path`` be a file of mode 0600, made if need be, in a folder of mode 0700. Raises StorageError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.fchmod(descriptor, 0o600)
        os.close(descriptor)
    except OSError as error:
        raise _cannot(error) from None


def write_sealed(path: Path, pieces: Iterable[bytes], moment: float) -> int:
    """Write ``pieces`` durably, under the time ``moment`` instead of now; how many bytes. Raises StorageError."""
    part = path.with_suffix(".part")
    size = 0
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for piece in pieces:
                    size += file.write(piece)
                file.flush()
                # When exactly a vehicle passed is nothing for a thief to read off a file.
                os.utime(file.fileno(), (moment, moment))
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        _sync(path.parent)
    except OSError as error:
        raise _cannot(error) from None
    return size


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot(error: OSError) -> StorageError:
    return StorageError(
        f"A medium cannot be kept: {error.strerror}.", "Make room on the camera's disk, or mend it."
    )
