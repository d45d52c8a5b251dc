"""The checkpoints that a ledger's folder holds beside single entries: each cosigned, over its entry, of this ledger.

They date entries for whoever reads the ledger later (``edge.ledger.dating``). One that is missing is no finding: it can
only make its entry count later. Protocol section 7; docs/spec/ledger.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from blindplate.client.auditor.findings import Finding, Kind, Severity
from blindplate.core.errors import InputError, RefusedError, SecurityError
from blindplate.core.ledger.checkpoints import Checkpoint, LedgerKeys, verify_checkpoint
from blindplate.core.ledger.entries import passed_over
from blindplate.core.ledger.layout import WITNESSED, witnessed_path
from blindplate.core.ledger.tree import Frontier
from blindplate.edge.ledger.source import FolderSource


@dataclass(slots=True)
class WitnessedFiles:
    """The files of one folder, compared as its entries are read in order."""

    folder: Path
    keys: LedgerKeys
    _over: dict[str, Checkpoint] = field(default_factory=dict[str, Checkpoint])
    _expected: dict[str, int] = field(default_factory=dict[str, int])
    _frontier: Frontier = field(default_factory=Frontier.empty)

    def read(self, source: FolderSource) -> Iterator[Finding]:
        """Read all of them; a finding for each that is no cosigned checkpoint."""
        for file in sorted((self.folder / WITNESSED).rglob("*")):
            if not file.is_file():
                continue
            path = file.relative_to(self.folder).as_posix()
            try:
                signed = verify_checkpoint(source.get(path), self.keys)
                signed.require_both()
            except (InputError, SecurityError, RefusedError):
                yield _altered(path)
                continue
            self._over[path] = signed.checkpoint

    def grow(self, entries: Sequence[bytes], hashes: Sequence[bytes]) -> Iterator[Finding]:
        """Take the next entries and their leaf hashes; a finding for each checkpoint that is not of them."""
        start = self._frontier.size
        for index, entry in enumerate(entries, start=start):
            if not passed_over(entry):
                self._expected[witnessed_path(index)] = index
        end = start + len(hashes)
        for size in sorted({over.size for over in self._over.values() if start < over.size <= end}):
            self._frontier = self._frontier.appended(hashes[self._frontier.size - start : size - start])
            root = self._frontier.root()
            for path, over in self._over.items():
                if over.size == size and over.root != root:
                    yield _altered(path)
        self._frontier = self._frontier.appended(hashes[self._frontier.size - start :])

    def explains(self, path: str) -> bool:
        """Whether a file is the record of an entry that has one; what is wrong in it was said before."""
        index = self._expected.get(path)
        if index is None:
            return False
        over = self._over.get(path)
        return over is None or index < over.size <= self._frontier.size


def _altered(path: str) -> Finding:
    return Finding(
        None,
        Kind.FILE_ALTERED,
        Severity.VIOLATION,
        f"The public file {path} is no checkpoint that both custodians cosigned over that entry of this ledger.",
    )
