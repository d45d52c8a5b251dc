"""The check of everything: a sound ledger has no defects, and each defect is found where it is."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from blindplate.core.errors import SettingsError, StorageError
from blindplate.core.ledger.entries import document_digest, entry_bytes, parse_document
from blindplate.core.merkle import leaf_hash
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.core.statements.matching import MatcherCounts
from blindplate.server.ledger.fsck import HEAD, Defect, fsck
from tests.unit.server.ledger.site import Site, append, cosigned, damage, entries, entry, sign
from tests.unit.server.ledger.statements import register

SIZE = 530
WITNESSED = 400


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with a document, three bundles, a checkpoint older than the head, and entries that still wait."""
    site = Site(tmp_path_factory.mktemp("template"))
    storage = site.create()
    inner, document = register("inner")
    digest = document_digest(parse_document(document))
    storage.append([inner], [leaf_hash(inner)], {digest: document}, [0], sign)
    append(storage, entries(WITNESSED - 1))
    storage.replace_checkpoint(cosigned(storage.publish()))
    append(storage, entries(SIZE - WITNESSED, WITNESSED))
    storage.publish()
    append(storage, entries(7, 2_000))
    site.kill()
    return site.folder


@pytest.fixture
def site(template: Path, tmp_path: Path) -> Site:
    shutil.copytree(template, tmp_path / "ledger")
    return Site(tmp_path / "ledger")


def found(site: Site) -> list[str]:
    return sorted({defect.path for defect in fsck(site.settings())})


def test_a_sound_ledger_has_no_defects(site: Site) -> None:
    told: list[tuple[int, int]] = []
    assert fsck(site.settings(), lambda done, of: told.append((done, of))) == []
    assert told[-1] == (SIZE + 7, SIZE + 7)
    before = {path: path.read_bytes() for path in site.public.rglob("*") if path.is_file()}
    assert {path: path.read_bytes() for path in before} == before


def test_an_empty_ledger_has_no_defects(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.create()
    site.kill()
    assert fsck(site.settings()) == []


def test_a_flipped_byte_of_any_public_file_is_found(site: Site) -> None:
    rng = Random("flipped bytes 1")
    files = sorted(path for path in site.public.rglob("*") if path.is_file())
    assert len(files) > 10
    for path in files:
        at = rng.randrange(path.stat().st_size)
        damage(path, at)
        assert path.relative_to(site.public).as_posix() in found(site)
        damage(path, at)
    assert found(site) == []


@pytest.mark.parametrize(
    "missing",
    [
        "tile/0/000",
        "tile/0/002.p/18",
        "tile/1/000.p/2",
        "tile/entries/001",
        "tile/entries/002.p/18",
    ],
)
def test_a_missing_file_is_found(site: Site, missing: str) -> None:
    (site.public / missing).unlink()
    assert missing in found(site)


def test_a_missing_document_is_found(site: Site) -> None:
    [document] = (site.public / "documents").iterdir()
    document.unlink()
    assert f"documents/{document.name}" in found(site)


@pytest.mark.parametrize("cut", ["tile/0/000", "tile/entries/001", "tile/1/000.p/2"])
def test_a_file_cut_short_is_found(site: Site, cut: str) -> None:
    content = (site.public / cut).read_bytes()
    (site.public / cut).write_bytes(content[:-40])
    assert cut in found(site)


@pytest.mark.parametrize(
    "stranger", ["tile/entries/009", "documents/" + "0" * 64, "notes.txt", "tile/0/002.p/300"]
)
def test_a_file_of_no_ledger_is_found(site: Site, stranger: str) -> None:
    (site.public / stranger).write_bytes(b"x")
    assert found(site) == [stranger]


def test_a_partial_tile_that_an_older_checkpoint_needs_is_missed(site: Site) -> None:
    shutil.rmtree(site.public / "tile/0/001.p")
    (site.public / "tile/0/001").rename(site.public / "moved")
    assert {"tile/0/001", "tile/0/001.p/144", "moved"} <= set(found(site))


def test_a_checkpoint_with_one_cosignature_is_found(site: Site) -> None:
    storage = site.open()
    (site.public / "checkpoint").write_bytes(cosigned(storage.head, by=[Custodian.A]))
    site.kill()
    assert found(site) == ["checkpoint"]


def test_a_checkpoint_of_another_history_is_found(site: Site) -> None:
    other = Site(site.folder / "other")
    storage = other.create()
    append(storage, entries(300, 10_000))
    (site.public / "checkpoint").write_bytes(cosigned(storage.head))
    other.kill()
    assert fsck(site.settings()) == [Defect("checkpoint", "It is not of these entries.")]


def test_a_checkpoint_of_more_than_is_public_is_found(site: Site) -> None:
    storage = site.open()
    append(storage, entries(5, 20_000))
    (site.public / "checkpoint").write_bytes(cosigned(storage.head))
    site.kill()
    assert found(site) == ["checkpoint"]


def test_an_entry_that_its_kind_forbids_is_found(site: Site) -> None:
    """The ledger's own machine put it in, past every check."""
    forged = MatcherCounts(since=1, records=(), refused_claims=0, made_at=5).statement(SigningKey.generate())
    storage = site.open()
    append(storage, [entry_bytes(forged)])
    storage.publish()
    site.kill()
    [defect] = fsck(site.settings())
    assert (defect.path, f"Entry {SIZE + 7}" in defect.what) == ("tile/entries/002.p/26", True)


def test_an_entry_that_stands_twice_is_found(site: Site) -> None:
    storage = site.open()
    append(storage, [entry(3)])
    storage.publish()
    site.kill()
    assert found(site) == [HEAD]


HEAD_EDITS: dict[str, Callable[[sqlite3.Connection], object]] = {
    "an index without an entry": lambda head: head.execute("DELETE FROM leaves WHERE entry = 5"),
    "an index that leads elsewhere": lambda head: head.execute("UPDATE leaves SET entry = 6 WHERE entry = 5"),
    "an index of more than is public": lambda head: head.execute("INSERT INTO leaves VALUES (1, 9999)"),
    "an entry not kept at hand": lambda head: head.execute("DELETE FROM kept"),
    "another entry kept at hand": lambda head: head.execute("UPDATE kept SET content = x'00'"),
    "another note": lambda head: head.execute("UPDATE head SET note = x'00'"),
    "less said to be public": lambda head: head.execute("UPDATE head SET published = 300"),
    "entries that do not wait any more": lambda head: head.execute("DELETE FROM pending"),
}


@pytest.mark.parametrize("edit", HEAD_EDITS)
def test_a_head_that_disagrees_is_found(site: Site, edit: str) -> None:
    with closing(sqlite3.connect(site.head)) as head, head:
        HEAD_EDITS[edit](head)
    assert HEAD in found(site)


def test_waiting_entries_cut_short_are_found(site: Site) -> None:
    with closing(sqlite3.connect(site.head)) as head, head:
        head.execute("UPDATE pending SET entries = substr(entries, 1, 100)")
    assert found(site) == [HEAD]


def test_a_running_ledger_is_not_checked(site: Site) -> None:
    site.open()
    with pytest.raises(StorageError, match="Another process"):
        fsck(site.settings())
    site.kill()


def test_a_ledger_without_a_head_cannot_be_checked(site: Site) -> None:
    site.head.unlink()
    with pytest.raises(SettingsError):
        fsck(site.settings())
