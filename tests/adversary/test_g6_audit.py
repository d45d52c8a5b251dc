"""G6, at whoever audits: one altered byte in any file of a real ledger, and every lie of its operator, is seen.

The folder was made by a real ledger and both real custodians. What runs is the command ``blindplate audit verify``.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from blindplate.client.auditor import audit as audit_module
from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.findings import Finding
from blindplate.client.auditor.folder import FolderCheck
from blindplate.core.ledger.layout import entries_path, tile_path
from blindplate.core.parties import Custodian
from blindplate.core.statements.evaluations import EvaluationCounts
from tests.adversary.audit_command import Audited, audit
from tests.adversary.stolen_ledger import running_custodians
from tests.integration.ledger_site import party_key

SEEDS = (1, 2, 3)
# More than one tile, and partial ones of several widths.
STEPS = (200, 100, 7)


@dataclass(frozen=True, slots=True)
class Published:
    """A ledger's public folder, and the file of its keys."""

    folder: Path
    keys: Path

    @property
    def files(self) -> list[Path]:
        return sorted(path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """What real processes have published; they have stopped."""
    folder = tmp_path_factory.mktemp("published")
    with running_custodians(folder) as custodians:
        key, now = party_key(custodians.deployment, "custodian-a"), int(custodians.clock.now())
        made = 0
        for step in STEPS:
            counts = [
                EvaluationCounts(
                    custodian=Custodian.A,
                    day="2020-01-01",
                    grants=(),
                    zones=(),
                    subject_searches=0,
                    made_at=now - sum(STEPS) + made + number,
                ).statement(key)
                for number in range(step)
            ]
            made += step
            custodians.enter(*counts, by="custodian-a")
        deployment = custodians.deployment
    shutil.copytree(deployment.ledger, folder / "copy")
    return Published(folder / "copy", deployment.keys)


def verified(capsys: pytest.CaptureFixture[str], published: Published) -> Audited:
    return audit(capsys, "verify", published.folder, published.keys)


def test_as_it_was_published_it_is_green(published: Published, capsys: pytest.CaptureFixture[str]) -> None:
    audited = verified(capsys, published)
    assert (audited.status, "GREEN: no rule is broken" in audited.printed) == (0, True), audited.printed
    kinds = {path.parts[0] for path in published.files}
    assert kinds == {"checkpoint", "tile", "documents", "witnessed"}
    assert {path.parts[1] for path in published.files if path.parts[0] == "tile"} == {"0", "1", "entries"}


@pytest.mark.parametrize("seed", SEEDS)
def test_one_altered_byte_in_any_file_is_found(
    published: Published, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(seed)
    unseen: list[tuple[str, int]] = []
    for path in published.files:
        with altered(published.folder / path, chance) as at:
            if verified(capsys, published).status == 0:
                unseen.append((path.as_posix(), at))
    assert not unseen
    assert verified(capsys, published).status == 0


@contextmanager
def altered(file: Path, chance: random.Random) -> Generator[int]:
    """One byte of a file is another one, for as long as this lasts; gives which."""
    content = bytearray(file.read_bytes())
    at = chance.randrange(len(content))
    file.write_bytes(bytes([*content[:at], content[at] ^ chance.randrange(1, 256), *content[at + 1 :]]))
    try:
        yield at
    finally:
        file.write_bytes(content)


def test_without_the_tree_made_anew_an_altered_tile_passes(
    published: Published, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing(*_: object) -> None:
        """In the place of the comparison."""

    def unwalked(*_: object) -> Iterator[Finding]:
        yield from ()

    monkeypatch.setattr(audit_module, "compared", nothing)
    monkeypatch.setattr(FolderCheck, "run", unwalked)
    with altered(published.folder / tile_path(0, 0), random.Random(0)):
        assert verified(capsys, published).status == 0
    with altered(published.folder / entries_path(0), random.Random(0)):
        # The root still stands against what was entered.
        assert verified(capsys, published).status == 2
        monkeypatch.setattr(Audit, "_require_root", nothing)
        monkeypatch.setattr(Audit, "_judge", nothing)
        assert verified(capsys, published).status == 0
