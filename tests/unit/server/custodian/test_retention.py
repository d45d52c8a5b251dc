"""A custodian's daily check finds what a broken keeper leaves, and nothing while all is in order."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from blindplate.core.errors import StorageError
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.core.statements.announced_keys import ReleaseKey
from blindplate.edge.keyfiles import read_statement
from blindplate.server.custodian import retention
from blindplate.server.custodian.decision import State
from blindplate.server.custodian.release_keys import ReleaseKeys
from blindplate.server.custodian.retention import TOLERANCE_SECONDS, Place, RetentionCheck
from blindplate.server.custodian.storage import writing
from blindplate.server.custodian.tables import CANDIDATES, REQUESTS

DAY = 86_400
NOW = 1_800_000_000.0
LATE = TOLERANCE_SECONDS + 1
SIGNER = SigningKey.from_seed(b"a" * 32)
PLATE = b"AB12CDE" * 500


@pytest.fixture
def checks(engine: Engine, tmp_path: Path) -> RetentionCheck:
    return RetentionCheck(tmp_path, engine, threading.Event(), 365)


@pytest.fixture
def keys(tmp_path: Path) -> ReleaseKeys:
    """Keys in use, made at ``NOW`` for records kept a day."""
    keys = ReleaseKeys(tmp_path / "release-keys", Custodian.A, SIGNER, DAY)
    keys.maintain(NOW, DAY)
    return keys


def overdue(checks: RetentionCheck, now: float) -> dict[Place, int]:
    return {one.place: one.overdue for one in checks.check(now) if one.overdue}


def put_request(engine: Engine, state: State, expires_at: float, **values: object) -> None:
    with writing(engine) as connection:
        row = {
            "request_id": b"q" * 32,
            "grant_id": "police-1",
            "requester": "spiffe://test/owner/police",
            "statement": b"",
            "submitted_at": int(NOW),
            "expires_at": int(expires_at),
            "state": state,
        }
        connection.execute(insert(REQUESTS).values(row | values))


def test_a_custodian_in_order_has_nothing_overdue(checks: RetentionCheck, keys: ReleaseKeys) -> None:
    assert overdue(checks, NOW) == {}
    for moment in (NOW + 3 * DAY, NOW + 9 * DAY):
        keys.maintain(moment, DAY)
        assert overdue(checks, moment + LATE) == {}


def test_a_release_key_past_its_end_is_found(checks: RetentionCheck, keys: ReleaseKeys) -> None:
    ends = max(keys_end(path) for path in (checks._data / "release-keys").glob("*.json"))
    assert overdue(checks, ends - DAY) == {}
    assert overdue(checks, ends + LATE)[Place.RELEASE_KEYS] == 2
    assert keys.destroyed(ends)


def keys_end(path: Path) -> int:
    return ReleaseKey.parsed(read_statement(path).payload).destroyed_at


def test_a_copy_of_a_key_beside_it_is_found(checks: RetentionCheck, keys: ReleaseKeys) -> None:
    copy = checks._data / "release-keys" / "backup.seed"
    copy.write_bytes(b"k" * 32)
    os.utime(copy, (NOW, NOW))
    keys.maintain(NOW, DAY)
    assert overdue(checks, NOW + LATE) == {Place.RELEASE_KEYS: 1}


def test_a_months_key_beyond_its_retention_is_found(checks: RetentionCheck, tmp_path: Path) -> None:
    folder = tmp_path / "subject-keys"
    folder.mkdir()
    (folder / "2025-12.key").write_bytes(b"k" * 32)
    # The first of January 2026, and a year.
    ends = 1_767_225_600 + 365 * DAY
    assert overdue(checks, ends) == {}
    assert overdue(checks, ends + LATE) == {Place.SUBJECT_KEYS: 1}


def test_a_request_that_was_not_decided_in_its_time_is_found(checks: RetentionCheck, engine: Engine) -> None:
    put_request(engine, State.PENDING, NOW)
    assert overdue(checks, NOW) == {}
    assert overdue(checks, NOW + LATE) == {Place.REQUESTS: 1}


def test_what_a_decided_request_came_with_is_found(checks: RetentionCheck, engine: Engine) -> None:
    put_request(engine, State.DENIED, NOW)
    with writing(engine) as connection:
        connection.execute(insert(CANDIDATES).values(request_id=b"q" * 32, candidates=PLATE))
    assert overdue(checks, NOW + LATE) == {Place.CANDIDATES: 1}


def test_an_answer_of_a_key_that_is_gone_is_found(
    checks: RetentionCheck, engine: Engine, keys: ReleaseKeys
) -> None:
    (name, *_) = sorted((checks._data / "release-keys").glob("*.json"))
    reply = {"release_key_id": bytes.fromhex(name.stem), "sealed_reply": b"share"}
    put_request(engine, State.APPROVED, NOW, **reply)
    ends = keys_end(name)
    keys.maintain(ends + LATE, DAY)
    assert overdue(checks, ends) == {}
    assert overdue(checks, ends + LATE) == {Place.REPLIES: 1}


def test_freed_pages_that_were_not_overwritten_are_found(checks: RetentionCheck, engine: Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("PRAGMA secure_delete=OFF")
        connection.exec_driver_sql("CREATE TABLE left_behind (x)")
        connection.exec_driver_sql("INSERT INTO left_behind VALUES (?)", (PLATE * 10,))
    raw = sqlite3.connect(engine.url.database or "")
    raw.execute("PRAGMA secure_delete=OFF")
    raw.execute("DROP TABLE left_behind")
    raw.commit()
    raw.close()
    assert overdue(checks, NOW)[Place.FREE_PAGES] > 0


def test_a_log_that_is_not_emptied_is_found_in_time(engine: Engine, tmp_path: Path) -> None:
    left = threading.Event()
    checks = RetentionCheck(tmp_path, engine, left, 365)
    checks.daily(NOW)
    left.set()
    checks.daily(NOW + 60)
    assert overdue(checks, NOW + TOLERANCE_SECONDS) == {}
    assert overdue(checks, NOW + LATE) == {Place.LOG: 1}
    left.clear()
    checks.daily(NOW + LATE)
    assert overdue(checks, NOW + LATE) == {}


def test_it_is_made_once_a_day_and_told_by_place_alone(
    checks: RetentionCheck, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    put_request(engine, State.PENDING, NOW - DAY)
    for moment in (NOW, NOW + 1, NOW + 60):
        checks.daily(moment)
    said = capsys.readouterr()
    assert (said.out + said.err).count("retention-overdue") == 1
    assert (b"q" * 32).hex() not in said.out + said.err
    assert retention.OVERDUE.labels(Place.REQUESTS)._value.get() == 1
    checks.daily(NOW + DAY)
    assert "retention-overdue" in "".join(capsys.readouterr())


def test_one_that_fails_keeps_nothing_else_and_is_made_again(
    checks: RetentionCheck,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(_path: Path) -> int:
        raise StorageError("Broken.")

    put_request(engine, State.PENDING, NOW - DAY)
    with monkeypatch.context() as patched:
        patched.setattr(retention, "remains", broken)
        checks.daily(NOW)
    checks.daily(NOW + 59)
    assert "retention-overdue" not in "".join(capsys.readouterr())
    checks.daily(NOW + 60)
    assert "retention-overdue" in "".join(capsys.readouterr())
