"""Custodian B's keys for subject tags: one a calendar month (UTC), destroyed with retention.

Guarantees that a key lies only in a file of its own, mode 0600, is made before the first tag under it, and is
overwritten and unlinked once its month has been over for the retention time; after that nobody can tell any more which
releases of that month were of which vehicle, this custodian included. Protocol section 6.
"""

from __future__ import annotations

import re
import secrets
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from blindplate.core.errors import SettingsError, StorageError, UnavailableError
from blindplate.edge.keyfiles import destroy_secret, read_secret, write_secret

KEY_BYTES: Final = 32
_DAY: Final = 86_400
_MONTH: Final = re.compile(r"\d{4}-\d{2}")


class SubjectKeys:
    """The keys in ``folder``, each kept for ``retention_days`` after its month. A month is ``YYYY-MM``."""

    def __init__(self, folder: Path, retention_days: int) -> None:
        """Raises StorageError when the folder cannot be made."""
        self._folder = folder
        self._retention_seconds = retention_days * _DAY
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StorageError(
                f"The folder {folder} cannot be made: {error.strerror}.", "Make room or mend the disk."
            ) from None

    def at(self, moment: float) -> tuple[str, bytes]:
        """The month of ``moment`` (seconds since 1970, UTC) and its key (32 bytes), made if it is not there.

        Raises StorageError, or UnavailableError when its file cannot be read.
        """
        month = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m")
        with self._lock:
            if not self._file(month).exists():
                write_secret(self._file(month), secrets.token_bytes(KEY_BYTES))
            return month, self._read(month)

    def all(self) -> dict[str, bytes]:
        """Every key still held, by its month. Raises UnavailableError when a file cannot be read."""
        with self._lock:
            return {month: self._read(month) for month in self._months()}

    def destroy_due(self, moment: float) -> list[str]:
        """Destroy the keys whose retention is over at ``moment``; the months that nobody can search any more.

        Raises StorageError when one cannot be destroyed; the others are.
        """
        destroyed: list[str] = []
        failure: StorageError | None = None
        with self._lock:
            for month in self._months():
                if _end(month) + self._retention_seconds > moment:
                    continue
                try:
                    destroy_secret(self._file(month))
                    destroyed.append(month)
                except StorageError as error:
                    failure = error
        if failure is not None:
            raise failure
        return destroyed

    def _months(self) -> list[str]:
        return sorted(file.stem for file in self._folder.glob("*.key") if _MONTH.fullmatch(file.stem))

    def _read(self, month: str) -> bytes:
        try:
            return read_secret(self._file(month), KEY_BYTES)
        except SettingsError as error:
            # The custodian's own trouble: no reason to refuse a request for good.
            raise UnavailableError(error.what, error.remedy) from None

    def _file(self, month: str) -> Path:
        return self._folder / f"{month}.key"


def _end(month: str) -> float:
    """The first moment after it, in seconds since 1970 (UTC)."""
    year, number = map(int, month.split("-"))
    years, index = divmod(year * 12 + number, 12)
    return datetime(years, index + 1, 1, tzinfo=UTC).timestamp()
