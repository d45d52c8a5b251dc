"""What comes with an event: parts of its message, or files beside it; each stripped, sealed and kept at once.

Guarantees that media are taken only where some list's policy may disclose their kind, that their type is what their
bytes say and never what a sender says, that no name leads out of the folder it is meant for, and that whatever is wrong
with a medium costs the read that medium alone, counted. Kinds that cannot be stripped of what is written about them are
left out. Protocol section 4.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol

from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.events.multipart import take_out
from blindplate.client.camera.events.pictures import bare_picture
from blindplate.client.camera.events.recordings import bare_recording
from blindplate.client.camera.media.settings import MediaSettings
from blindplate.client.camera.media.store import KeptMedia, MediaStore
from blindplate.core.errors import BlindplateError
from blindplate.core.records.media import MAX_MEDIA
from blindplate.edge.logs import log

# What lies beside an event in a folder, and is no event itself.
SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".mp4", ".m4v", ".mov", ".m4a", ".wav", ".avi", ".mkv", ".webm", ".mp3", ".ogg"}
)


class Discloses(Protocol):
    """The zone's policy, as ``PolicyFile`` knows it."""

    def discloses(self, media_type: str) -> bool:
        """Whether the records of any list may disclose media of this type."""
        ...


class Attachments:
    """Takes media. Safe to use from several threads."""

    def __init__(
        self,
        store: MediaStore,
        settings: MediaSettings,
        policy: Discloses,
        keep_seconds: float,
        counts: Counts,
    ) -> None:
        """Media are kept ``keep_seconds`` after their capture at most."""
        self._store = store
        self._settings = settings
        self._policy = policy
        self._keep_seconds = keep_seconds
        self._counts = counts

    @property
    def message_bytes(self) -> int:
        """How many bytes a message may be longer for the media in it."""
        return self._settings.media_bytes if self._settings.media_parts else 0

    def split(self, message: bytes) -> tuple[bytes, list[bytes]]:
        """A message without the parts that are media by the settings, and these. Raises EventError."""
        if not self._settings.media_parts or not message.startswith(b"--"):
            return message, []
        return take_out(message, self._settings.media_parts)

    def in_folder(self, names: Iterable[str], folder: Path | None) -> list[Path]:
        """The files that an event names, in ``folder`` or else where the settings say, whether they are there or not."""
        where = folder or self._settings.media_folder
        return [] if where is None else [where / name for name in names]

    def read(self, paths: Iterable[Path]) -> list[bytes]:
        """What is in files; those that are not there, no files, or too long are left out and counted."""
        found: list[bytes] = []
        for path in paths:
            content = self._content(path)
            if content is None:
                self._counts.add(Counted.MEDIA_LEFT_OUT)
            else:
                found.append(content)
        return found

    def keep(self, contents: Sequence[bytes], captured_at: float) -> tuple[KeptMedia, ...]:
        """Seal what may be disclosed of ``contents``, of a read captured then (seconds since 1970, UTC)."""
        kept: list[KeptMedia] = []
        for content in contents:
            one = self._keep(content, captured_at) if len(kept) < MAX_MEDIA else None
            if one is not None:
                kept.append(one)
        self._counts.add(Counted.MEDIA, len(kept))
        return tuple(kept)

    def leave_out(self, number: int) -> None:
        """Count media that belong to no one event."""
        self._counts.add(Counted.MEDIA_LEFT_OUT, number)

    def _keep(self, content: bytes, captured_at: float) -> KeptMedia | None:
        bare = None
        if len(content) <= self._settings.media_bytes:
            bare = bare_picture(content) or bare_recording(content)
        if bare is None:
            self._counts.add(Counted.MEDIA_LEFT_OUT)
            return None
        stripped, media_type = bare
        if not self._policy.discloses(media_type):
            # Nobody may ever see it: no loss, and nothing to count.
            return None
        try:
            return self._store.keep(media_type, stripped, captured_at + self._keep_seconds)
        except BlindplateError as error:
            log().warning("media-not-kept", error=error)
            self._counts.add(Counted.MEDIA_LEFT_OUT)
            return None

    def _content(self, path: Path) -> bytes | None:
        try:
            # Neither followed where it leads nor waited for: a name in an event may be anything's.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(self._settings.media_bytes + 1)
        return content if len(content) <= self._settings.media_bytes else None
