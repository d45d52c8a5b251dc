"""Tags join the reads of one vehicle and day, and nothing once their key is destroyed; a key in use is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindplate.core.domains import CHARGING_DAY, Domain, Epoch
from blindplate.core.errors import StorageError
from blindplate.server.matcher.epochs import epoch_name
from blindplate.server.matcher.retention_keys import RetentionKeys

DAY, NEXT = Epoch(CHARGING_DAY, 20_000), Epoch(CHARGING_DAY, 20_001)
DOMAIN = Domain("emissions", "inner", 1)
PLACE = ("emissions", epoch_name(DAY))


@pytest.fixture
def keys(tmp_path: Path) -> RetentionKeys:
    return RetentionKeys(tmp_path / "retention-keys")


def tag(keys: RetentionKeys, domain: Domain = DOMAIN, epoch: Epoch = DAY, y: bytes = bytes(32)) -> bytes:
    with keys.using(domain.list_id, epoch) as key:
        return key.tag(domain, epoch, y)


def test_a_vehicle_has_one_tag_a_domain_and_day(keys: RetentionKeys, tmp_path: Path) -> None:
    first = tag(keys)
    assert len(first) == 32
    assert tag(keys) == tag(RetentionKeys(tmp_path / "retention-keys")) == first
    others = [
        tag(keys, y=b"x" * 32),
        tag(keys, Domain("emissions", "outer", 1)),
        tag(keys, Domain("emissions", "inner", 2)),
        tag(keys, epoch=NEXT),
    ]
    assert len({first, *others}) == 5


def test_no_key_is_like_another_and_none_is_readable_by_others(keys: RetentionKeys, tmp_path: Path) -> None:
    tag(keys)
    tag(keys, epoch=NEXT)
    files = sorted((tmp_path / "retention-keys").iterdir())
    assert len({file.read_bytes() for file in files}) == len(files) == 2
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)


def test_a_key_goes_with_the_last_tag_made_with_it(keys: RetentionKeys, tmp_path: Path) -> None:
    first = tag(keys)
    other = tag(keys, epoch=NEXT)
    assert keys.destroy_unused(lambda: [PLACE]) == 1
    assert tag(keys) == first
    assert tag(keys, epoch=NEXT) != other
    assert keys.destroy_unused(list) == 2
    assert list((tmp_path / "retention-keys").iterdir()) == []
    # After that nothing tells what was one vehicle's.
    assert tag(keys) != first


def test_a_key_in_use_is_not_destroyed_though_no_tag_is_stored_yet(keys: RetentionKeys) -> None:
    with keys.using("emissions", DAY) as key:
        first = key.tag(DOMAIN, DAY, bytes(32))
        assert keys.destroy_unused(list) == 0
    assert tag(keys) == first
    assert keys.destroy_unused(list) == 1


def test_a_key_file_that_is_not_one_is_an_error_and_is_left(keys: RetentionKeys, tmp_path: Path) -> None:
    tag(keys)
    [file] = (tmp_path / "retention-keys").iterdir()
    file.write_bytes(b"short")
    with pytest.raises(StorageError):
        tag(keys)
    assert file.read_bytes() == b"short"
