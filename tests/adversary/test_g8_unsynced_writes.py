"""G8: what was acknowledged survives a loss of power, with any part of what was not yet synced lost.

The real matcher (over gRPC), camera spool and owner's store work on a recorded SQLite (``sqlite_recorder``); the disk
is then cut off after every acknowledgement and at random writes, and what is left is opened again. The attack with
the defence removed is the same under ``PRAGMA synchronous`` NORMAL and OFF, where it must find something lost.

Shown: that each acknowledgement stands behind the sync of what it acknowledges, through whatever commits,
checkpoints and erasures lie between. Not shown: that a file system and a disk keep what they say is synced, and files
outside SQLite (keys and lists), whose syncs ``keyfiles`` and ``segment_files`` make themselves.
"""

from __future__ import annotations

import pickle
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import pytest

from blindplate.client.camera.spool import Spool
from blindplate.client.owner.store import Store
from blindplate.server.matcher.storage import Database
from tests.adversary import durable_work
from tests.adversary.power_cut import Disk, Entry, Noted, write_files

SEED: Final = "unsynced writes 1"
_ROOT: Final = Path(__file__).parents[2]
_RANDOM_CUTS: Final = 25


@dataclass(frozen=True)
class Kept:
    """Where a work keeps its things: the database, the query for what it holds, the query for what it knows for longer."""

    database: Path
    held: str
    known: str
    # Opens what is left with the code that would open it.
    reopen: Callable[[Path], Database | Spool | Store]


KEPT: Final = {
    "matcher": Kept(
        durable_work.MATCHER_DATABASE,
        "SELECT record_id FROM records",
        "SELECT record_id FROM receipts",
        Database,
    ),
    "spool": Kept(
        durable_work.SPOOL,
        "SELECT wire FROM wires",
        "SELECT wire FROM wires",
        lambda path: Spool(path, limit=10_000),
    ),
    "owner": Kept(
        durable_work.OWNER_DATABASE,
        "SELECT plate FROM entries",
        "SELECT plate FROM entries",
        lambda path: Store(path.parent),
    ),
}


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All works done in a process of their own: what it records counts for the whole of it."""
    folder = tmp_path_factory.mktemp("works")
    command = [sys.executable, "-m", "tests.adversary.durable_work", str(folder), SEED]
    subprocess.run(command, cwd=_ROOT, check=True, timeout=240, stdout=subprocess.DEVNULL)
    return folder


@pytest.mark.parametrize("work", KEPT)
def test_the_recording_is_what_the_disk_got(works: Path, work: str) -> None:
    """Nothing is written past the recorder: played to its end it is the file that the process left."""
    disk = Disk()
    for entry in _journal(works, work, "FULL"):
        disk.apply(entry)
    left = works / f"{work}-FULL" / KEPT[work].database
    assert disk.in_order()[str(left)] == left.read_bytes()


@pytest.mark.parametrize("work", KEPT)
def test_what_was_acknowledged_survives_a_power_cut(works: Path, work: str, tmp_path: Path) -> None:
    lost = [len(missing) for missing in _lost(works, work, "FULL", tmp_path)]
    assert len(lost) > 2 * _RANDOM_CUTS
    assert lost == [0] * len(lost)
    # The code that would open what is left does so; it is slow enough to be asked of some.
    for folder in sorted(tmp_path.iterdir())[::10]:
        KEPT[work].reopen(folder / KEPT[work].database.name).close()


@pytest.mark.parametrize("mode", ["NORMAL", "OFF"])
@pytest.mark.parametrize("work", KEPT)
def test_without_the_sync_acknowledged_things_are_lost(
    works: Path, work: str, mode: str, tmp_path: Path
) -> None:
    assert any(_lost(works, work, mode, tmp_path))


def _journal(works: Path, work: str, mode: str) -> list[Entry]:
    entries: list[Entry] = pickle.loads((works / f"{work}-{mode}" / "journal").read_bytes())
    return entries


def _lost(works: Path, work: str, mode: str, place: Path) -> Iterator[set[bytes]]:
    """For one cut after another, what should be there and is not.

    At every cut once with nothing left that was not synced, and once with a part of it.
    """
    entries, rng, disk = _journal(works, work, mode), Random(SEED), Disk()
    notes = [number for number, entry in enumerate(entries) if isinstance(entry, Noted)]
    cuts = {*notes, *rng.sample(range(notes[0], len(entries)), _RANDOM_CUTS)}
    for number, entry in enumerate(entries):
        disk.apply(entry)
        if number in cuts:
            for chance in (None, rng):
                folder = place / f"{number}-{'part' if chance else 'nothing'}"
                write_files(disk.after_power_cut(chance), folder)
                yield _missing(KEPT[work], folder, entries[: number + 1])


def _missing(kept: Kept, folder: Path, entries: Sequence[Entry]) -> set[bytes]:
    known: set[bytes] = set()
    leaving: set[bytes] = set()
    for entry in entries:
        if isinstance(entry, Noted):
            (known if entry.what == "kept" else leaving).update(entry.ids)
    path = folder / kept.database.name
    erasing = kept.held == kept.known
    return (known - leaving - _found(path, kept.held)) | (
        known - (leaving if erasing else set()) - _found(path, kept.known)
    )


def _found(path: Path, query: str) -> set[bytes]:
    try:
        with closing(sqlite3.connect(path)) as connection:
            return {row[0] for row in connection.execute(query)}
    except sqlite3.Error:
        # Not even readable: nothing is there.
        return set()
