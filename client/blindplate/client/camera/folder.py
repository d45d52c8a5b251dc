"""Events as files in a folder, as engines upload them: one message a file, its media beside it.

Guarantees that a file is deleted only when all its reads are durable, sealed, for every list that the policy still
names; one that is refused is renamed to ``*.refused`` and left to the operator. Files with a medium's suffix are no
messages: those that bear a message's name go with it, and must be there before it. What an engine writes here holds
plates in the clear until then: keep the folder in memory (tmpfs). Names beginning with a dot, and files that still
change, are left alone.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindplate.client.camera.feed import MAX_MESSAGE_BYTES, Feed, Taken
from blindplate.client.camera.media.attachments import SUFFIXES
from blindplate.core.errors import SettingsError
from blindplate.edge.logs import log

_POLL_SECONDS: Final = 0.25
# An engine that writes in place instead of renaming is done when it has not written for this long.
_QUIET_SECONDS: Final = 1.0
_AT_ONCE: Final = 256
_SETTLE_SECONDS: Final = 1.0
_REFUSED: Final = ".refused"
# How long media wait for the event that they belong to.
_LEFT_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class _Found:
    """A message, and the media beside it that bear its name."""

    message: Path
    media: tuple[Path, ...]


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
            found = list(self._ready())
            taken = {one.message: (one, got) for one in found if (got := self._take(one, feed)) is not None}
            while not stop.is_set() and not feed.left([got for _, got in taken.values()], _SETTLE_SECONDS):
                continue
            if not stop.is_set():
                for one, got in taken.values():
                    self._finish(one, got)
            if not found:
                stop.wait(_POLL_SECONDS)

    def _ready(self) -> Iterator[_Found]:
        now = time.time()
        changed: dict[Path, float] = {}
        for path in sorted(self.folder.iterdir()):
            if not path.name.startswith(".") and path.suffix != _REFUSED and path.is_file():
                changed[path] = path.stat().st_mtime
        messages = {path.stem: path for path in changed if path.suffix.lower() not in SUFFIXES}
        media: defaultdict[str, list[Path]] = defaultdict(list)
        for path in changed:
            if path.suffix.lower() in SUFFIXES:
                # NAME.jpg is of NAME.json, and so is NAME.rear.jpg.
                media[path.stem if path.stem in messages else Path(path.stem).stem].append(path)
        for stem, path in list(messages.items())[:_AT_ONCE]:
            beside = media.pop(stem, [])
            if max(changed[one] for one in (path, *beside)) <= now - _QUIET_SECONDS:
                yield _Found(path, tuple(beside))
        waiting = [path for stem, several in media.items() if stem not in messages for path in several]
        self._remove_left([path for path in waiting if changed[path] <= now - _LEFT_SECONDS])

    def _take(self, found: _Found, feed: Feed) -> Taken | None:
        try:
            with found.message.open("rb") as file:
                return feed.take(file.read(MAX_MESSAGE_BYTES + 1), self.folder, found.media)
        except OSError as error:
            log().warning("event-file-unreadable", error=error)
            return None

    @staticmethod
    def _finish(found: _Found, taken: Taken) -> None:
        # File names are the engine's and often hold the plate: no log line names one.
        for failure in taken.failures:
            log().warning("event-refused", code=failure.code, what=failure.what)
        if taken.failures:
            found.message.rename(found.message.with_name(found.message.name + _REFUSED))
            return
        # The message last: were it to go first, a crash would leave its media without it.
        for path in (*found.media, *taken.files, found.message):
            path.unlink(missing_ok=True)

    @staticmethod
    def _remove_left(paths: Sequence[Path]) -> None:
        for path in paths:
            path.unlink(missing_ok=True)
        if paths:
            log().warning("media-without-event", files=len(paths))
