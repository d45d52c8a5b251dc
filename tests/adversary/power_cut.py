"""A disk that forgets what was not synced: a journal of writes and syncs, and the files as a power cut leaves them.

``Disk`` plays a journal up to any point. What was synced by then is there: a file's content once the file was, its
name, or the name's removal, once the folder was. Of the rest nothing is, or what a generator lets survive, in any
combination, torn writes included. Does not model disks that lie about syncing.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

_SECTOR_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes written at ``offset``; the file is made if it is not there."""

    path: str
    offset: int
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Truncated:
    """A file cut or extended to ``size``."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    """The content of a file is durable."""

    path: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A file's name is removed."""

    path: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """A file gets another name, in place of whatever had it."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class FolderSynced:
    """The names in a folder are durable."""

    folder: str


@dataclass(frozen=True, slots=True)
class Noted:
    """What the workload was told, or was about to ask for, at this point of the journal."""

    what: str
    ids: tuple[bytes, ...] = ()


Entry = Written | Truncated | Synced | Deleted | Renamed | FolderSynced | Noted


class Journal:
    """What happened, in order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        with self._lock:
            self.entries.append(entry)

    def note(self, what: str, ids: tuple[bytes, ...] = ()) -> None:
        self.add(Noted(what, ids))


@dataclass(slots=True)
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Written | Truncated] = field(default_factory=list[Written | Truncated])

    def sync(self) -> None:
        for entry in self.pending:
            _do(self.durable, entry)
        self.pending.clear()

    def left(self, share: Callable[[], float]) -> bytes:
        content = bytearray(self.durable)
        for entry in self.pending:
            if kept := share():
                _do(content, _torn(entry, kept))
        return bytes(content)


@dataclass(slots=True)
class _Name:
    """Which file a name leads to: for the process, and after a power cut."""

    now: _File | None = None
    durable: _File | None = None


class Disk:
    """What a disk holds after the entries given to ``apply``."""

    def __init__(self) -> None:
        self._names: defaultdict[str, _Name] = defaultdict(_Name)

    def apply(self, entry: Entry) -> None:
        """Let one entry happen."""
        match entry:
            case Written() | Truncated():
                name = self._names[entry.path]
                name.now = name.now or _File()
                name.now.pending.append(entry)
            case Synced():
                if file := self._names[entry.path].now:
                    file.sync()
            case Deleted():
                self._names[entry.path].now = None
            case Renamed():
                self._names[entry.new].now, self._names[entry.old].now = self._names[entry.old].now, None
            case FolderSynced():
                for path, name in self._names.items():
                    if str(Path(path).parent) == entry.folder:
                        name.durable = name.now
            case Noted():
                pass

    def in_order(self) -> dict[str, bytes]:
        """The files by path when nothing is lost."""
        return {path: name.now.left(lambda: 1.0) for path, name in self._names.items() if name.now}

    def after_power_cut(self, chance: Random | None) -> dict[str, bytes]:
        """The files by path: of what was not synced nothing survives, or what ``chance`` lets survive."""
        left: dict[str, bytes] = {}
        for path, name in self._names.items():
            file = name.durable if chance is None else chance.choice((name.durable, name.now))
            if file is not None:
                left[path] = file.left(lambda: 0.0 if chance is None else chance.choice((0.0, 0.0, 0.5, 1.0)))
        return left


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Put files, by name alone, into a new ``folder``."""
    folder.mkdir(mode=0o700)
    for path, content in files.items():
        target = folder / Path(path).name
        target.touch(0o600)
        target.write_bytes(content)


def _torn(entry: Written | Truncated, kept: float) -> Written | Truncated:
    if isinstance(entry, Truncated) or kept == 1.0:
        return entry
    length = int(len(entry.content) * kept) // _SECTOR_BYTES * _SECTOR_BYTES
    return Written(entry.path, entry.offset, entry.content[:length])


def _do(content: bytearray, entry: Written | Truncated) -> None:
    if isinstance(entry, Truncated):
        del content[entry.size :]
        content.extend(bytes(entry.size - len(content)))
        return
    content.extend(bytes(max(0, entry.offset - len(content))))
    content[entry.offset : entry.offset + len(entry.content)] = entry.content
