"""How long the write-ahead log has held what it holds: whatever was erased since may still be read in it.

The log says nothing of time, so it is looked at every round. It counts as emptied when it is cut to nothing, or begins
anew and ends with what was written since (sqlite.org/fileformat2.html, section 4): one that begins anew without being cut
still has old pages at its end. Reads the file alone. Guarantee G7.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

_HEADER_BYTES: Final = 32
_FRAME_HEADER_BYTES: Final = 24
_PAGE_SIZE_AT: Final = 8
_SALTS: Final = slice(16, 24)
_FRAME_SALTS: Final = slice(8, 16)


@dataclass(slots=True)
class LogWatch:
    """Watches the log of the database at ``database``. For one thread."""

    database: Path
    # Of the log as it was last seen to be young, or at first.
    _salts: bytes = field(default=b"", repr=False)
    _since: float | None = None

    def look(self, now: float) -> float:
        """Look at it; for how many seconds it has held what is in it, as far as was seen since the first look.

        At the first look, since it was last written.
        """
        path = self.database.with_name(f"{self.database.name}-wal")
        try:
            with path.open("rb") as file:
                salts, emptied, written = *_salts(file, path.stat().st_size), path.stat().st_mtime
        except FileNotFoundError:
            salts, emptied, written = b"", True, now
        if self._since is None:
            self._since = now if not salts else min(written, now)
        elif not salts or (emptied and salts != self._salts):
            self._since = now
        elif not emptied:
            return now - self._since
        self._salts = salts
        return now - self._since


def _salts(file: BinaryIO, size: int) -> tuple[bytes, bool]:
    """By what its frames are told from those of before; none of an empty log. And whether the last frame has them."""
    header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES:
        return b"", True
    page = int.from_bytes(header[_PAGE_SIZE_AT : _PAGE_SIZE_AT + 4], "big")
    frames = (size - _HEADER_BYTES) // (_FRAME_HEADER_BYTES + page)
    if frames < 1:
        return header[_SALTS], True
    file.seek(_HEADER_BYTES + (frames - 1) * (_FRAME_HEADER_BYTES + page))
    return header[_SALTS], file.read(_FRAME_HEADER_BYTES)[_FRAME_SALTS] == header[_SALTS]
