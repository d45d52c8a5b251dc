"""Absent owners, the backlog's bound, the bell, and secrets that stay in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from blindplate.core.domains import HOURLY
from blindplate.core.errors import OverloadedError
from blindplate.core.ledger.grants import Amendment, GrantHistory
from blindplate.core.records.wire import Wire
from blindplate.core.signing import SigningKey
from blindplate.server.matcher.absence import AbsenceAlarm
from blindplate.server.matcher.backlog import Backlog
from blindplate.server.matcher.bell import Bell
from blindplate.server.matcher.epochs import epoch_name
from blindplate.server.matcher.grants import Grants
from blindplate.server.matcher.match_secrets import MatchSecrets
from blindplate.server.matcher.window_keys import WindowKeys
from tests.unit.core.ledger.entering import DAY, GRANT, changed
from tests.unit.server.matcher.conftest import admitted

HOUR = 1_700_000_000 // 3600 * 3600
BEGINS = HOUR - 7200


@pytest.fixture(scope="module")
def grants() -> Grants:
    """One grant in force from some time before ``HOUR``, its epochs an hour long."""
    granted = changed(GRANT, not_before=BEGINS, not_after=BEGINS + 365 * DAY)
    return Grants({"police-1": GrantHistory("police-1", (Amendment(granted, 0, BEGINS - DAY),))})


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def alarms(alarm: AbsenceAlarm, grants: Grants, present: set[tuple[str, str]], now: float) -> list[bool]:
    with capture_logs() as logs:
        alarm.look(grants, present, now)
    return [entry["begun"] for entry in logs if entry["event"] == "owner-absent"]


def test_a_missing_epoch_is_reported_as_it_nears_and_as_it_begins_once_each(grants: Grants) -> None:
    alarm = AbsenceAlarm()
    here = {("police", epoch_name(HOURLY.at(HOUR)))}
    assert alarms(alarm, grants, here, HOUR + 1800) == []
    assert alarms(alarm, grants, here, HOUR + 3541) == [False]
    assert alarms(alarm, grants, here, HOUR + 3542) == []
    assert alarms(alarm, grants, here, HOUR + 3600) == [True]
    assert alarms(alarm, grants, here, HOUR + 3601) == []


def test_an_owner_that_uploaded_is_not_reported(grants: Grants) -> None:
    here = {("police", epoch_name(epoch)) for epoch in (HOURLY.at(HOUR), HOURLY.at(HOUR).next())}
    assert alarms(AbsenceAlarm(), grants, here, HOUR + 3599) == []


def test_nobody_is_missed_outside_a_grant(grants: Grants) -> None:
    grant = grants.history("police-1").latest
    alarm = AbsenceAlarm()
    assert alarms(alarm, grants, set(), grant.not_after) == []
    assert alarms(alarm, grants, set(), grant.not_before - 1) == []


def taken(backlog: Backlog, list_id: str, records: int) -> int:
    """How many of ``records`` were taken in."""
    with backlog.taking() as one_of:
        for number in range(records):
            try:
                one_of(list_id)
            except OverloadedError:
                return number
        return records


def test_the_backlog_counts_what_is_held_taken_and_coming() -> None:
    backlog = Backlog(10)
    backlog.set_held({"police": 4})
    with backlog.taking() as one_of:
        for _ in range(3):
            one_of("police")
        assert taken(backlog, "police", 4) == 3
    assert taken(backlog, "police", 1) == 0
    backlog.set_held({"police": 9})
    assert taken(backlog, "police", 2) == 1


def test_a_list_that_has_used_up_its_share_stops_no_other() -> None:
    backlog = Backlog(2)
    backlog.set_held({"police": 2})
    with backlog.taking() as one_of:
        with pytest.raises(OverloadedError):
            one_of("police")
        one_of("emissions")
    assert taken(backlog, "emissions", 2) == 1


def test_the_bell_wakes_who_waits_and_misses_no_ring() -> None:
    bell = Bell()
    before = bell.rings
    bell.ring()
    bell.wait_beyond(before, 60)
    threading.Timer(0.05, bell.ring).start()
    bell.wait_beyond(bell.rings, 60)
    bell.wait_beyond(bell.rings, 0.01)


def test_secrets_in_memory_are_bounded_and_never_shown(tmp_path: Path) -> None:
    secrets = MatchSecrets(WindowKeys(tmp_path, SigningKey.from_seed(bytes(32))), 2)
    for number in (1, 2, 3):
        secrets.put(number, (bytes([number]), b"canary"))
    assert secrets.missing([1, 2, 3]) == [1]
    opened = secrets.get([3, 2, 1], {})
    assert list(opened.pairs) == [3, 2]
    assert "canary" not in repr(opened)
    secrets.forget([2, 9])
    assert secrets.missing([2, 3]) == [2]


def test_an_envelope_that_does_not_open_is_named(tmp_path: Path) -> None:
    secrets = MatchSecrets(WindowKeys(tmp_path, SigningKey.from_seed(bytes(32))), 2)
    opened = secrets.get([7], {7: admitted().wire})
    assert (dict(opened.pairs), opened.unreadable) == ({}, [7])


def test_a_secret_forgotten_while_it_is_opened_is_not_remembered(tmp_path: Path) -> None:
    class Opening(WindowKeys):
        """The owner claims the first read, which another answer holds, while it is opened."""

        def open(self, wire: Wire) -> tuple[bytes, bytes]:
            secrets.forget([1])
            return wire.record.header.record_id, b"canary"

    secrets = MatchSecrets(Opening(tmp_path, SigningKey.from_seed(bytes(32))), 10)
    assert secrets.missing([1, 2]) == [1, 2]
    opened = secrets.get([1, 2], {2: admitted().wire, 1: admitted().wire})
    assert list(opened.pairs) == [1, 2]
    assert secrets.missing([1, 2]) == [1]
