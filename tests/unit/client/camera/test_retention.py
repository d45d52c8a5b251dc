"""A camera's daily check finds what outlives its time in spool and media, and nothing while all is in order."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from blindplate.client.camera import spool as spooling
from blindplate.client.camera.counts import Counts
from blindplate.client.camera.media.index import Offer
from blindplate.client.camera.media.store import MediaStore
from blindplate.client.camera.retention import TOLERANCE_SECONDS, Place, RetentionCheck
from blindplate.client.camera.seal import seal_batch
from blindplate.client.camera.spool import Spool
from blindplate.core.domains import Domain
from blindplate.core.errors import StorageError
from tests.unit.client.camera.samples import NOW, PLATE, ZONE, MovedClock, Parties, police, read

PARTIES = Parties()
DAY = 86_400
LONGEST = 4 * DAY
LATE = TOLERANCE_SECONDS + 1


@dataclass
class Camera:
    folder: Path
    clock: MovedClock
    spool: Spool
    media: MediaStore
    checks: RetentionCheck

    def overdue(self, now: float) -> dict[Place, int]:
        return {one.place: one.overdue for one in self.checks.check(now) if one.overdue}

    def spool_reads(self, number: int) -> None:
        entry = police()
        domain = Domain(entry.list_id, ZONE, entry.generation)
        pairs = [(read(captured_at=NOW), bytes(64))] * number
        self.spool.add(
            seal_batch(PARTIES.identity(), entry, domain, pairs, PARTIES.sealing_keys(), NOW).items
        )


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Camera]:
    clock = MovedClock(NOW)
    spool = Spool(tmp_path / "spool.sqlite", limit=10_000)
    media = MediaStore(tmp_path / "media", 1 << 20, Counts())
    yield Camera(tmp_path, clock, spool, media, RetentionCheck(spool, media, LONGEST, clock))
    spool.close()
    media.close()


def test_a_camera_in_order_has_nothing_overdue(camera: Camera) -> None:
    camera.spool_reads(3)
    kept = camera.media.keep("image/jpeg", b"a still", NOW + DAY)
    camera.media.offer([Offer(b"r" * 16, b"t" * 32, b"k" * 32, (kept.name,), NOW + DAY)])
    assert camera.overdue(NOW + DAY) == {}
    camera.media.sweep(NOW + 2 * DAY)
    assert camera.overdue(NOW + 2 * DAY) == {}
    camera.spool.remove([one.number for one in camera.spool.after(-1, 10)])
    assert camera.overdue(NOW + 100 * DAY) == {}


def test_records_that_wait_longer_than_any_window_are_found_and_not_erased(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blindplate.client.camera.retention._AT_ONCE", 2)
    camera.spool_reads(5)
    latest = NOW + police().disclosure.time_granularity_seconds + LONGEST
    assert camera.overdue(latest) == {}
    # Held for later or not: what the header says counts.
    camera.spool.hold({one.number: NOW + 1000 * DAY for one in camera.spool.after(-1, 2)})
    assert camera.overdue(latest + LATE) == {Place.SPOOL: 5}
    assert len(camera.spool) == 5


def test_media_that_nothing_swept_are_found_by_index_and_by_file(camera: Camera) -> None:
    camera.media.keep("image/jpeg", b"a still", NOW + DAY)
    assert camera.overdue(NOW + DAY) == {}
    # Ends are rounded to ten minutes, up in the index and down at the file.
    assert camera.overdue(NOW + DAY + LATE + 600) == {Place.MEDIA: 2}


def test_a_file_that_the_index_does_not_name_is_found(camera: Camera) -> None:
    for name in ("00ff.sealed", "00ff.part"):
        (camera.folder / "media" / name).write_bytes(b"sealed")
        os.utime(camera.folder / "media" / name, (NOW, NOW))
    assert camera.overdue(NOW) == {}
    assert camera.overdue(NOW + LATE) == {Place.MEDIA: 2}


@pytest.mark.parametrize(
    ("file", "place"),
    [("spool.sqlite", Place.SPOOL_FREE_PAGES), ("media/index.sqlite", Place.MEDIA_FREE_PAGES)],
)
def test_free_pages_that_were_not_overwritten_are_found(tmp_path: Path, file: str, place: Place) -> None:
    Spool(tmp_path / "spool.sqlite", limit=10).close()
    MediaStore(tmp_path / "media", 1 << 20, Counts()).close()
    raw = sqlite3.connect(tmp_path / file, isolation_level=None)
    raw.execute("PRAGMA secure_delete = OFF")
    raw.execute("CREATE TABLE left_behind (x)")
    raw.execute("INSERT INTO left_behind VALUES (?)", (PLATE * 5_000,))
    raw.execute("DROP TABLE left_behind")
    raw.close()
    spool, media = (
        Spool(tmp_path / "spool.sqlite", limit=10),
        MediaStore(tmp_path / "media", 1 << 20, Counts()),
    )
    found = RetentionCheck(spool, media, LONGEST, MovedClock(NOW)).check(NOW)
    assert [one.place for one in found if one.overdue] == [place]
    spool.close()
    media.close()


def test_looking_leaves_the_spool_to_this_camera_alone(camera: Camera) -> None:
    camera.spool_reads(1)
    camera.checks.check(NOW)
    with pytest.raises(StorageError):
        Spool(camera.folder / "spool.sqlite", limit=10)


def test_it_is_made_once_a_day_and_tells_of_no_record(camera: Camera) -> None:
    camera.spool_reads(2)
    camera.clock.moment += 30 * DAY
    with capture_logs() as logs:
        for _ in range(3):
            camera.checks.daily()
    assert [(one["event"], one["place"], one["found"]) for one in logs] == [
        ("retention-overdue", Place.SPOOL, 2)
    ]
    camera.clock.moment += DAY
    with capture_logs() as logs:
        camera.checks.daily()
    assert len(logs) == 1


def test_one_that_the_disk_refuses_is_made_again(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_path: Path) -> int:
        raise StorageError("Broken.")

    camera.spool_reads(1)
    camera.clock.moment += 30 * DAY
    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr(spooling, "remains", broken)
        camera.checks.daily()
    assert [one["event"] for one in logs] == ["retention-unchecked"]
    with capture_logs() as logs:
        camera.checks.daily()
    assert [one["event"] for one in logs] == ["retention-overdue"]
