"""What a camera tells the ledger: totals it signed, once changed, tried again, never in anybody's way."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from blindplate.client.camera.counts_report import CountsReport
from blindplate.client.camera.seal import CameraIdentity
from blindplate.client.camera.spool import Spool, SpoolItem
from blindplate.core.errors import BlindplateError, ProofError, UnavailableError
from blindplate.core.ledger.checkpoints import Checkpoint, LogSigner, SignedCheckpoint
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.cameras import CameraCounts, ListCount
from blindplate.edge.ledger.appender import EntryReceipt
from tests.unit.client.camera.samples import NOW, ZONE, MovedClock

KEY = SigningKey.from_seed(bytes(32))


class Ledger:
    """Takes entries, but for the first, which fail with the ``failures`` in turn."""

    def __init__(self, *failures: BlindplateError) -> None:
        self.failures = list(failures)
        self.entered: list[CameraCounts] = []
        self.attempts = 0

    def append(self, statements: Sequence[Statement]) -> list[EntryReceipt]:
        self.attempts += 1
        if self.failures:
            raise self.failures.pop(0)
        self.entered += [CameraCounts.verified(statement, [KEY.public]) for statement in statements]
        checkpoint = Checkpoint("ledger", len(self.entered), bytes(32))
        note = LogSigner.from_seed("ledger", bytes(32)).sign(checkpoint, 1)
        receipt = EntryReceipt(len(self.entered) - 1, SignedCheckpoint(checkpoint, note, {}, 1))
        return [receipt] * len(statements)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool.sqlite", limit=100)
    spool.count_from(NOW)
    yield spool
    spool.close()


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def report(spool: Spool, ledger: Ledger, seconds: float = 3600) -> CountsReport:
    camera = CameraIdentity("camera-1", KEY, 51.5, -0.1)
    return CountsReport(spool, ledger, camera, ZONE, seconds, MovedClock(NOW + 60))


def accept(spool: Spool, list_id: str, records: int) -> None:
    spool.add([SpoolItem(list_id, 0.0, b"wire") for _ in range(records)])
    numbers = [one.number for one in spool.due(NOW, 100, 1 << 20)]
    spool.remove(numbers, numbers)


def test_totals_are_entered_signed_with_the_cameras_key(spool: Spool) -> None:
    ledger = Ledger()
    accept(spool, "police", 3)
    accept(spool, "emissions", 2)
    assert report(spool, ledger).report()
    assert ledger.entered == [
        CameraCounts(
            camera_id="camera-1",
            zone=ZONE,
            since=int(NOW),
            accepted=(ListCount(list_id="emissions", records=2), ListCount(list_id="police", records=3)),
            made_at=int(NOW) + 60,
        )
    ]


def test_only_counts_that_have_changed_are_entered(spool: Spool) -> None:
    ledger = Ledger()
    one = report(spool, ledger)
    assert one.report()
    assert ledger.attempts == 0
    for records in (1, 0, 2):
        accept(spool, "police", records)
        assert one.report()
    assert [entry.accepted[0].records for entry in ledger.entered] == [1, 3]


def test_a_ledger_that_is_away_is_said_once_and_asked_again(spool: Spool) -> None:
    ledger = Ledger(*[UnavailableError("away")] * 3)
    accept(spool, "police", 1)
    one = report(spool, ledger)
    with capture_logs() as logs:
        assert [one.report() for _ in range(4)] == [False, False, False, True]
    assert [line["event"] for line in logs] == ["counts-not-entered"]
    assert len(ledger.entered) == 1


def test_a_ledger_that_does_not_prove_what_it_says_is_said_each_time(spool: Spool) -> None:
    ledger = Ledger(*[ProofError("false")] * 3)
    accept(spool, "police", 1)
    one = report(spool, ledger)
    with capture_logs() as logs:
        for _ in range(3):
            assert not one.report()
    assert len(logs) == 3


def test_what_was_accepted_last_is_entered_when_it_is_told_to_stop(spool: Spool) -> None:
    ledger = Ledger()
    stop = threading.Event()
    running = threading.Thread(target=report(spool, ledger).run, args=(stop,))
    accept(spool, "police", 1)
    running.start()
    for _ in range(200):
        if ledger.entered:
            break
        stop.wait(0.02)
    accept(spool, "police", 4)
    stop.set()
    running.join(5)
    assert not running.is_alive()
    assert [entry.accepted[0].records for entry in ledger.entered] == [1, 5]
