"""What the matcher's machine is told of its cameras, beside a running matcher."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindplate.core.errors import StorageError
from blindplate.server.matcher.cameras import store
from blindplate.server.matcher.cameras.judging import CameraAlarm
from blindplate.server.matcher.cameras.report import report
from blindplate.server.matcher.cameras.store import Seen
from blindplate.server.matcher.cameras.usual import HOUR_SECONDS, Hour
from blindplate.server.matcher.storage import Database


def test_each_camera_is_told_with_what_is_usual_now(tmp_path: Path) -> None:
    path, now = tmp_path / "matcher.db", 1_736_121_600 + 8.5 * HOUR_SECONDS
    database = Database(path)
    seen = Seen("spiffe://blindplate/camera/camera-1", now - 60, CameraAlarm.LOW, now - 10)
    hours = [Hour(int(now // HOUR_SECONDS) - 168 * week, HOUR_SECONDS, 600) for week in (1, 2, 3)]
    database.write(lambda connection: store.put(connection, [seen]))
    database.write(lambda connection: store.count(connection, seen.identity, hours, learnt=True))
    try:
        (told,) = report(path, now)
    finally:
        database.close()
    assert (told.name, told.seen, told.usual_per_hour) == ("camera-1", seen, 600.0)


def test_no_database_is_made_and_none_that_is_another_is_read(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        report(tmp_path / "nowhere.db", 0.0)
    assert not (tmp_path / "nowhere.db").exists()
    (tmp_path / "other.db").write_bytes(b"")
    with pytest.raises(StorageError):
        report(tmp_path / "other.db", 0.0)
