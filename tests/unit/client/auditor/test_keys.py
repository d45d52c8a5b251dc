"""The keys file: what is written is what is read, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindplate.client.auditor.keys import keys_file, read_keys
from blindplate.core.errors import SettingsError
from tests.unit.client.auditor.ledgers import audit_keys


def written(folder: Path) -> Path:
    """The keys of the test ledgers as a file."""
    keys = audit_keys()
    path = folder / "keys.toml"
    path.write_text(keys_file(keys.parties.parties(), keys.ledger))
    return path


def test_a_file_that_was_written_is_read_again(tmp_path: Path) -> None:
    assert read_keys(written(tmp_path)) == audit_keys()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[parties]", "[parties]\nextra = 1"),
        ("[ledger]", "[other]\n[ledger]"),
        ("[ledger]", "[ledgers]"),
        ('operator = "', 'operator = "00'),
        ("matcher = ", "matter = "),
        ("witness_b = [", 'witness_b = ["third", '),
        ("ledger.test/one+", "ledger.test/two+"),
        ("[parties]", "[parties"),
    ],
)
def test_a_key_that_is_missing_unknown_or_wrong_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = written(tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(SettingsError):
        read_keys(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        read_keys(tmp_path / "nowhere")
