"""A loss of power at the ledger: what had a receipt is there, whatever part of what was not synced is lost.

The real storage works on recorded files, its own and SQLite's (``power_cut_work``); the disk is then cut off after
every receipt and at random writes, and what is left is opened again with the code that would open it. The defence
removed is the same without syncs, where something must be found lost. Not shown: that a disk keeps what it says is synced.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

import pytest

from blindplate.core.errors import BlindplateError
from blindplate.server.ledger.fsck import fsck
from tests.adversary.power_cut import Disk, Entry, Noted
from tests.unit.server.ledger.site import Site, append, entry

SEED: Final = "ledger power 1"
_ROOT: Final = Path(__file__).parents[3]
_RANDOM_CUTS: Final = 40


@pytest.fixture(scope="module", params=["synced", "unsynced"])
def work(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The folder in which the work was done, with or without syncs."""
    folder = tmp_path_factory.mktemp(request.param)
    command = [sys.executable, "-m", "tests.integration.ledger.power_cut_work", str(folder), SEED]
    options = ["--unsynced"] if request.param == "unsynced" else []
    subprocess.run([*command, *options], cwd=_ROOT, check=True, timeout=240)
    return request.param, folder


def test_the_recording_is_what_the_disk_got(work: tuple[str, Path]) -> None:
    _, folder = work
    disk = Disk()
    for one in _journal(folder):
        disk.apply(one)
    played = disk.in_order()
    for path in folder.rglob("*"):
        # SQLite's index of its log is memory that has a file; the rest must be there byte by byte.
        if path.is_file() and path.name not in ("journal", "head.sqlite-shm"):
            assert played[str(path)] == path.read_bytes(), path


def test_what_had_a_receipt_survives_a_power_cut(work: tuple[str, Path], tmp_path: Path) -> None:
    how, folder = work
    lost = [missing for _, missing in _cuts(folder, tmp_path)]
    assert len(lost) > _RANDOM_CUTS
    if how == "synced":
        assert lost == [0] * len(lost)
    else:
        assert any(lost)


def _journal(folder: Path) -> list[Entry]:
    recorded: list[Entry] = pickle.loads((folder / "journal").read_bytes())
    return recorded


def _cuts(work: Path, place: Path) -> Iterator[tuple[int, int]]:
    """For one cut after another, how many acknowledged entries are lost; all of them when it does not even open."""
    recorded, rng, disk = _journal(work), Random(SEED), Disk()
    notes = [number for number, one in enumerate(recorded) if isinstance(one, Noted)]
    cuts = {*notes, *rng.sample(range(notes[0], len(recorded)), _RANDOM_CUTS)}
    kept: list[bytes] = []
    for number, one in enumerate(recorded):
        disk.apply(one)
        kept += one.ids if isinstance(one, Noted) else ()
        if number in cuts:
            for chance in (None, rng):
                folder = place / f"{number}-{'part' if chance else 'nothing'}"
                _write(disk.after_power_cut(chance), work, folder)
                yield number, _lost(folder, kept)


def _write(files: dict[str, bytes], work: Path, folder: Path) -> None:
    for path, content in files.items():
        # SQLite rebuilds it.
        if not path.endswith("-shm"):
            target = folder / Path(path).relative_to(work)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch(0o600)
            target.write_bytes(content)


def _lost(folder: Path, kept: list[bytes]) -> int:
    site = Site(folder)
    try:
        storage = site.open()
        found = storage.find(kept)
        append(storage, [entry(9_000)])
        storage.publish()
        site.kill()
        return len(set(kept) - set(found)) + len(fsck(site.settings()))
    except BlindplateError:
        return len(kept)
    finally:
        site.kill()
