"""The matcher's check of itself: finds whatever is left of what has ended, wherever it lies, and nothing that is due."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from blindplate.core.errors import StorageError
from blindplate.core.statements.erasures import Looked, Place
from blindplate.server.matcher.retention import check
from blindplate.server.matcher.retention.check import check_by_hand
from blindplate.server.matcher.retention.seen import agreed
from tests.unit.server.matcher.retention.site import BEGINS, DAY, HOLD, TOLERANCE, Clock, Site

HOUR = 3600


def test_everything_is_looked_at_and_nothing_of_it_is_overdue_while_it_is_due(full: Site) -> None:
    looked = full.looked()
    assert set(looked) == set(Place)
    empty = {place for place, one in looked.items() if not one.items}
    assert empty <= {Place.TEMPORARY_FILES, Place.WRITE_AHEAD_LOG}
    assert full.overdue() == set()
    # Past their time, but on their way out.
    full.clock.time += HOUR + TOLERANCE - 1
    assert full.overdue() == set()


def test_what_is_not_erased_is_overdue_by_its_own_reckoning(full: Site) -> None:
    full.clock.time += HOUR + TOLERANCE + 100
    # No housekeeping: rows, and the files and tags that hang on them.
    looked = full.looked()
    late = {
        Place.RECORDS,
        Place.RECEIPTS,
        Place.ANSWERS,
        Place.SLOTS,
        Place.WAITING,
        Place.KEPT_TAGS,
        Place.MEDIA,
        Place.SEGMENTS,
        Place.SEGMENT_FILES,
        Place.MEDIA_FILES,
    }
    assert {place for place, one in looked.items() if one.overdue} == late
    assert {looked[place].oldest_seconds for place in late} == {int(TOLERANCE) + 100}
    assert looked[Place.RECORDS] == Looked(
        place=Place.RECORDS, items=3, overdue=3, oldest_seconds=int(TOLERANCE) + 100
    )
    full.keeper.keep()
    assert full.overdue() == set()


def test_keys_that_were_not_destroyed_are_overdue(full: Site) -> None:
    full.clock.time += 2 * DAY + HOLD
    full.keeper._erase(full.clock.time)  # pyright: ignore[reportPrivateUsage]  all but the keys
    assert full.overdue() == {Place.WINDOW_KEYS, Place.RETENTION_KEYS, Place.MEDIA_FILES}
    full.keeper.keep()
    assert full.overdue() == set()


def _segment_file(folder: Path) -> None:
    (folder / "segments" / f"{'0' * 64}.blobs").touch()


def _media_file(folder: Path) -> None:
    (folder / "media" / f"{'0' * 32}.sealed").touch()


def _part(folder: Path) -> None:
    (folder / "media" / "something.part").touch()


def _unannounced_key(folder: Path) -> None:
    (folder / "window-keys" / "some.key").touch()


def _unreadable_announcement(folder: Path) -> None:
    _unannounced_key(folder)
    (folder / "window-keys" / "some.json").write_text("nonsense")


def _retention_key(folder: Path) -> None:
    (folder / "retention-keys" / "police.span-1-2.key").touch()


def _free_pages(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "matcher.db", isolation_level=None)) as database:
        database.execute("PRAGMA secure_delete=OFF")
        database.execute("CREATE TABLE plates (plate BLOB)")
        database.executemany("INSERT INTO plates VALUES (?)", [(b"AB12CDE" * 1000,)] * 20)
        database.execute("DROP TABLE plates")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize(
    ("leave", "place"),
    [
        (_segment_file, Place.SEGMENT_FILES),
        (_media_file, Place.MEDIA_FILES),
        (_part, Place.TEMPORARY_FILES),
        (_unannounced_key, Place.WINDOW_KEYS),
        (_unreadable_announcement, Place.WINDOW_KEYS),
        (_retention_key, Place.RETENTION_KEYS),
        (_free_pages, Place.FREE_PAGES),
    ],
)
def test_what_is_left_behind_is_found(full: Site, leave: Callable[[Path], None], place: Place) -> None:
    leave(full.folder)
    assert full.overdue() == {place}


def test_a_file_that_has_just_been_written_is_not_overdue(full: Site) -> None:
    for leave in (_segment_file, _media_file, _part, _unannounced_key, _retention_key):
        leave(full.folder)
    for path in full.folder.glob("*/*"):
        os.utime(path, (full.clock.time, full.clock.time))
    assert full.overdue() == set()


def test_rows_whose_record_is_gone_are_overdue_though_nothing_tells_since_when(full: Site) -> None:
    with closing(sqlite3.connect(full.folder / "matcher.db")) as database:
        database.execute("PRAGMA foreign_keys=OFF")
        database.execute("DELETE FROM records")
        database.commit()
    looked = full.looked()
    for place in (Place.SLOTS, Place.WAITING, Place.KEPT_TAGS, Place.MEDIA):
        assert looked[place].overdue == looked[place].items > 0
        assert looked[place].oldest_seconds == 0


def test_by_hand_what_goes_meanwhile_is_not_overdue(full: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    full.clock.time += HOUR + DAY

    def pause(_seconds: float) -> None:
        full.keeper.keep()

    monkeypatch.setattr(check, "sleep", pause)
    assert not any(one.overdue for one in check_by_hand(full.folder, full.clock, TOLERANCE))


def test_by_hand_what_stays_is_overdue_and_a_log_that_nobody_empties(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.clock.time += HOUR + DAY

    def pause(_seconds: float) -> None:
        """Nothing is done meanwhile."""

    monkeypatch.setattr(check, "sleep", pause)
    overdue = {one.place for one in check_by_hand(full.folder, full.clock, TOLERANCE) if one.overdue}
    assert {Place.RECORDS, Place.MEDIA_FILES, Place.WRITE_AHEAD_LOG} <= overdue


def test_a_folder_without_a_database_is_said_to_be_that(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        check_by_hand(tmp_path, Clock(BEGINS), TOLERANCE)


def test_free_pages_that_do_not_hold_together_are_looked_at_again(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "_PAUSE_SECONDS", 0.0)
    seen: list[int | None] = [None, 3, 0]

    def remains(_path: Path) -> int:
        found = seen.pop(0)
        if found is None:
            raise StorageError("It does not hold together.")
        return found

    monkeypatch.setattr(check, "remains", remains)
    assert full.looked()[Place.FREE_PAGES].overdue == 0
    seen[:] = [None] * 100
    with pytest.raises(StorageError, match="hold together"):
        full.looked()


def test_two_looks_agree_on_what_both_saw() -> None:
    def seen(overdue: int, oldest: int) -> tuple[Looked, ...]:
        return (Looked(place=Place.RECORDS, items=9, overdue=overdue, oldest_seconds=oldest),)

    assert agreed(seen(3, 50), seen(5, 60)) == seen(3, 60)
    assert agreed(seen(5, 60), seen(3, 50)) == seen(3, 50)
    assert agreed(seen(0, 0), seen(3, 50)) == seen(0, 0)
