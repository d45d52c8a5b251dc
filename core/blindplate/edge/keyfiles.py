"""Secrets and statements as files.

Guarantees that a secret file is made with mode 0600 from the start, that one readable by others is refused, and
that a file is either wholly written and durable or not there. It does not encrypt: that is the disk's task. A file
system that journals or copies on write may keep the old blocks of a destroyed file: that is the disk's encryption to
answer for.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from blindplate.core.errors import SettingsError, StorageError
from blindplate.core.signing import Statement

_PIECE_BYTES: Final = 1 << 20


def write_secret(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` with mode 0600, durably and whole or not at all. Raises StorageError."""
    _write(path, content, 0o600)


def write_public(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` with mode 0644, durably and whole or not at all. Raises StorageError."""
    _write(path, content, 0o644)


def read_secret(path: Path, length: int | None = None) -> bytes:
    """The bytes of a secret file.

    Raises SettingsError when the file is missing, open to group or others, or not ``length`` bytes long.
    """
    content = read_public(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SettingsError(
            f"The secret file {path} is readable by others.", f"Run chmod 600 {path}, then start again."
        )
    if length is not None and len(content) != length:
        raise SettingsError(
            f"The secret file {path} is not {length} bytes long.", "Restore it from its backup."
        )
    return content


def destroy_secret(path: Path) -> bool:
    """Overwrite and unlink a secret file, durably; whether it was there. Raises StorageError."""
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _undestroyed(path, error) from None
    try:
        left = os.fstat(descriptor).st_size
        while left > 0:
            left -= os.write(descriptor, secrets.token_bytes(min(left, _PIECE_BYTES)))
        os.fsync(descriptor)
        path.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        raise _undestroyed(path, error) from None
    finally:
        os.close(descriptor)
    return True


def read_public(path: Path) -> bytes:
    """The bytes of a file. Raises SettingsError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"The file {path} cannot be read: {error.strerror}.", "Check the path in the settings."
        ) from None


def write_statement(path: Path, statement: Statement) -> None:
    """Write a signed statement as DSSE JSON, readable by all."""
    write_public(path, statement.to_json().encode())


def read_statement(path: Path) -> Statement:
    """A signed statement from a DSSE JSON file. Checks no signature. Raises SettingsError or MessageError."""
    return Statement.from_json(read_public(path).decode(errors="replace"))


def _write(path: Path, content: bytes, mode: int) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise StorageError(
            f"The file {path} cannot be written: {error.strerror}.", "Make room or mend the disk."
        ) from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _undestroyed(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"The secret file {path} cannot be destroyed: {error.strerror}.", "Mend the disk at once."
    )
