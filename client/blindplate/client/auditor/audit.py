"""One audit of one ledger: every file read, every tile made anew, every entry judged.

Guarantees that what it says rests on a checkpoint that the ledger and both custodians signed, in both kinds of
signature, and on exactly the entries that this checkpoint covers. Believes nothing of the source. Raises where nothing
can be said at all (no such checkpoint, entries that do not have its root, a smaller or another ledger than before);
everything else is a finding. Can be continued as the ledger grows. Protocol section 7; docs/spec/audit.md.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from blindplate.client.auditor.figures import Figures
from blindplate.client.auditor.files import compared, fetch_bundle, require_document, wrong
from blindplate.client.auditor.findings import Finding, Kind, Severity
from blindplate.client.auditor.judge import Judge
from blindplate.client.auditor.keys import AuditKeys
from blindplate.client.auditor.tree import GrowingTree
from blindplate.client.auditor.witnessed import WRONG, WitnessRecords, add_root
from blindplate.core.errors import (
    ForkError,
    InputError,
    NotFoundError,
    RollbackError,
    SecurityError,
)
from blindplate.core.ledger.checkpoints import SignedCheckpoint
from blindplate.core.ledger.entries import passed_over
from blindplate.core.ledger.layout import (
    TILE_WIDTH,
    Tile,
    bundles_between,
    document_path,
    entries_path,
    witnessed_path,
)
from blindplate.core.merkle import leaf_hash
from blindplate.core.statements.cameras import RegisterEntry
from blindplate.core.statements.model import StatementModel
from blindplate.edge.ledger.source import LedgerSource

Progress = Callable[[int, int], None]
Hear = Callable[[int, StatementModel | None], None]
_NONE_KNOWN: Final[Mapping[int, bytes]] = MappingProxyType({})
_REGISTER: Final = f'"{RegisterEntry.media_type()}"'.encode()


def silent(done: int, total: int) -> None:
    """No progress shown."""
    del done, total


def unheard(index: int, model: StatementModel | None) -> None:
    """Nobody listens."""
    del index, model


class Audit:
    """What was read and found so far. Not safe to use from several threads."""

    def __init__(self, source: LedgerSource, keys: AuditKeys, hear: Hear = unheard) -> None:
        """``hear`` is told of every entry as it is judged, before the root that covers it is checked."""
        self._source = source
        self._hear = hear
        self._records = WitnessRecords(source, keys.ledger.keys())
        self._tree = GrowingTree()
        self._signed: SignedCheckpoint | None = None
        self.judge = Judge.of(keys.parties.parties(), 0)
        self.figures = Figures()
        self.findings: list[Finding] = []

    @property
    def signed(self) -> SignedCheckpoint:
        """The checkpoint everything up to now rests on. Raises RollbackError before the first."""
        if self._signed is None:
            raise RollbackError("No checkpoint of the ledger has been verified yet.")
        return self._signed

    @property
    def violations(self) -> Sequence[Finding]:
        """The findings that break a rule."""
        return [one for one in self.findings if one.severity is Severity.VIOLATION]

    def advance(
        self,
        signed: SignedCheckpoint,
        known: Mapping[int, bytes] = _NONE_KNOWN,
        progress: Progress = silent,
    ) -> Sequence[Finding]:
        """Read up to a checkpoint (of ``fetch_checkpoint``); what was found in what is new.

        ``known`` are roots by size that must be met on the way. Raises UnwitnessedError unless both cosigned it,
        RollbackError when it is behind what was read, ForkError when entries and checkpoints contradict each other,
        MessageError, NotFoundError and UnavailableError when a file that everything rests on cannot be had. An audit
        that raised is over: begin another.
        """
        checkpoint = signed.checkpoint
        if checkpoint.size < self._tree.size or (known and checkpoint.size < max(known)):
            raise RollbackError(
                f"The ledger shows {checkpoint.size:,} entries, fewer than it has shown before."
            )
        roots = {**known, checkpoint.size: checkpoint.root}
        if self._signed is not None:
            roots.setdefault(self._signed.checkpoint.size, self._signed.checkpoint.root)
        if not hmac.compare_digest(known.get(checkpoint.size, checkpoint.root), checkpoint.root):
            raise ForkError("The ledger shows another history than before: one size, two roots.")
        self.judge.time.witnessed_at = signed.require_both()
        before = len(self.findings)
        self._require_root(roots)
        for bundle in bundles_between(self._tree.size, checkpoint.size):
            self._read(bundle, checkpoint.size, roots)
            progress(self._tree.size, checkpoint.size)
        if checkpoint.size != (self._signed.checkpoint.size if self._signed else 0):
            for tile, content in self._tree.partial():
                self._compare(tile, content)
        self._note_missing()
        self.findings += self.judge.closing()
        self._signed = signed
        return self.findings[before:]

    def _read(self, bundle: Tile, size: int, roots: dict[int, bytes]) -> None:
        """Read a bundle of a ledger of ``size`` entries; ``roots`` gain those of the records beside its entries."""
        entries = fetch_bundle(self._source, bundle)
        hashes = [leaf_hash(entry) for entry in entries]
        first = bundle.index * TILE_WIDTH
        had = self._tree.size - first
        if had and self._tree.begun != b"".join(hashes[:had]):
            path = entries_path(bundle.index, bundle.width)
            self.findings.append(wrong(Kind.FILE_ALTERED, path, "begins otherwise than it did before"))
        dates = self._dates(entries[had:], first + had, size, roots)
        # A root that must be met in the middle of a bundle parts it.
        stops = sorted({size for size in roots if self._tree.size < size < first + len(entries)})
        for stop in (*stops, first + len(entries)):
            for tile, content in self._tree.append(hashes[self._tree.size - first : stop - first]):
                self._compare(tile, content)
            self._require_root(roots)
        for index, entry in enumerate(entries[had:], first + had):
            self._judge(index, entry, dates.get(index))

    def _dates(
        self, entries: Sequence[bytes], first: int, size: int, roots: dict[int, bytes]
    ) -> dict[int, int]:
        """When both custodians had witnessed each of the ``entries`` that decide something, at the latest."""
        dates: dict[int, int] = {}
        for index, entry in enumerate(entries, first):
            if passed_over(entry):
                continue
            try:
                record = self._records.read(index, size)
            except WRONG:
                what = "is no checkpoint that both custodians signed first over that entry"
                self.findings.append(wrong(Kind.FILE_ALTERED, witnessed_path(index), what))
                continue
            if record is not None:
                add_root(roots, record.checkpoint)
                dates[index] = record.require_both()
        return dates

    def _judge(self, index: int, entry: bytes, witnessed_at: int | None) -> None:
        judged = self.judge.enter(index, entry, self._document(index, entry), witnessed_at)
        self.findings += judged.findings
        if judged.model is not None:
            self.figures.hear(judged.model, self.judge.matching.last)
        self._hear(index, judged.model)

    def _document(self, index: int, entry: bytes) -> bytes | None:
        """The document that a register's entry names; one that is missing or altered is found, and not given."""
        if _REGISTER not in entry:
            return None
        digest = self.judge.state.document_named(entry)
        if digest is None:
            return None
        path = document_path(digest)
        try:
            document = self._source.get(path)
            require_document(self.judge.state, digest, document)
        except NotFoundError:
            self.findings.append(
                wrong(Kind.FILE_MISSING, path, f"is named by entry {index}, but is not there")
            )
        except (InputError, SecurityError):
            self.findings.append(
                wrong(Kind.FILE_ALTERED, path, f"is not the register that entry {index} names")
            )
        else:
            return document
        return None

    def _compare(self, tile: Tile, content: bytes) -> None:
        finding = compared(self._source, tile, content)
        if finding is not None:
            self.findings.append(finding)

    def _note_missing(self) -> None:
        if not self._records.missing:
            return
        sentence = (
            f"The ledger keeps no record of when {self._records.missing:,} entries were witnessed: they are taken to have "
            "counted from a later time than they may have."
        )
        self.findings.append(Finding(None, Kind.DATE_MISSING, Severity.NOTE, sentence))
        self._records.missing = 0

    def _require_root(self, roots: Mapping[int, bytes]) -> None:
        expected = roots.get(self._tree.size)
        if expected is not None and not hmac.compare_digest(self._tree.frontier.root(), expected):
            altered = next((one for one in self.findings if one.kind is Kind.FILE_ALTERED), None)
            raise ForkError(
                f"The first {self._tree.size:,} entries are not those that the ledger and both custodians signed for."
                + (f" {altered.sentence}" if altered else "")
            )
