"""The ledger as the matcher follows it: only what both custodians witnessed, and no trouble undoes what is in force."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from blindplate.core.errors import (
    BlindplateError,
    ForkError,
    NotFoundError,
    RollbackError,
    SettingsError,
    UnwitnessedError,
)
from blindplate.core.ledger.checkpoints import Checkpoint, verify_checkpoint
from blindplate.core.ledger.layout import CHECKPOINT
from blindplate.core.merkle import root
from blindplate.edge.settings import LedgerAccess, LedgerKeysPart
from blindplate.server.matcher import following
from blindplate.server.matcher.following import FollowedLedger, follow
from blindplate.server.matcher.metrics import LEDGER_ALARMS
from tests.unit.core.ledger.entering import (
    DOCUMENT,
    END,
    GRANT,
    MADE,
    PARTIES,
    REGISTER_ENTRY,
    STRANGER,
    VERSION,
    entry_of,
    signed,
)
from tests.unit.core.ledger.samples import KEYS, LOG
from tests.unit.edge.ledger.publishing import Published


class SetClock:
    def now(self) -> float:
        return float(MADE)


@pytest.fixture
def published(tmp_path: Path) -> Published:
    """A ledger with the sample grant, cosigned by both."""
    ledger = Published(tmp_path / "public")
    ledger.document(DOCUMENT)
    ledger.append(entry_of(REGISTER_ENTRY), entry_of(GRANT))
    ledger.publish(MADE)
    return ledger


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def opened(published: Published) -> FollowedLedger:
    keys = LedgerKeysPart(
        origin=KEYS.origin,
        log=(KEYS.log[0].to_text(), KEYS.log[1].to_text()),
        **{
            f"witness_{custodian}": (first.to_text(), second.to_text())
            for custodian, (first, second) in KEYS.witnesses.items()
        },
    )
    access = LedgerAccess(address="127.0.0.1:1", url=str(published.folder), keys=keys)
    return follow(access, published.folder.parent / "data" / "ledger.sqlite", PARTIES, SetClock())


@pytest.fixture
def ledger(published: Published) -> Iterator[FollowedLedger]:
    with closing(opened(published)) as followed:
        followed.refresh()
        yield followed


def test_what_both_custodians_witnessed_comes_into_force(
    published: Published, ledger: FollowedLedger
) -> None:
    assert set(ledger.current.histories) == {"police-1"}
    published.append(entry_of(VERSION), entry_of(END))
    for a, b in ((MADE + 10, None), (None, MADE + 10)):
        published.write(CHECKPOINT, published.note(a=a, b=b).to_bytes())
        with pytest.raises(UnwitnessedError):
            ledger.refresh()
        assert ledger.current.version("police-1", 1) is None
    published.publish(MADE + 10, MADE + 12)
    ledger.refresh()
    version = ledger.current.version("police-1", 1)
    assert version is not None
    # The later of both: never before either custodian's own.
    assert version.witnessed_at == MADE + 12
    assert ledger.current.histories["police-1"].ended_at == MADE + 12


def test_what_was_read_is_in_force_after_a_restart_without_the_ledger(
    published: Published, ledger: FollowedLedger
) -> None:
    ledger.close()
    (published.folder / CHECKPOINT).unlink()
    with closing(opened(published)) as again:
        with pytest.raises(NotFoundError):
            again.refresh()
        assert set(again.current.histories) == {"police-1"}


def test_a_ledger_that_is_away_changes_nothing_and_is_said_once(
    published: Published, ledger: FollowedLedger
) -> None:
    checkpoint = (published.folder / CHECKPOINT).read_bytes()
    (published.folder / CHECKPOINT).unlink()
    before = ledger.current
    with capture_logs() as logs:
        for _ in range(3):
            ledger.look()
        published.write(CHECKPOINT, checkpoint)
        for _ in range(2):
            ledger.look()
    assert ledger.current is before
    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("ledger-not-read", "warning"),
        ("ledger-resumed", "info"),
    ]


@pytest.mark.parametrize(("size", "error"), [(2, ForkError), (3, ForkError), (1, RollbackError)])
def test_a_fork_and_a_rollback_are_alarms_and_keep_the_last_state(
    published: Published, ledger: FollowedLedger, tmp_path: Path, size: int, error: type[BlindplateError]
) -> None:
    """Both custodians cosign another history, or less of the same one."""
    before, alarms = ledger.current, LEDGER_ALARMS.labels(error.code)._value
    other = Published(tmp_path / "other")
    other.append(entry_of(REGISTER_ENTRY), entry_of(END), entry_of(VERSION))
    other.publish(MADE + 20, size=size)
    shutil.copytree(other.folder, published.folder, dirs_exist_ok=True)
    with pytest.raises(error):
        ledger.refresh()
    counted = alarms.get()
    with capture_logs() as logs:
        ledger.look()
        ledger.look()
    # Said once, counted each time.
    assert [(line["event"], line["log_level"]) for line in logs] == [("ledger-alarm", "error")]
    assert alarms.get() == counted + 2
    assert ledger.current is before


def test_what_no_one_foresaw_is_an_alarm_and_ends_nothing(
    ledger: FollowedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unforeseen() -> None:
        stop.set()
        raise KeyError("unforeseen")

    stop = threading.Event()
    monkeypatch.setattr(following, "_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(ledger._follower, "refresh", unforeseen)
    before = LEDGER_ALARMS.labels("unforeseen")._value.get()
    ledger.run(stop)
    assert LEDGER_ALARMS.labels("unforeseen")._value.get() == before + 1


def test_an_entry_that_should_not_be_there_is_reported_and_passed_over(
    published: Published, ledger: FollowedLedger
) -> None:
    published.append(signed(END, STRANGER), entry_of(VERSION))
    published.publish(MADE + 5)
    with capture_logs() as logs:
        ledger.refresh()
    [refused] = [line for line in logs if line["event"] == "entry-refused"]
    assert refused["index"] == 2
    assert ledger.current.histories["police-1"].ended_at is None
    assert ledger.current.version("police-1", 1) is not None


def test_an_address_that_is_none_stops_the_start(published: Published) -> None:
    published.folder = published.folder.with_name("none")
    with pytest.raises(SettingsError):
        opened(published)


def test_a_ledger_that_contradicts_a_receipt_is_alarmed_and_the_proof_is_kept(
    published: Published, ledger: FollowedLedger, tmp_path: Path
) -> None:
    acknowledged = Checkpoint(KEYS.origin, 3, root([*published.entries, b"dropped"]))
    receipt = LOG.sign(acknowledged, MADE).to_bytes()
    ledger.keep_receipt(verify_checkpoint(receipt, KEYS))
    before, alarms = ledger.current, LEDGER_ALARMS.labels(ForkError.code)._value
    count = alarms.get()
    published.append(entry_of(END))
    shown = published.publish(MADE + 10)
    # Also after a start.
    ledger.look()
    assert (ledger.current, alarms.get()) == (before, count + 1)
    ledger.close()
    with closing(opened(published)) as again, pytest.raises(ForkError):
        again.refresh()
    kept = {file.read_bytes() for file in (tmp_path / "data" / "evidence").glob("*.note")}
    assert {receipt, shown.note.to_bytes()} <= kept
