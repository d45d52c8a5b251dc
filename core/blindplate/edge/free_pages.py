"""What an SQLite file still holds of rows that are gone: pages it has freed, and its write-ahead log.

Reads the file itself, by SQLite's file format (sqlite.org/fileformat2.html, sections 1.3 and 1.5), not through SQLite:
so that it tells what lies there, not what the library would show. Freed pages are zeros where the database was always
written with ``secure_delete``. A file once looked at stays open until the process ends: on POSIX systems closing it would
let go of every lock that SQLite, in this process, holds on it (sqlite.org/howtocorrupt.html, section 2.2). A page that lists other free pages may hold numbers of pages: these do not
count. Does not look into pages in use, nor at blocks that a file system or a flash disk keeps of what was overwritten.
Guarantee G7.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Final

from blindplate.core.errors import StorageError

_MAGIC: Final = b"SQLite format 3\x00"
_HEADER_BYTES: Final = 100
_PAGE_SIZE_AT: Final = 16
_FREELIST_AT: Final = 32
_WORD: Final = 4
# By device and inode, which cannot be another file's while the descriptor is open.
_OPEN: Final[dict[tuple[int, int], int]] = {}
_OPENING: Final = threading.Lock()


def remains(path: Path) -> int:
    """How many freed pages of an SQLite database hold anything but zeros.

    What its write-ahead log has not yet moved into the file does not count: empty the log first, and write nothing
    meanwhile. Raises StorageError for a file that cannot be read or is no whole SQLite database.
    """
    try:
        return sum(1 for left in _freed(_descriptor(path)) if left.strip(b"\0"))
    except OSError as error:
        raise StorageError(
            f"The database {path.name} cannot be read: {error.strerror}.", "Look at the disk."
        ) from None


def wal_bytes(path: Path) -> int:
    """How many bytes the write-ahead log of the database at ``path`` has; 0 without one."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except FileNotFoundError:
        return 0


def _descriptor(path: Path) -> int:
    """The one descriptor by which this process reads the file at ``path``, never closed."""
    with _OPENING:
        there = path.stat()
        known = _OPEN.get((there.st_dev, there.st_ino))
        if known is not None:
            return known
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        there = os.fstat(opened)
        return _OPEN.setdefault((there.st_dev, there.st_ino), opened)


def _freed(file: int) -> list[bytes]:
    """What every freed page holds, as far as its being free does not account for it."""
    header = os.pread(file, _HEADER_BYTES, 0)
    if not header:
        return []  # made, and nothing written yet
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise _broken()
    size = int.from_bytes(header[_PAGE_SIZE_AT : _PAGE_SIZE_AT + 2], "big")
    size = 65_536 if size == 1 else size
    trunk = _number(header, _FREELIST_AT)
    pages = _number(header, _FREELIST_AT + _WORD)
    last = os.fstat(file).st_size // size
    left: list[bytes] = []
    seen = 0
    while trunk:
        page = _page(file, trunk, size)
        leaves = _number(page, _WORD)
        seen += 1 + leaves
        if seen > pages or leaves > size // _WORD - 2:
            raise _broken()
        end = 2 * _WORD + leaves * _WORD
        left.append(_beside_numbers(page[end:], last))
        left.extend(_page(file, _number(page, at), size) for at in range(2 * _WORD, end, _WORD))
        trunk = _number(page, 0)
    if seen != pages:
        raise _broken()
    return left


def _beside_numbers(rest: bytes, last: int) -> bytes:
    """What of the ``rest`` of a page that lists others cannot be a page's number, where the file has ``last`` pages.

    SQLite shortens the list where a page of it is used again, and leaves its number behind.
    """
    words = (rest[at : at + _WORD] for at in range(0, len(rest), _WORD))
    return b"".join(word for word in words if _number(word, 0) > last)


def _page(file: int, number: int, size: int) -> bytes:
    page = os.pread(file, size, (number - 1) * size)
    if len(page) != size:
        raise _broken()
    return page


def _number(page: bytes, at: int) -> int:
    return int.from_bytes(page[at : at + _WORD], "big")


def _broken() -> StorageError:
    return StorageError(
        "A database's list of free pages does not hold together.", "Check it by SQLite's own means."
    )
