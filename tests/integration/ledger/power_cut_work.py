"""Appends, publications and checkpoints whose every write is recorded: SQLite's and the ledger's own.

Run as a process of its own, because what records counts for the whole process:
``python -m tests.integration.ledger.power_cut_work FOLDER SEED`` leaves ``FOLDER/journal``, a pickled list of entries.
With ``--unsynced`` nothing is synced: the defence removed. Notes: ``kept`` with the leaf hashes that had their receipts.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from blindplate.core.merkle import leaf_hash
from tests.adversary.power_cut import Deleted, FolderSynced, Journal, Renamed, Synced, Truncated, Written
from tests.adversary.sqlite_recorder import recorded
from tests.unit.server.ledger.site import Site, append, cosigned, entries

_STEPS = 24


def work(folder: Path, journal: Journal, rng: Random, *, synced: bool) -> None:
    """A ledger that grows past two bundles by short and staged appends, stopped and started in between."""
    site, size = Site(folder), 0
    storage = site.create()
    for step in range(_STEPS):
        if not synced:
            storage._head._connection.execute("PRAGMA synchronous = OFF")
        count = rng.choice((1, 2, 5, 180 if step % 8 == 3 else 1))
        new = entries(count, size)
        append(storage, new)
        journal.note("kept", tuple(map(leaf_hash, new)))
        size += count
        if step % 3 == 2:
            head = storage.publish()
            storage.replace_checkpoint(cosigned(head))
        if step % 10 == 9:
            storage = site.open()
    site.kill()


@contextmanager
def own_files_recorded(journal: Journal, folder: Path, *, synced: bool) -> Generator[None]:
    """Record what the process does to files below ``folder`` through ``os``; or let it sync nothing."""
    paths: dict[int, str] = {}
    real: dict[str, Callable[..., Any]] = {
        name: getattr(os, name)
        for name in ("open", "write", "pwrite", "fsync", "fdatasync", "replace", "unlink", "close")
    }
    offsets: dict[int, int] = {}

    def opened(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        existed = Path(path).exists() if "dir_fd" not in named else True
        descriptor: int = real["open"](path, flags, *arguments, **named)
        if str(path).startswith(str(folder)) and "dir_fd" not in named:
            paths[descriptor], offsets[descriptor] = str(path), 0
            if flags & os.O_CREAT and (not existed or flags & os.O_TRUNC):
                journal.add(Truncated(str(path), 0))
        return descriptor

    def written(descriptor: int, content: bytes) -> int:
        done: int = real["write"](descriptor, content)
        if descriptor in paths:
            journal.add(Written(paths[descriptor], offsets[descriptor], bytes(content[:done])))
            offsets[descriptor] += done
        return done

    def written_at(descriptor: int, content: bytes, offset: int) -> int:
        done: int = real["pwrite"](descriptor, content, offset)
        if descriptor in paths:
            journal.add(Written(paths[descriptor], offset, bytes(content[:done])))
        return done

    def sync(descriptor: int) -> None:
        if descriptor in paths and synced:
            path = paths[descriptor]
            journal.add(FolderSynced(path) if Path(path).is_dir() else Synced(path))

    def replaced(old: Any, new: Any, **named: Any) -> None:
        real["replace"](old, new, **named)
        journal.add(Renamed(str(old), str(new)))

    def unlinked(path: Any, **named: Any) -> None:
        real["unlink"](path, **named)
        if "dir_fd" not in named:
            journal.add(Deleted(str(path)))

    def closed(descriptor: int) -> None:
        paths.pop(descriptor, None)
        real["close"](descriptor)

    stand_ins = {
        "open": opened,
        "write": written,
        "pwrite": written_at,
        "fsync": sync,
        "fdatasync": sync,
        "replace": replaced,
        "unlink": unlinked,
        "close": closed,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, stand_in in stand_ins.items():
            patch.setattr(os, name, stand_in)
        yield


def main(folder: Path, seed: str, *, synced: bool) -> None:
    """Do the work and leave the journal."""
    with recorded() as journal, own_files_recorded(journal, folder, synced=synced):
        work(folder, journal, Random(seed), synced=synced)
    (folder / "journal").write_bytes(pickle.dumps(journal.entries))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], synced="--unsynced" not in sys.argv)
