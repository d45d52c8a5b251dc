"""Events as files in a folder, as engines upload them: one message a file.

Guarantees that a file is deleted only when all its reads are durable, sealed, for every list that the policy still
names; one that is refused is renamed to ``*.refused`` and left to the operator. What an engine writes here holds
plates in the clear until then: keep the folder in memory (tmpfs). Names beginning with a dot, and files that still
change, are left alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindplate.client.camera.feed import MAX_MESSAGE_BYTES, Feed, Taken
from blindplate.core.errors import SettingsError
from blindplate.edge.logs import log

_POLL_SECONDS: Final = 0.25
# An engine that writes in place instead of renaming is done when it has not written for this long.
_QUIET_SECONDS: Final = 1.0
_AT_ONCE: Final = 256
_SETTLE_SECONDS: Final = 1.0
_REFUSED: Final = ".refused"


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder that an engine fills."""

    folder: Path

    @property
    def can_wait(self) -> bool:
        """Files wait on the disk."""
        return True

    def run(self, feed: Feed, stop: threading.Event) -> None:
        """Work off files until ``stop`` is set. Raises SettingsError when the folder is not there."""
        if not self.folder.is_dir():
            raise SettingsError(f"There is no folder {self.folder}.", "Make it, or name another.")
        while not stop.is_set():
            files = list(self._ready())
            taken = {path: one for path in files if (one := self._take(path, feed)) is not None}
            while not stop.is_set() and not feed.left(list(taken.values()), _SETTLE_SECONDS):
                continue
            if not stop.is_set():
                for path, one in taken.items():
                    self._finish(path, one)
            if not files:
                stop.wait(_POLL_SECONDS)

    def _ready(self) -> Iterator[Path]:
        quiet = time.time() - _QUIET_SECONDS
        found = 0
        for path in sorted(self.folder.iterdir()):
            if path.name.startswith(".") or path.suffix == _REFUSED or not path.is_file():
                continue
            if path.stat().st_mtime <= quiet and found < _AT_ONCE:
                found += 1
                yield path

    def _take(self, path: Path, feed: Feed) -> Taken | None:
        try:
            with path.open("rb") as file:
                return feed.take(file.read(MAX_MESSAGE_BYTES + 1))
        except OSError as error:
            log().warning("event-file-unreadable", error=error)
            return None

    def _finish(self, path: Path, taken: Taken) -> None:
        # File names are the engine's and often hold the plate: no log line names one.
        for failure in taken.failures:
            log().warning("event-refused", code=failure.code, what=failure.what)
        if taken.failures:
            path.rename(path.with_name(path.name + _REFUSED))
        else:
            path.unlink(missing_ok=True)
