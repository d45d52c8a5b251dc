"""Window keys: announced ahead without a gap, durable before use, destroyed on time."""

from __future__ import annotations

import itertools
import os
import stat
from pathlib import Path

import pytest

from blindplate.core.errors import EnvelopeError, SettingsError, StorageError
from blindplate.core.hpke import SealingKey
from blindplate.core.records.sealing import to_wire
from blindplate.core.signing import SigningKey
from blindplate.core.statements.announced_keys import WindowKey, current
from blindplate.edge.keyfiles import read_statement, write_statement
from blindplate.server.matcher.window_keys import WindowKeys
from tests.unit.server.matcher import conftest

SIGNER = SigningKey.from_seed(bytes(32))
NOW, SECONDS, HOLD = 1_000_000.0, 3600, 7200


def announced(keys: WindowKeys, now: float = NOW) -> list[WindowKey]:
    return [WindowKey.verified(statement, [SIGNER.public]) for statement in keys.announcements(now)]


def provided(folder: Path, ahead: int = 2, now: float = NOW) -> WindowKeys:
    keys = WindowKeys(folder, SIGNER)
    keys.provide(now, SECONDS, ahead, HOLD)
    return keys


def test_keys_follow_one_another_without_a_gap(tmp_path: Path) -> None:
    found = announced(provided(tmp_path, ahead=3))
    assert len(found) == 4
    assert found[0].not_before <= NOW - 120
    for one, after in itertools.pairwise(found):
        assert one.not_after == after.not_before
        assert one.destroyed_at == one.not_after + HOLD
    assert found[-1].not_after > NOW + 3 * SECONDS


def test_a_camera_finds_a_key_at_every_moment_of_the_time_ahead(tmp_path: Path) -> None:
    keys = provided(tmp_path)
    for moment in range(int(NOW) - 120, int(NOW) + 2 * SECONDS, 600):
        current(announced(keys), moment)


def test_providing_again_makes_no_more(tmp_path: Path) -> None:
    keys = provided(tmp_path)
    before = announced(keys)
    keys.provide(NOW + 1, SECONDS, 2, HOLD)
    assert announced(keys) == before


def test_keys_and_announcements_survive_a_restart(tmp_path: Path) -> None:
    before = announced(provided(tmp_path))
    assert announced(WindowKeys(tmp_path, SIGNER)) == before
    wire = conftest.admitted().wire
    again = to_wire(wire.record, bytes(32), bytes(16), SealingKey.from_public(before[0].public))
    with pytest.raises(EnvelopeError):
        WindowKeys(tmp_path, SIGNER).open(wire)
    # It opens, and only then is the secret compared with the record's: it is not this one's.
    with pytest.raises(Exception, match="match secret"):
        WindowKeys(tmp_path, SIGNER).open(again)


def test_seeds_are_files_for_their_owner_alone(tmp_path: Path) -> None:
    provided(tmp_path / "keys")
    seeds = list((tmp_path / "keys").glob("*.key"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in seeds} == {0o600}
    seeds[0].chmod(0o640)
    with pytest.raises(SettingsError):
        WindowKeys(tmp_path / "keys", SIGNER)


def test_a_key_whose_time_is_over_is_overwritten_and_unlinked(tmp_path: Path) -> None:
    keys = provided(tmp_path, ahead=1)
    first = announced(keys)[0]
    path = tmp_path / f"{SealingKey.from_public(first.public).key_id.hex()}.key"
    seed = path.read_bytes()
    held = os.open(path, os.O_RDONLY)
    try:
        assert keys.destroy_due(first.destroyed_at - 1) == 0
        assert keys.destroy_due(first.destroyed_at) == 1
        assert os.pread(held, 64, 0) != seed
    finally:
        os.close(held)
    assert not path.exists()
    assert not path.with_suffix(".json").exists()
    assert seed not in b"".join(file.read_bytes() for file in tmp_path.iterdir())
    with pytest.raises(EnvelopeError):
        keys.destroyed_at(SealingKey.from_public(first.public).key_id)


def test_keys_whose_time_ended_while_the_matcher_was_off_go_at_the_next_start(tmp_path: Path) -> None:
    provided(tmp_path)
    later = NOW + 10 * SECONDS
    keys = WindowKeys(tmp_path, SIGNER)
    assert keys.destroy_due(later) == 3
    keys.provide(later, SECONDS, 1, HOLD)
    current(announced(keys, later), later)


def test_a_clock_set_back_finds_a_key_too(tmp_path: Path) -> None:
    keys = provided(tmp_path)
    earlier = NOW - 10 * SECONDS
    keys.provide(earlier, SECONDS, 1, HOLD)
    current(announced(keys, earlier), earlier)
    current(announced(keys, earlier), earlier + SECONDS)


def test_keys_made_before_the_grant_with_the_longest_window_are_replaced(tmp_path: Path) -> None:
    keys = WindowKeys(tmp_path, SIGNER)
    keys.provide(NOW, SECONDS, 2, 0)
    # A grant comes in later, with the present key half over and successors announced.
    later = NOW + SECONDS / 2
    keys.provide(later, SECONDS, 2, HOLD)
    for moment in range(int(later), int(later) + 2 * SECONDS, 600):
        key = current(announced(keys, later), moment)
        assert key.destroyed_at - key.not_after == HOLD
    before = announced(keys, later)
    keys.provide(later + 1, SECONDS, 2, HOLD)
    assert announced(keys, later) == before
    # What was sealed to the short-lived ones still opens until their time is over.
    assert keys.destroy_due(later) == 0


def test_keys_made_for_a_longer_window_go_on_serving_a_shorter_one(tmp_path: Path) -> None:
    keys = provided(tmp_path)
    before = announced(keys)
    keys.provide(NOW + 1, SECONDS, 2, HOLD // 2)
    assert announced(keys) == before


def test_a_key_whose_file_cannot_be_destroyed_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    keys = provided(tmp_path, ahead=1)
    first = announced(keys)[0]
    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", refuses)
        with pytest.raises(StorageError):
            keys.destroy_due(first.destroyed_at)
    assert keys.destroy_due(first.destroyed_at) == 1
    assert len(list(tmp_path.glob("*.key"))) == 1


def test_a_seed_that_was_never_announced_is_destroyed_at_start(tmp_path: Path) -> None:
    provided(tmp_path)
    [one, *_] = tmp_path.glob("*.json")
    one.unlink()
    WindowKeys(tmp_path, SIGNER)
    assert not one.with_suffix(".key").exists()


def test_an_announcement_signed_by_another_key_is_not_given_out(tmp_path: Path) -> None:
    provided(tmp_path)
    for path in tmp_path.glob("*.json"):
        other = WindowKey.parsed(read_statement(path).payload).statement(SigningKey.generate())
        write_statement(path, other)
    assert WindowKeys(tmp_path, SIGNER).announcements(NOW) == []


def test_an_announcement_of_another_key_is_not_given_out(tmp_path: Path) -> None:
    provided(tmp_path)
    [one, two, *_] = sorted(tmp_path.glob("*.json"))
    one.write_bytes(two.read_bytes())
    assert len(WindowKeys(tmp_path, SIGNER).announcements(NOW)) == 2
