"""Every public file of a ledger: any flipped byte is found, over any source, and no stray file is passed over."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.client.auditor.audit import Audit, fetch_checkpoint
from blindplate.client.auditor.findings import Kind, Severity
from blindplate.client.auditor.verify import verify
from blindplate.core.errors import BlindplateError, MessageError, NotFoundError
from blindplate.core.ledger.layout import CHECKPOINT, entries_path, tile_path
from tests.unit.client.auditor.ledgers import Ledger, MemorySource, audit_keys, findings, row


def long_ledger(entries: int = 300) -> Ledger:
    """An honest one that fills more than one bundle."""
    ledger = Ledger.begun()
    ledger.list_version(1, 10, 10)
    ledger.outcome(ledger.release())
    while ledger.size < entries - 1:
        ledger.batches(1)
    ledger.counts(row(received=5))
    return ledger


def fails(folder: Path) -> bool:
    """Whether a verification of the folder does not come out green."""
    try:
        return bool(verify(str(folder), audit_keys()).violations)
    except BlindplateError:
        return True


def test_an_honest_folder_is_green_with_all_its_superseded_files(tmp_path: Path) -> None:
    ledger = long_ledger()
    ledger.write(tmp_path, sizes=[5, 100, 256, 270])
    assert verify(str(tmp_path), audit_keys()).findings == []


def test_any_flipped_byte_of_any_file_is_found(tmp_path: Path) -> None:
    # Few entries, so that every file comes with many offsets; entries after the checkpoint, too.
    ledger = Ledger.begun()
    ledger.outcome(ledger.release())
    size = ledger.size
    ledger.batches(1)
    folder = ledger.write(tmp_path, sizes=[3, size], witnessed=size)
    chosen = random.Random(7)
    unnoticed: list[tuple[str, int]] = []
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        content = file.read_bytes()
        offsets = {0, len(content) - 1, *chosen.sample(range(len(content)), min(10, len(content)))}
        for offset in offsets:
            altered = bytearray(content)
            altered[offset] ^= 1 << chosen.randrange(8)
            file.write_bytes(altered)
            if not fails(folder):
                unnoticed.append((file.relative_to(folder).as_posix(), offset))
        file.write_bytes(content)
    assert unnoticed == []
    assert not fails(folder)


def test_any_flipped_byte_in_a_ledger_of_several_bundles_is_found(tmp_path: Path) -> None:
    folder = long_ledger().write(tmp_path, sizes=[100, 256])
    chosen = random.Random(8)
    for file in sorted(
        file for file in folder.rglob("*") if file.is_file() and "documents" not in file.parts
    ):
        content = file.read_bytes()
        offset = chosen.randrange(len(content))
        file.write_bytes(content[:offset] + bytes((content[offset] ^ 0x10,)) + content[offset + 1 :])
        assert fails(folder), file
        file.write_bytes(content)


def test_every_line_of_the_checkpoint_counts(tmp_path: Path) -> None:
    folder = Ledger.begun().write(tmp_path)
    content = (folder / CHECKPOINT).read_bytes()
    names = content.rindex(b"\n\n")
    for offset in (*range(names + 80), *range(names + 80, len(content), 37)):
        altered = bytearray(content)
        altered[offset] ^= 1 << (offset % 8)
        (folder / CHECKPOINT).write_bytes(altered)
        with pytest.raises(BlindplateError):
            verify(str(folder), audit_keys())


@settings(max_examples=25)
@given(data=st.data())
def test_any_flipped_byte_over_http_is_found_in_what_the_size_prescribes(data: st.DataObject) -> None:
    ledger = _LONG
    files = dict(_LONG_FILES)
    path = data.draw(st.sampled_from(sorted(files)))
    offset = data.draw(st.integers(0, len(files[path]) - 1))
    altered = bytearray(files[path])
    altered[offset] ^= 1 << data.draw(st.integers(0, 7))
    files[path] = bytes(altered)
    try:
        source = MemorySource(files)
        audit = Audit(source, audit_keys())
        audit.advance(fetch_checkpoint(source, audit_keys().ledger.keys()))
        assert audit.violations, (path, offset, ledger.size)
    except BlindplateError:
        pass


_LONG = long_ledger()
_LONG_FILES = _LONG.files()


@pytest.mark.parametrize("cut", [1, 40])
def test_a_file_that_is_cut_short_or_longer_is_found(tmp_path: Path, cut: int) -> None:
    folder = Ledger.begun().write(tmp_path, sizes=[3])
    for file in [file for file in folder.rglob("*") if file.is_file()]:
        content = file.read_bytes()
        file.write_bytes(content[:-cut])
        assert fails(folder), file
        file.write_bytes(content + bytes(cut))
        assert fails(folder), file
        file.write_bytes(content)


@pytest.mark.parametrize(
    "path",
    [
        "stray",
        "tile/0/001",
        "tile/0/000.p/9",
        "tile/0/000.p/09",
        "tile/0/000.p/256",
        "tile/1/000.p/1",
        "tile/00/000.p/1",
        "tile/entries/000.p/notes",
        "tile/entries/x000/000",
        "documents/" + 64 * "0",
        "documents/readme",
        ".checkpoint.tmp",
    ],
)
def test_a_file_that_no_such_ledger_has_is_found(tmp_path: Path, path: str) -> None:
    ledger = Ledger.begun()
    folder = ledger.write(tmp_path, sizes=[3])
    assert ledger.size == 7
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(bytes(32))
    assert {one.kind for one in verify(str(folder), audit_keys()).violations} <= {
        Kind.FILE_UNEXPLAINED,
        Kind.FILE_ALTERED,
    }
    assert fails(folder)


def test_a_prescribed_tile_that_is_not_there_is_found(tmp_path: Path) -> None:
    folder = long_ledger().write(tmp_path)
    for path in (tile_path(0, 0), tile_path(0, 1, 44), tile_path(1, 0, 1)):
        content = (folder / path).read_bytes()
        (folder / path).unlink()
        assert {one.kind for one in verify(str(folder), audit_keys()).violations} == {Kind.FILE_MISSING}
        (folder / path).write_bytes(content)


def test_entries_that_are_not_there_are_an_error_and_no_finding(tmp_path: Path) -> None:
    folder = long_ledger().write(tmp_path)
    (folder / entries_path(0)).unlink()
    with pytest.raises(NotFoundError):
        verify(str(folder), audit_keys())


def test_a_full_tile_and_bundle_stand_in_for_partial_ones_that_were_dropped(tmp_path: Path) -> None:
    ledger = long_ledger(256)
    folder = ledger.write(tmp_path, sizes=[200], witnessed=200)
    for path in (entries_path(0, 200), tile_path(0, 0, 200)):
        (folder / path).unlink()
    found = verify(str(folder), audit_keys()).findings
    assert [(one.kind, one.severity) for one in found] == [(Kind.NOT_YET_WITNESSED, Severity.NOTE)]


def test_entries_after_the_checkpoint_without_their_hashes_are_found(tmp_path: Path) -> None:
    ledger = long_ledger(256)
    folder = ledger.write(tmp_path, sizes=[200], witnessed=200)
    (folder / tile_path(0, 0)).unlink()
    assert {one.kind for one in verify(str(folder), audit_keys()).violations} == {Kind.FILE_MISSING}


def test_a_bundle_of_another_number_of_entries_than_its_path_says_is_refused() -> None:
    ledger = Ledger.begun()
    source = ledger.source()
    path = entries_path(0, ledger.size)
    source.files[path] = source.files[path] + b"\x00\x01x"
    with pytest.raises(MessageError):
        Audit(source, audit_keys()).advance(fetch_checkpoint(source, audit_keys().ledger.keys()))


def test_an_empty_ledger_is_green() -> None:
    assert findings(Ledger()) == []
