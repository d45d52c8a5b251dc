"""The public folder: whole files or none, and what is removed when."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindplate.core.errors import StorageError
from blindplate.core.ledger.layout import Tile
from blindplate.server.ledger.public import NEW_FILES, PublicFolder
from tests.unit.server.ledger.faults import disk_error, nth_call_fails


@pytest.fixture
def public(tmp_path: Path) -> PublicFolder:
    return PublicFolder(tmp_path / "public")


def test_what_is_written_is_read(public: PublicFolder) -> None:
    public.write([("tile/0/x001/234.p/5", b"five"), ("checkpoint", b"note")])
    assert (public.read("tile/0/x001/234.p/5"), public.read("checkpoint")) == (b"five", b"note")
    assert public.read("tile/0/000") is None


def test_every_file_and_every_new_name_is_synced(public: PublicFolder) -> None:
    with nth_call_fails(0, None) as seen:
        public.write([("tile/0/000.p/5", b"five")])
    # The file; and the folders in which 5, 000.p, 0 and tile are new names.
    assert seen.count("fsync") == 1 + 4
    assert seen.index("fsync") < seen.index("replace")


@pytest.mark.parametrize("error", [5, 28], ids=["EIO", "ENOSPC"])
def test_a_file_that_could_not_be_written_is_not_there(tmp_path: Path, error: int) -> None:
    public = PublicFolder(tmp_path)
    for number in range(1, 4):
        with nth_call_fails(number, disk_error(error)), pytest.raises(StorageError):
            public.write([("checkpoint", b"a long note")])
        assert public.read("checkpoint") is None


def test_a_file_that_could_not_be_replaced_is_the_old_one(tmp_path: Path) -> None:
    public = PublicFolder(tmp_path)
    public.write([("checkpoint", b"the old one")])
    for number in range(1, 4):
        with nth_call_fails(number, disk_error(28)), pytest.raises(StorageError):
            public.write([("checkpoint", b"the new one")])
        assert public.read("checkpoint") == b"the old one"


def test_what_a_crash_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / NEW_FILES).mkdir()
    (tmp_path / NEW_FILES / "0").write_bytes(b"half")
    PublicFolder(tmp_path)
    assert list((tmp_path / NEW_FILES).iterdir()) == []


def test_a_whole_tile_replaces_its_partial_forms(public: PublicFolder) -> None:
    names = ["tile/0/003.p/7", "tile/entries/003.p/7", "tile/1/000.p/3", "tile/0/003", "tile/entries/003"]
    public.write((name, b"") for name in names)
    public.remove_partial(Tile(0, 3))
    assert [name for name in names if public.read(name) is not None] == names[2:]


@pytest.mark.parametrize(
    ("name", "size", "more"),
    [
        ("tile/entries/001", 300, True),
        ("tile/entries/001.p/45", 300, True),
        ("tile/entries/001.p/44", 300, False),
        ("tile/entries/001.p/1", 256, True),
        ("tile/entries/000", 256, False),
    ],
)
def test_bundles_of_a_larger_ledger_are_noticed(
    public: PublicFolder, name: str, size: int, more: bool
) -> None:
    public.write([(name, b"")])
    assert public.holds_more(size) is more
