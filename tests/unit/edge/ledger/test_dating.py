"""When an entry was witnessed: from the record of cosigned checkpoints, never earlier than someone cosigned it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from blindplate.core.errors import SignatureError, UnwitnessedError
from blindplate.core.ledger.layout import WITNESSED, witnessed_path
from blindplate.core.parties import Custodian
from blindplate.edge.ledger.dating import WitnessRecord
from blindplate.edge.ledger.follower import Follower
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import FolderSource
from tests.unit.core.ledger.entering import DOCUMENT, EVERY_KIND, GRANT, PARTIES, entry_of
from tests.unit.core.ledger.samples import KEYS, NOW
from tests.unit.edge.ledger.publishing import Published

SAMPLES = [entry_of(model) for model, _ in EVERY_KIND]


class SetClock:
    """A clock that stands still."""

    def now(self) -> float:
        return float(NOW)


@pytest.fixture
def ledger(tmp_path: Path) -> Published:
    made = Published(tmp_path / "ledger")
    made.document(DOCUMENT)
    made.append(*SAMPLES)
    return made


def record(ledger: Published, index: int, *, a: int | None, b: int | None, size: int | None = None) -> None:
    note = ledger.note(a=a, b=b, size=size)
    ledger.write(witnessed_path(index), note.to_bytes())


def begun(ledger: Published, folder: Path) -> int:
    """When a party that reads the ledger for the first time says that the grant was witnessed."""
    source = FolderSource(ledger.folder)
    with closing(Replica(folder / "replica.db", KEYS, PARTIES)) as replica:
        Follower(replica, source, KEYS, SetClock()).refresh()
        return replica.state.grants[GRANT.grant_id].amendments[0].witnessed_at


def test_who_reads_late_learns_when_an_entry_was_first_witnessed(ledger: Published, tmp_path: Path) -> None:
    ledger.publish(NOW, NOW + 5)
    for index in range(len(SAMPLES)):
        record(ledger, index, a=NOW - 1_000, b=NOW - 990)
    assert begun(ledger, tmp_path) == NOW - 990


def test_without_a_record_it_counts_from_the_checkpoint_it_is_read_under(
    ledger: Published, tmp_path: Path
) -> None:
    ledger.publish(NOW, NOW + 5)
    assert begun(ledger, tmp_path) == NOW + 5


def test_a_record_of_later_makes_nothing_count_later(ledger: Published, tmp_path: Path) -> None:
    ledger.publish(NOW, NOW + 5)
    for index in range(len(SAMPLES)):
        record(ledger, index, a=NOW + 100, b=NOW + 100)
    assert begun(ledger, tmp_path) == NOW + 5


def test_a_record_of_a_ledger_without_the_entry_is_refused(ledger: Published) -> None:
    record(ledger, 3, a=NOW, b=NOW, size=3)
    with pytest.raises(SignatureError):
        WitnessRecord(FolderSource(ledger.folder), KEYS).witnessed(3)


def test_a_record_that_one_custodian_cosigned_is_refused_and_is_that_ones_word(ledger: Published) -> None:
    record(ledger, 3, a=NOW, b=None)
    kept = WitnessRecord(FolderSource(ledger.folder), KEYS)
    with pytest.raises(UnwitnessedError):
        kept.witnessed(3)
    assert kept.cosigned(3, Custodian.A) == NOW
    assert kept.cosigned(3, Custodian.B) is None


@pytest.mark.parametrize("content", [b"", b"nothing", bytes(100)])
def test_a_record_that_is_no_checkpoint_is_no_custodians_word(ledger: Published, content: bytes) -> None:
    ledger.write(witnessed_path(0), content)
    assert WitnessRecord(FolderSource(ledger.folder), KEYS).cosigned(0, Custodian.A) is None


def test_a_record_with_a_bent_cosignature_is_refused(ledger: Published) -> None:
    note = ledger.note(a=NOW, b=NOW).to_bytes()
    lines = note.split(b"\n")
    lines[-2] = lines[-2][:-8] + (b"AAAA" if lines[-2][-8:-4] != b"AAAA" else b"BBBB") + lines[-2][-4:]
    ledger.write(witnessed_path(0), b"\n".join(lines))
    with pytest.raises(SignatureError):
        WitnessRecord(FolderSource(ledger.folder), KEYS).witnessed(0)


class Counting:
    """A source that notes which files of the record it was asked for."""

    def __init__(self, ledger: Published) -> None:
        self.source = FolderSource(ledger.folder)
        self.asked: list[str] = []

    def get(self, path: str) -> bytes:
        if path.startswith(WITNESSED):
            self.asked.append(path)
        return self.source.get(path)


def test_one_file_stands_for_all_entries_it_is_the_first_over(ledger: Published, tmp_path: Path) -> None:
    ledger.publish(NOW, NOW)
    size = len(SAMPLES)
    ends = [1, 2, size // 2, size]
    for index in range(size):
        number = next(at for at, end in enumerate(ends) if index < end)
        record(ledger, index, a=NOW - 100 + number, b=NOW - 90 + number, size=ends[number])
    counting = Counting(ledger)
    kept = WitnessRecord(counting, KEYS)
    alone = [WitnessRecord(counting.source, KEYS).witnessed(index) for index in range(size)]
    assert [kept.witnessed(index) for index in range(size)] == alone
    assert counting.asked == [witnessed_path(start) for start in (0, 1, 2, size // 2)]
    assert begun(ledger, tmp_path) == alone[SAMPLES.index(entry_of(GRANT))]


def test_who_reads_a_long_ledger_anew_asks_once_for_every_checkpoint(
    ledger: Published, tmp_path: Path
) -> None:
    ledger.publish(NOW, NOW)
    for index in range(len(SAMPLES)):
        record(ledger, index, a=NOW - 10, b=NOW - 10)
    counting = Counting(ledger)
    with closing(Replica(tmp_path / "replica.db", KEYS, PARTIES)) as replica:
        Follower(replica, counting, KEYS, SetClock()).refresh()
    assert len(counting.asked) == 1


def test_a_file_that_is_missing_stands_for_nothing(ledger: Published) -> None:
    record(ledger, 4, a=NOW, b=NOW, size=6)
    counting = Counting(ledger)
    kept = WitnessRecord(counting, KEYS)
    assert [kept.witnessed(index) for index in range(3, 7)] == [None, NOW, NOW, None]
    assert [kept.cosigned(index, Custodian.A) for index in (4, 3)] == [NOW, None]
    assert counting.asked == [witnessed_path(index) for index in (3, 4, 6, 4, 3)]
