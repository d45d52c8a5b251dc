"""Care of cameras at the matcher: signs of life taken and kept, alarms told once, cleared, and outlived by nothing gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

from blindplate.core.errors import IdentityError, MessageError
from blindplate.core.statements.cameras import CameraStanding
from blindplate.server.matcher.cameras import store
from blindplate.server.matcher.cameras.judging import DARK_SECONDS, CameraAlarm
from blindplate.server.matcher.cameras.usual import HOUR_SECONDS, Hour
from blindplate.server.matcher.cameras.watching import CameraWatch, registered, spread
from blindplate.server.matcher.following import FollowedLedger
from blindplate.server.matcher.grants import Grants
from blindplate.server.matcher.storage import Database
from tests.unit.core.ledger.entering import CAMERA_ID, DAY, MADE, STATUS, changed, entry_of, granted

BEGINS = MADE + DAY
NOW = float(BEGINS // HOUR_SECONDS * HOUR_SECONDS + 10 * HOUR_SECONDS)


@dataclass
class Around:
    """A clock that is moved by hand, and what the ledger says."""

    moment: float = NOW
    current: Grants = field(default_factory=lambda: Grants.of(granted()))

    def now(self) -> float:
        return self.moment


@pytest.fixture
def around() -> Around:
    return Around()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "matcher.db")
    yield opened
    opened.close()


def watch_of(database: Database, around: Around) -> CameraWatch:
    return CameraWatch(database, cast("FollowedLedger", around), around)


def alarm(watch: CameraWatch) -> CameraAlarm:
    watch.look()
    return watch.seen()[CAMERA_ID].alarm


def learn(database: Database, passes: int) -> None:
    """So many passes in the same hour of each of the four weeks before."""
    hours = [Hour(int(NOW // HOUR_SECONDS) - 168 * week, HOUR_SECONDS, passes) for week in range(1, 5)]
    database.write(lambda connection: store.count(connection, CAMERA_ID, hours, learnt=True))


def test_a_camera_that_falls_silent_is_told_once_and_cleared_when_it_is_back(
    database: Database, around: Around
) -> None:
    watch = watch_of(database, around)
    watch.beat(CAMERA_ID, 0, 0)
    around.moment += DARK_SECONDS - 1
    assert alarm(watch) is CameraAlarm.NONE
    around.moment += 1
    with capture_logs() as told:
        assert alarm(watch) is CameraAlarm.DARK
        around.moment += 10
        assert alarm(watch) is CameraAlarm.DARK
        watch.beat(CAMERA_ID, 60, 3)
        assert alarm(watch) is CameraAlarm.NONE
    assert [(one["event"], one.get("alarm")) for one in told] == [
        ("camera-alarm", "dark"),
        ("camera-alarm-over", None),
    ]
    assert told[0]["camera"] == "camera-1"


def test_a_registered_camera_that_was_never_seen_is_dark(database: Database, around: Around) -> None:
    watch = watch_of(database, around)
    assert alarm(watch) is CameraAlarm.NONE
    around.moment += DARK_SECONDS
    assert alarm(watch) is CameraAlarm.DARK


def test_time_in_which_the_matcher_was_away_is_no_cameras_silence(database: Database, around: Around) -> None:
    watch_of(database, around).beat(CAMERA_ID, 0, 0)
    around.moment += 10 * DARK_SECONDS
    watch = watch_of(database, around)
    assert alarm(watch) is CameraAlarm.NONE
    assert watch.seen()[CAMERA_ID].seen_at == NOW


def test_an_alarm_outlives_a_restart(database: Database, around: Around) -> None:
    watch = watch_of(database, around)
    watch.beat(CAMERA_ID, 0, 0)
    around.moment += DARK_SECONDS
    assert alarm(watch) is CameraAlarm.DARK
    with capture_logs() as told:
        again = watch_of(database, around)
        assert again.seen()[CAMERA_ID].alarm is CameraAlarm.DARK
        again.beat(CAMERA_ID, 60, 0)
        assert alarm(again) is CameraAlarm.NONE
    assert [one["event"] for one in told] == ["camera-alarm-over"]


def test_a_lens_that_is_painted_is_low_and_its_hours_are_not_learnt(
    database: Database, around: Around
) -> None:
    learn(database, 600)
    watch = watch_of(database, around)
    for _ in range(12):
        around.moment += 60
        watch.beat(CAMERA_ID, 60, 0)
        watch.look()
    assert watch.seen()[CAMERA_ID].alarm is CameraAlarm.LOW
    assert watch.rates(CAMERA_ID) == (0.0, 600.0)
    around.moment += 60
    watch.beat(CAMERA_ID, 60, 0)
    with database.read() as connection:
        assert int(NOW // HOUR_SECONDS) not in {one.hour for one in store.history(connection, CAMERA_ID)}
    for _ in range(12):
        around.moment += 60
        watch.beat(CAMERA_ID, 60, 10)
    assert alarm(watch) is CameraAlarm.NONE


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_a_sign_of_life_of_no_time_is_refused(database: Database, around: Around, seconds: float) -> None:
    with pytest.raises(MessageError):
        watch_of(database, around).beat(CAMERA_ID, seconds, 0)


def test_numbers_beyond_any_road_are_cut(database: Database, around: Around) -> None:
    watch = watch_of(database, around)
    watch.beat(CAMERA_ID, float("inf"), 2**63)
    with database.read() as connection:
        assert sum(one.passes for one in store.history(connection, CAMERA_ID)) <= 100 * 86_401


def test_a_revoked_or_unknown_camera_is_refused_and_forgotten(database: Database, around: Around) -> None:
    watch = watch_of(database, around)
    watch.beat(CAMERA_ID, 60, 3)
    with pytest.raises(IdentityError):
        watch.beat("spiffe://blindplate/camera/another", 60, 3)
    state = granted()
    status = changed(STATUS, standing=CameraStanding.REVOKED, made_at=STATUS.made_at + 1)
    assert state.apply(10, entry_of(status), int(NOW)).error is None
    around.current = Grants.of(state)
    with pytest.raises(IdentityError):
        watch.beat(CAMERA_ID, 60, 3)
    watch.look()
    assert CAMERA_ID not in watch.seen()
    with database.read() as connection:
        assert store.everything(connection) == {}
        assert store.history(connection, CAMERA_ID) == []
    assert registered(around.current, NOW).get(CAMERA_ID) is None


def test_passes_are_spread_over_the_hours_they_were_counted_in() -> None:
    hours = spread(2.5 * HOUR_SECONDS, 1.75 * HOUR_SECONDS, 7)
    assert [(one.hour, one.seconds, one.passes) for one in hours] == [
        (0, 900.0, 1),
        (1, 3600.0, 4),
        (2, 1800.0, 2),
    ]
    assert spread(100.0, 0.0, 3) == []
