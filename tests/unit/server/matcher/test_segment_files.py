"""Segment files: whole or not there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from blindplate.core.errors import StorageError, UploadError
from blindplate.server.matcher.segment_files import SegmentFiles

ID = bytes(32)


def _whole(files: SegmentFiles, name: bytes) -> None:
    with files.begin(name) as file:
        file.write(b"whole")
        file.finish()


def _broken(files: SegmentFiles) -> None:
    with files.begin(ID) as file:
        file.write(b"broken")
        raise UploadError("No.")


def test_a_finished_file_is_in_its_place(tmp_path: Path) -> None:
    files = SegmentFiles(tmp_path)
    with files.begin(ID) as file:
        file.write(b"one")
        file.write(b"two")
        assert not files.path(ID).exists()
        file.finish()
    assert files.path(ID).read_bytes() == b"onetwo"
    assert list(tmp_path.iterdir()) == [files.path(ID)]


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    files = SegmentFiles(tmp_path)
    before = os.umask(0)
    try:
        with files.begin(ID) as file:
            assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
            file.finish()
    finally:
        os.umask(before)
    assert stat.S_IMODE(files.path(ID).stat().st_mode) == 0o600


def test_a_broken_upload_leaves_nothing_and_harms_nothing(tmp_path: Path) -> None:
    files = SegmentFiles(tmp_path)
    _whole(files, ID)
    with pytest.raises(UploadError):
        _broken(files)
    assert files.path(ID).read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [files.path(ID)]


def test_a_start_removes_what_no_segment_names(tmp_path: Path) -> None:
    files = SegmentFiles(tmp_path)
    for name in (ID, bytes(31) + b"1"):
        _whole(files, name)
    (tmp_path / "left.part").write_bytes(b"x")
    files.keep_only([ID])
    assert list(tmp_path.iterdir()) == [files.path(ID)]
    files.remove([ID, ID])
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_storage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    files = SegmentFiles(tmp_path)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError):
        _whole(files, ID)
    assert list(tmp_path.iterdir()) == []
