"""Keys of subject tags: one a month, secret, destroyed when its time is over and not before."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.errors import StorageError, UnavailableError
from blindplate.server.custodian import subject_keys
from blindplate.server.custodian.subject_keys import SubjectKeys

DAY = 86_400


def at(year: int, month: int, day: int = 1) -> float:
    return datetime(year, month, day, tzinfo=UTC).timestamp()


@pytest.fixture
def keys(tmp_path: Path) -> SubjectKeys:
    return SubjectKeys(tmp_path / "subject-keys", 365)


def test_one_key_a_month_in_a_secret_file(keys: SubjectKeys, tmp_path: Path) -> None:
    month, key = keys.at(at(2026, 11, 24))
    assert (month, len(key)) == ("2026-11", 32)
    assert keys.at(at(2026, 11, 1)) == (month, key)
    # The last second of the month, and the first of the next.
    assert keys.at(at(2026, 12) - 1) == (month, key)
    assert keys.at(at(2026, 12))[0] == "2026-12"
    assert keys.all().keys() == {"2026-11", "2026-12"}
    assert keys.all()["2026-12"] != key
    folder = tmp_path / "subject-keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    # The same over a restart.
    assert SubjectKeys(folder, 365).at(at(2026, 11)) == (month, key)


def test_destroyed_when_retention_is_over_and_not_a_moment_before(keys: SubjectKeys, tmp_path: Path) -> None:
    file = tmp_path / "subject-keys" / "2026-11.key"
    _, key = keys.at(at(2026, 11))
    keys.at(at(2026, 12))
    ends = at(2026, 12) + 365 * DAY
    assert keys.destroy_due(ends - 1) == []
    with file.open("rb") as before:
        assert keys.destroy_due(ends) == ["2026-11"]
        # Overwritten, for whoever holds the file still.
        assert before.read() != key
    assert not file.exists()
    assert keys.all().keys() == {"2026-12"}
    assert keys.destroy_due(ends) == []


def test_one_that_cannot_be_destroyed_keeps_no_other_alive(keys: SubjectKeys, tmp_path: Path) -> None:
    folder = tmp_path / "subject-keys"
    keys.at(at(2026, 1))
    keys.at(at(2026, 2))
    (folder / "2026-01.key").unlink()
    (folder / "2026-01.key").mkdir()
    with pytest.raises(StorageError):
        keys.destroy_due(at(2028, 1))
    assert not (folder / "2026-02.key").exists()


def test_a_key_that_others_may_read_is_not_used(keys: SubjectKeys, tmp_path: Path) -> None:
    keys.at(at(2026, 11))
    (tmp_path / "subject-keys" / "2026-11.key").chmod(0o644)
    with pytest.raises(UnavailableError):
        keys.at(at(2026, 11))
    with pytest.raises(UnavailableError):
        keys.all()


def test_other_files_in_the_folder_are_left_alone(keys: SubjectKeys, tmp_path: Path) -> None:
    stray = tmp_path / "subject-keys" / "notes.key"
    stray.write_text("x")
    assert keys.all() == {}
    assert keys.destroy_due(at(2040, 1)) == []
    assert stray.exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        SubjectKeys(tmp_path / "file" / "subject-keys", 365)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001  made aware below
def test_a_month_ends_where_the_next_begins(moment: datetime) -> None:
    seconds = moment.replace(tzinfo=UTC).timestamp()
    month = moment.strftime("%Y-%m")
    end = subject_keys._end(month)
    assert seconds < end
    assert datetime.fromtimestamp(end - 1, UTC).strftime("%Y-%m") == month
    assert datetime.fromtimestamp(end, UTC).strftime("%d %H:%M:%S") == "01 00:00:00"
