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
from blindplate.client.auditor.findings import Finding, Kind, Severity
from blindplate.client.auditor.judge import Judge
from blindplate.client.auditor.keys import AuditKeys
from blindplate.client.auditor.tree import GrowingTree
from blindplate.core.errors import (
    AuditError,
    ForkError,
    InputError,
    MessageError,
    NotFoundError,
    RollbackError,
    SecurityError,
    SignatureError,
)
from blindplate.core.ledger.bundles import decode_bundle
from blindplate.core.ledger.checkpoints import LedgerKeys, SignedCheckpoint, verify_checkpoint
from blindplate.core.ledger.entries import parse_document
from blindplate.core.ledger.layout import (
    CHECKPOINT,
    TILE_WIDTH,
    Tile,
    bundles_between,
    document_path,
    entries_path,
)
from blindplate.core.ledger.state import LedgerState
from blindplate.core.merkle import HASH_BYTES, leaf_hash
from blindplate.core.statements.cameras import RegisterEntry
from blindplate.edge.ledger.source import LedgerSource

Progress = Callable[[int, int], None]
_NONE_KNOWN: Final[Mapping[int, bytes]] = MappingProxyType({})
_REGISTER: Final = f'"{RegisterEntry.media_type()}"'.encode()


def silent(done: int, total: int) -> None:
    """No progress shown."""
    del done, total


class Audit:
    """What was read and found so far. Not safe to use from several threads."""

    def __init__(self, source: LedgerSource, keys: AuditKeys) -> None:
        self._source = source
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

    def require_green(self) -> None:
        """Raise AuditError, naming the first violation, unless there is none."""
        violations = self.violations
        if violations:
            raise AuditError(f"The ledger breaks {len(violations):,} rule(s). {violations[0].sentence}")

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
            self._read(bundle, roots)
            progress(self._tree.size, checkpoint.size)
        if checkpoint.size != (self._signed.checkpoint.size if self._signed else 0):
            for tile, content in self._tree.partial():
                self._compare(tile, content)
        self._signed = signed
        return self.findings[before:]

    def _read(self, bundle: Tile, roots: Mapping[int, bytes]) -> None:
        entries = fetch_bundle(self._source, bundle)
        hashes = [leaf_hash(entry) for entry in entries]
        first = bundle.index * TILE_WIDTH
        had = self._tree.size - first
        if had and self._tree.rows[0] != hashes[:had]:
            self._find(
                Kind.FILE_ALTERED, entries_path(bundle.index, bundle.width), "begins otherwise than before"
            )
        # A root that must be met in the middle of a bundle parts it.
        stops = sorted({size for size in roots if self._tree.size < size < first + len(entries)})
        for stop in (*stops, first + len(entries)):
            for tile, content in self._tree.append(hashes[self._tree.size - first : stop - first]):
                self._compare(tile, content)
            self._require_root(roots)
        for index, entry in enumerate(entries[had:], first + had):
            self._judge(index, entry)

    def _judge(self, index: int, entry: bytes) -> None:
        judged = self.judge.enter(index, entry, self._document(index, entry))
        self.findings += judged.findings
        if judged.model is not None:
            self.figures.hear(judged.model)

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
            self._find(Kind.FILE_MISSING, path, f"is named by entry {index}, but is not there")
        except (InputError, SecurityError) as error:
            self._find(Kind.FILE_ALTERED, path, f"is not the document that entry {index} names. {error.what}")
        else:
            return document
        return None

    def _compare(self, tile: Tile, content: bytes) -> None:
        """Hold a tile's file against what it must be; a full one stands in for a partial one."""
        try:
            found = self._source.get(tile.path)
        except NotFoundError:
            found = b""
            if tile.width < TILE_WIDTH:
                found = self._full_instead(tile)[: tile.width * HASH_BYTES]
            if not found:
                self._find(Kind.FILE_MISSING, tile.path, "has to be there and is not")
                return
        except MessageError:
            found = b""
        if not hmac.compare_digest(found, content):
            self._find(Kind.FILE_ALTERED, tile.path, "does not hold what follows from the entries")

    def _full_instead(self, tile: Tile) -> bytes:
        try:
            return self._source.get(Tile(tile.level, tile.index).path)
        except (NotFoundError, MessageError):
            return b""

    def _require_root(self, roots: Mapping[int, bytes]) -> None:
        expected = roots.get(self._tree.size)
        if expected is not None and not hmac.compare_digest(self._tree.frontier.root(), expected):
            altered = next((one for one in self.findings if one.kind is Kind.FILE_ALTERED), None)
            raise ForkError(
                f"The first {self._tree.size:,} entries are not those that the ledger and both custodians signed for."
                + (f" {altered.sentence}" if altered else "")
            )

    def _find(self, kind: Kind, path: str, what: str) -> None:
        self.findings.append(Finding(None, kind, Severity.VIOLATION, f"The public file {path} {what}."))


def fetch_checkpoint(source: LedgerSource, keys: LedgerKeys) -> SignedCheckpoint:
    """The ledger's checkpoint of now, signed by it and both custodians and by nobody else.

    Raises MessageError, SignatureError, UnwitnessedError; NotFoundError and UnavailableError when it cannot be had.
    """
    signed = verify_checkpoint(source.get(CHECKPOINT), keys)
    signed.require_both()
    pairs = (keys.log, *keys.witnesses.values())
    known = [key for pair in pairs for key in pair]
    if not all(any(one.is_by(key) for key in known) for one in signed.note.signatures):
        raise SignatureError(
            "The ledger's checkpoint bears a signature by a key that is not in the keys file.",
            "Get the deployment's current keys file from the custodians.",
        )
    return signed


def fetch_bundle(source: LedgerSource, bundle: Tile) -> list[bytes]:
    """The entries of a bundle, as many as it is wide. Raises MessageError, NotFoundError, UnavailableError."""
    try:
        entries = decode_bundle(source.get(entries_path(bundle.index, bundle.width)))
    except NotFoundError:
        if bundle.width == TILE_WIDTH:
            raise
        # The ledger has grown since its checkpoint was read, and keeps the full bundle alone.
        entries = decode_bundle(source.get(entries_path(bundle.index)))[: bundle.width]
    if len(entries) != bundle.width:
        raise MessageError("A bundle of the ledger does not hold as many entries as its path says.")
    return entries


def require_document(state: LedgerState, digest: bytes, document: bytes) -> None:
    """Check that ``document`` is the register of this digest with the operator's signature alone.

    Raises MessageError, EntryError or SignatureError.
    """
    state.open_document(digest, document)
    if len(parse_document(document).signatures) != 1:
        raise SignatureError("It bears signatures that nobody asked for.")
