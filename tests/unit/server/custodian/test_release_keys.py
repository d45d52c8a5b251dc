"""Release keys: always one in force and its successor announced, destroyed on time, never lost by a restart."""

from __future__ import annotations

import stat
from itertools import pairwise
from pathlib import Path

import pytest

from blindplate.core.errors import (
    EnvelopeError,
    GoneError,
    SettingsError,
    SignatureError,
    StorageError,
    UnavailableError,
)
from blindplate.core.hpke import SealingKey
from blindplate.core.parties import Custodian, key_id
from blindplate.core.signing import SigningKey
from blindplate.core.statements.announced_keys import ReleaseKey, current
from blindplate.server.custodian import release_keys
from blindplate.server.custodian.release_keys import SKEW_SECONDS, ReleaseKeys

SIGNER = SigningKey.generate()
DAY, WINDOW = 86_400, 3_600


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "release-keys"


def keys_in(folder: Path, custodian: Custodian = Custodian.A) -> ReleaseKeys:
    return ReleaseKeys(folder, custodian, SIGNER, DAY)


def announced(keys: ReleaseKeys, moment: float) -> list[ReleaseKey]:
    return [ReleaseKey.verified(statement, [SIGNER.public]) for statement in keys.announcements(moment)]


def test_one_in_force_and_the_next_at_any_moment(folder: Path) -> None:
    keys, moment = keys_in(folder), 1_000_000.0
    seen: list[ReleaseKey] = []
    for _ in range(40):
        keys.maintain(moment, WINDOW)
        now = announced(keys, moment)
        assert current(now, moment).not_after > moment
        assert current(now, moment + DAY) != current(now, moment)
        seen += [key for key in now if key not in seen]
        moment += DAY / 4
    for earlier, later in pairwise(seen):
        assert later.not_before == earlier.not_after
    assert all(key.destroyed_at == key.not_after + WINDOW for key in seen)
    assert 11 <= len(seen) <= 13


def test_opens_what_was_sealed_until_it_is_destroyed(folder: Path) -> None:
    keys = keys_in(folder)
    keys.maintain(1_000_000, WINDOW)
    key = current(announced(keys, 1_000_000), 1_000_000)
    name = key_id(key.public)
    sealed = SealingKey.from_public(key.public).seal(b"secret", b"info")
    keys.maintain(key.destroyed_at - 1, WINDOW)
    assert keys.opening_key(name, key.destroyed_at - 1).open(sealed, b"info") == b"secret"

    file = folder / f"{name.hex()}.seed"
    seed = file.read_bytes()
    # Due, though the file still lies there: nothing opens any more.
    with pytest.raises(GoneError):
        keys.opening_key(name, key.destroyed_at)
    with file.open("rb") as held:
        assert name in keys.maintain(key.destroyed_at, WINDOW)
        # The bytes themselves were overwritten, not only their name taken away.
        assert held.read() != seed
    assert not file.exists()
    assert name in keys.destroyed(key.destroyed_at)
    assert keys.maintain(key.destroyed_at, WINDOW) == []
    with pytest.raises(GoneError):
        keys_in(folder).opening_key(name, key.destroyed_at)


def test_a_restart_keeps_the_keys(folder: Path) -> None:
    keys = keys_in(folder)
    keys.maintain(1_000_000, WINDOW)
    again = keys_in(folder)
    again.maintain(1_000_010, WINDOW)
    assert announced(again, 1_000_010) == announced(keys, 1_000_010)


def test_a_longer_window_makes_a_key_that_outlives_it_at_once(folder: Path) -> None:
    keys = keys_in(folder)
    keys.maintain(1_000_000, 0)
    before = announced(keys, 1_000_000)
    keys.maintain(1_000_500, WINDOW)
    key = current(announced(keys, 1_000_500), 1_000_500)
    assert key not in before
    assert key.destroyed_at - key.not_after == WINDOW
    count = len(announced(keys, 1_000_500))
    keys.maintain(1_000_501, WINDOW)
    keys.maintain(1_000_502, 10)
    assert len(announced(keys, 1_000_502)) == count


def test_a_short_lived_successor_never_takes_over_from_a_lasting_key(folder: Path) -> None:
    keys, start = keys_in(folder), 1_000_000
    # Before any grant is there: both keys are destroyed with their last second.
    keys.maintain(start, 0)
    short = announced(keys, start)
    installed = start + DAY // 2
    for moment in range(installed, installed + 3 * DAY, DAY // 8):
        keys.maintain(moment, WINDOW)
        key = current(announced(keys, moment), moment)
        assert key.destroyed_at - key.not_after == WINDOW
        # Fetched now and used until the next is fetched, at any moment of the day to come.
        later = current(announced(keys, moment), moment + DAY - 1)
        assert later.destroyed_at - later.not_after == WINDOW
        assert not [key for key in announced(keys, moment) if key in short]


def test_short_lived_keys_are_announced_while_no_other_can_be_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = keys_in(folder)
    keys.maintain(1_000_000, 0)
    before = keys.announcements(1_000_000)
    monkeypatch.setattr(release_keys, "write_secret", full_disk)
    with pytest.raises(StorageError):
        keys.maintain(1_000_001, WINDOW)
    assert keys.announcements(1_000_001) == before


def test_a_full_disk_keeps_no_key_alive(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = keys_in(folder)
    keys.maintain(1_000_000, WINDOW)
    monkeypatch.setattr(release_keys, "write_secret", full_disk)
    with pytest.raises(StorageError):
        keys.maintain(1_000_000 + 30 * DAY, WINDOW)
    assert list(folder.glob("*.seed")) == []


def test_a_seed_that_cannot_be_destroyed_keeps_no_other_alive(folder: Path) -> None:
    keys = keys_in(folder)
    keys.maintain(1_000_000, WINDOW)
    stuck, other = sorted(folder.glob("*.seed"))
    stuck.unlink()
    stuck.mkdir()
    later = 1_000_000 + 30 * DAY
    with pytest.raises(StorageError):
        keys.maintain(later, WINDOW)
    assert not other.exists()
    assert current(announced(keys, later), later).not_after > later


def full_disk(*_: object) -> None:
    raise StorageError("The disk is full.", "Make room.")


def test_after_a_long_rest_a_key_is_in_force_again(folder: Path) -> None:
    keys_in(folder).maintain(1_000_000, WINDOW)
    keys = keys_in(folder)
    later = 1_000_000 + 30 * DAY
    assert len(keys.maintain(later, WINDOW)) == 2
    assert current(announced(keys, later), later).not_before == later - SKEW_SECONDS


def test_seeds_are_secret_files(folder: Path) -> None:
    keys_in(folder).maintain(1_000_000, WINDOW)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in folder.glob("*.seed"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_never_announced(folder: Path) -> None:
    keys = keys_in(folder)
    with pytest.raises(EnvelopeError):
        keys.opening_key(bytes(16), 1_000_000)


def test_a_seed_without_announcement_is_destroyed_at_start(folder: Path) -> None:
    folder.mkdir()
    orphan = folder / f"{bytes(16).hex()}.seed"
    orphan.write_bytes(bytes(32))
    keys_in(folder)
    assert not orphan.exists()


def test_a_seed_file_open_to_others_is_this_custodians_own_trouble(folder: Path) -> None:
    keys = keys_in(folder)
    keys.maintain(1_000_000, WINDOW)
    name = key_id(announced(keys, 1_000_000)[0].public)
    (folder / f"{name.hex()}.seed").chmod(0o644)
    with pytest.raises(UnavailableError):
        keys.opening_key(name, 1_000_000)


def test_an_announcement_altered_refuses_to_start(folder: Path) -> None:
    keys_in(folder).maintain(1_000_000, WINDOW)
    file = next(folder.glob("*.json"))
    other = ReleaseKey.parsed(keys_in(folder).announcements(1_000_000)[0].payload)
    later = other.model_copy(update={"destroyed_at": other.destroyed_at + DAY})
    file.write_text(later.statement(SigningKey.generate()).to_json())
    with pytest.raises(SignatureError):
        keys_in(folder)


def test_the_other_custodians_folder_refuses_to_start(folder: Path) -> None:
    keys_in(folder).maintain(1_000_000, WINDOW)
    with pytest.raises(SettingsError):
        keys_in(folder, Custodian.B)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        keys_in(tmp_path / "file" / "release-keys")


def test_a_seed_that_cannot_be_overwritten_is_a_storage_error(folder: Path) -> None:
    keys = keys_in(folder)
    keys.maintain(1_000_000, WINDOW)
    key = announced(keys, 1_000_000)[0]
    file = folder / f"{key_id(key.public).hex()}.seed"
    file.unlink()
    file.mkdir()
    with pytest.raises(StorageError):
        keys.maintain(key.destroyed_at, WINDOW)
