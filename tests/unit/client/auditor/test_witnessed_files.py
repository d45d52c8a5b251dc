"""The checkpoints beside single entries in a ledger's folder: true ones are explained, every other is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindplate.client.auditor.findings import Finding, Kind
from blindplate.client.auditor.verify import verify
from blindplate.core.ledger.entries import passed_over
from blindplate.core.ledger.layout import witnessed_path
from tests.unit.client.auditor.ledgers import Ledger, audit_keys


def dated(folder: Path) -> tuple[Ledger, Path]:
    """An honest ledger with a record beside every entry that a replica keeps."""
    ledger = Ledger.begun()
    ledger.outcome(ledger.release())
    written = ledger.write(folder, sizes=[3, ledger.size])
    for index, entry in enumerate(ledger.entries):
        if not passed_over(entry):
            put(written, index, ledger.checkpoint(max(index + 1, 3)))
    return ledger, written


def put(folder: Path, index: int, content: bytes) -> Path:
    file = folder / witnessed_path(index)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def found(folder: Path) -> list[Finding]:
    return verify(str(folder), audit_keys()).findings


def test_true_records_are_explained(tmp_path: Path) -> None:
    _, folder = dated(tmp_path)
    assert found(folder) == []


def test_any_flipped_byte_of_a_record_is_found(tmp_path: Path) -> None:
    _, folder = dated(tmp_path)
    file = folder / witnessed_path(0)
    content = file.read_bytes()
    for offset in range(0, len(content), 97):
        altered = bytearray(content)
        altered[offset] ^= 1
        file.write_bytes(altered)
        assert [one.kind for one in found(folder)] == [Kind.FILE_ALTERED], offset


def test_a_checkpoint_of_another_history_is_found(tmp_path: Path) -> None:
    _, folder = dated(tmp_path / "one")
    other = Ledger.begun()
    other.end()
    other.batches(1)
    put(folder, 0, other.checkpoint())
    assert [one.kind for one in found(folder)] == [Kind.FILE_ALTERED]


def test_a_checkpoint_that_does_not_cover_its_entry_is_found(tmp_path: Path) -> None:
    ledger, folder = dated(tmp_path)
    last = max(index for index, entry in enumerate(ledger.entries) if not passed_over(entry))
    put(folder, last, ledger.checkpoint(last))
    assert [one.kind for one in found(folder)] == [Kind.FILE_UNEXPLAINED]


@pytest.mark.parametrize("index", [-1, 500])
def test_a_record_of_an_entry_that_has_none_is_found(tmp_path: Path, index: int) -> None:
    ledger, folder = dated(tmp_path)
    # The last entry is an outcome, which decides nothing; 500 is no entry at all.
    put(folder, index % ledger.size if index < 0 else index, ledger.checkpoint())
    assert [one.kind for one in found(folder)] == [Kind.FILE_UNEXPLAINED]
