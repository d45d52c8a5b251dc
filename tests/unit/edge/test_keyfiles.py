"""Key files: never readable by others, never half written."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from blindplate.core.errors import SettingsError, StorageError
from blindplate.edge.keyfiles import read_secret, write_public, write_secret


def test_a_secret_is_written_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_secret(tmp_path / "key", b"k" * 32)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert read_secret(tmp_path / "key", 32) == b"k" * 32


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    write_secret(tmp_path / "key", b"k" * 32)
    (tmp_path / "key").chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_secret(tmp_path / "key")


def test_a_secret_of_the_wrong_length_is_refused_without_being_shown(tmp_path: Path) -> None:
    write_secret(tmp_path / "key", b"hush")
    with pytest.raises(SettingsError) as caught:
        read_secret(tmp_path / "key", 32)
    assert "hush" not in str(caught.value)


def test_a_full_disk_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_public(tmp_path / "file", b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError):
        write_public(tmp_path / "file", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]
