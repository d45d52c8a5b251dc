"""The checkpoints beside single entries: true ones are explained and date entries, every other is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindplate.client.auditor.findings import Finding, Kind
from blindplate.client.auditor.verify import verify
from blindplate.core.errors import ForkError
from blindplate.core.ledger.checkpoints import Cosigner
from blindplate.core.ledger.entries import passed_over
from blindplate.core.ledger.layout import witnessed_path
from blindplate.core.ledger.notes import Note, NoteSignature
from blindplate.core.parties import Custodian
from blindplate.core.statements.grants import ReleaseMode, ReleasePolicy
from tests.unit.client.auditor.ledgers import (
    LOG,
    Ledger,
    audit_keys,
    grant,
    made,
    noted,
    violated,
)


@pytest.fixture
def ledger() -> Ledger:
    """An honest one whose last entry decides nothing."""
    begun = Ledger.begun()
    begun.outcome(begun.release())
    return begun


def put(folder: Path, index: int, content: bytes) -> Path:
    """Have this record beside an entry."""
    file = folder / witnessed_path(index)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def found(folder: Path) -> list[Finding]:
    """What a verification of the folder finds."""
    return verify(str(folder), audit_keys()).findings


def kinds(folder: Path) -> list[Kind]:
    """The kinds of it."""
    return [one.kind for one in found(folder)]


def test_true_records_are_explained(ledger: Ledger, tmp_path: Path) -> None:
    folder = ledger.write(tmp_path, sizes=[3, 5])
    assert (folder / witnessed_path(0)).exists()
    assert found(folder) == []


def test_any_flipped_byte_of_a_record_is_found(ledger: Ledger, tmp_path: Path) -> None:
    folder = ledger.write(tmp_path)
    file = folder / witnessed_path(0)
    content = file.read_bytes()
    for offset in range(0, len(content), 97):
        altered = bytearray(content)
        altered[offset] ^= 1
        file.write_bytes(altered)
        assert kinds(folder) == [Kind.FILE_ALTERED], offset


def test_a_record_of_another_history_that_all_signed_is_a_fork(ledger: Ledger, tmp_path: Path) -> None:
    folder = ledger.write(tmp_path)
    other = Ledger.begun()
    other.end()
    put(folder, 0, other.checkpoint())
    with pytest.raises(ForkError):
        verify(str(folder), audit_keys())


def test_two_records_of_one_size_and_different_roots_are_a_fork(ledger: Ledger, tmp_path: Path) -> None:
    folder = ledger.write(tmp_path)
    other = Ledger.begun()
    other.end()
    put(folder, 0, other.checkpoint())
    put(folder, 1, ledger.checkpoint(other.size))
    with pytest.raises(ForkError, match="two different histories"):
        verify(str(folder), audit_keys())


def test_a_record_that_does_not_cover_its_entry_is_found(ledger: Ledger, tmp_path: Path) -> None:
    last = max(index for index, entry in enumerate(ledger.entries) if not passed_over(entry))
    folder = ledger.write(tmp_path)
    put(folder, last, ledger.checkpoint(last))
    assert kinds(folder) == [Kind.FILE_ALTERED]


def test_a_record_that_one_custodian_did_not_sign_is_found(ledger: Ledger, tmp_path: Path) -> None:
    folder = ledger.write(tmp_path)
    note = Note.from_bytes((folder / witnessed_path(0)).read_bytes())
    put(folder, 0, Note(note.text, note.signatures[:4]).to_bytes())
    assert kinds(folder) == [Kind.FILE_ALTERED]


def test_a_record_that_a_stranger_signed_too_is_found(ledger: Ledger, tmp_path: Path) -> None:
    folder = ledger.write(tmp_path)
    note = Note.from_bytes((folder / witnessed_path(0)).read_bytes())
    stranger = Cosigner.from_seed("stranger.test", made("stranger")).keys[0]
    extra = NoteSignature(stranger.name, stranger.key_id, bytes(72))
    put(folder, 0, note.with_signatures([extra]).to_bytes())
    assert kinds(folder) == [Kind.FILE_ALTERED]


@pytest.mark.parametrize("index", [-1, 500])
def test_a_record_of_an_entry_that_has_none_is_found(ledger: Ledger, tmp_path: Path, index: int) -> None:
    # The last entry is an outcome, which decides nothing; 500 is no entry at all.
    folder = ledger.write(tmp_path)
    put(folder, index % ledger.size if index < 0 else index, ledger.checkpoint())
    assert kinds(folder) == [Kind.FILE_UNEXPLAINED]


def test_records_that_are_withheld_are_noted_once(ledger: Ledger, tmp_path: Path) -> None:
    folder = ledger.write(tmp_path)
    for index in (0, 1):
        (folder / witnessed_path(index)).unlink()
    assert kinds(folder) == [Kind.DATE_MISSING]
    assert "2 entries" in found(folder)[0].sentence


@pytest.mark.parametrize("own", [True, False])
def test_a_record_beside_an_entry_that_waits_is_held_against_the_tree(
    ledger: Ledger, tmp_path: Path, own: bool
) -> None:
    size = ledger.size
    ledger.request("waiting")
    ledger.batches(1)
    other = Ledger(entries=[*ledger.entries[:-1], ledger.entries[0]], now=ledger.now)
    folder = ledger.write(tmp_path, sizes=[size], witnessed=size)
    put(folder, size, (ledger if own else other).checkpoint())
    expected = [Kind.NOT_YET_WITNESSED] if own else [Kind.FILE_ALTERED, Kind.NOT_YET_WITNESSED]
    assert kinds(folder) == expected


def test_records_make_the_dates_of_grants_exact() -> None:
    """An amendment counts for everyone once its notice is over after both witnessed it, and nothing before it does."""
    lower = ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=5, officers=3)
    begun = Ledger.begun()
    for custodian in Custodian:
        begun.evaluations(custodian)
    begun.grant(grant(amendment=1, release=lower))
    begun.now += 30
    # Within the notice of a minute, two officers are enough.
    begun.release("before")
    assert violated(begun) == set()
    begun.now += 200
    begun.decide(Custodian.A, begun.request("after"))
    assert violated(begun) == {Kind.APPROVAL_OFFICERS}


def test_an_end_is_known_to_all_once_both_custodians_witnessed_it() -> None:
    ledger = Ledger.begun()
    request = ledger.request()
    ledger.end()
    ledger.now += 120
    ledger.decide(Custodian.A, request)
    assert (violated(ledger), noted(ledger)) == ({Kind.APPROVAL_NOT_IN_FORCE}, set())


def test_the_ledgers_own_signature_alone_dates_nothing(ledger: Ledger, tmp_path: Path) -> None:
    folder = ledger.write(tmp_path)
    note = Note.from_bytes((folder / witnessed_path(0)).read_bytes())
    own = tuple(one for one in note.signatures if one.name == LOG.keys[0].name)
    put(folder, 0, Note(note.text, own).to_bytes())
    assert kinds(folder) == [Kind.FILE_ALTERED]
