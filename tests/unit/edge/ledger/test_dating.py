"""When an entry was witnessed: from the record of cosigned checkpoints, never earlier than someone cosigned it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from blindplate.core.errors import SignatureError, UnwitnessedError
from blindplate.core.ledger.layout import witnessed_path
from blindplate.core.parties import Custodian
from blindplate.edge.ledger.dating import first_cosigned, first_witnessed
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
        first_witnessed(FolderSource(ledger.folder), KEYS, 3)


def test_a_record_that_one_custodian_cosigned_is_refused_and_is_that_ones_word(ledger: Published) -> None:
    record(ledger, 3, a=NOW, b=None)
    source = FolderSource(ledger.folder)
    with pytest.raises(UnwitnessedError):
        first_witnessed(source, KEYS, 3)
    assert first_cosigned(source, KEYS, 3, Custodian.A) == NOW
    assert first_cosigned(source, KEYS, 3, Custodian.B) is None


@pytest.mark.parametrize("content", [b"", b"nothing", bytes(100)])
def test_a_record_that_is_no_checkpoint_is_no_custodians_word(ledger: Published, content: bytes) -> None:
    ledger.write(witnessed_path(0), content)
    assert first_cosigned(FolderSource(ledger.folder), KEYS, 0, Custodian.A) is None


def test_a_record_with_a_bent_cosignature_is_refused(ledger: Published) -> None:
    note = ledger.note(a=NOW, b=NOW).to_bytes()
    lines = note.split(b"\n")
    lines[-2] = lines[-2][:-8] + (b"AAAA" if lines[-2][-8:-4] != b"AAAA" else b"BBBB") + lines[-2][-4:]
    ledger.write(witnessed_path(0), b"\n".join(lines))
    with pytest.raises(SignatureError):
        first_witnessed(FolderSource(ledger.folder), KEYS, 0)
