"""The ledger's storage: private head, public files and the tree's right edge as one.

An append is durable once the head moved: its entries lie in the head's file until ``publish`` has written them to the
public files and synced those. So a crash at any point is repaired by publishing again, which writes the same bytes.
Guarantees that a head that moved is never taken back; that after an error nothing is appended before everything was
read anew from disk; and that it does not open on files that lag behind its head, or run ahead of it: then one of the
two was replaced by an older copy. Tiles before the right edge are not read at start: ``fsck`` does that.
Safe for several threads; ``publish`` for one at a time. Protocol section 7.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from blindplate.core.errors import (
    ChainError,
    ForkError,
    MessageError,
    OverloadedError,
    RollbackError,
    SettingsError,
    SignatureError,
    StorageError,
)
from blindplate.core.ledger.bundles import decode_bundle, encode_bundle
from blindplate.core.ledger.checkpoints import Checkpoint, LedgerKeys, verify_checkpoint
from blindplate.core.ledger.layout import (
    CHECKPOINT,
    TILE_WIDTH,
    Tile,
    bundles_between,
    document_path,
    entries_path,
    tiles_between,
    witnessed_path,
)
from blindplate.core.ledger.notes import Note
from blindplate.core.merkle import leaf_hash
from blindplate.server.ledger.growth import GrowingTree
from blindplate.server.ledger.head import Head, Move
from blindplate.server.ledger.public import PublicFolder

Sign = Callable[[Checkpoint], Note]


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A checkpoint as the ledger alone signed it."""

    note: bytes
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Appended:
    """Where new entries begin, the head that has them, and their inclusion paths under it."""

    first: int
    head: SignedHead
    paths: Sequence[tuple[bytes, ...]]


class Storage:
    """The storage of one ledger."""

    def __init__(self, public: Path, head: Path, keys: LedgerKeys, max_unpublished: int) -> None:
        """Open and repair it.

        Raises SettingsError for a head that is missing or another ledger's, ChainError for public files behind the head,
        RollbackError for a head behind the public files, ForkError when the two contradict each other, StorageError.
        """
        self._keys = keys
        self._max_unpublished = max_unpublished
        # Entries below it are known to have their first cosigned checkpoint beside them.
        self._dated = 0
        # How often everything was read from disk: what began before the last time must not go on.
        self._readings = 0
        self._lock = threading.RLock()
        self._public = PublicFolder(public)
        self._head = Head(head)
        self._newest: SignedHead
        self._recent: dict[bytes, int]
        try:
            self._load()
            self.publish()
            self._require_agreement()
        except BaseException:
            self.close()
            raise

    @property
    def head(self) -> SignedHead:
        """The newest head."""
        with self._lock:
            return self._newest

    def append(
        self,
        entries: Sequence[bytes],
        leaves: Sequence[bytes],
        documents: Mapping[bytes, bytes],
        kept: Sequence[int],
        sign: Sign,
    ) -> Appended:
        """Append ``entries``, whose leaf hashes are ``leaves``, durably; those at the places ``kept`` are kept at hand.

        Raises StorageError: then ``reopen`` must come before anything else, since they may have been appended all the
        same. Raises OverloadedError when too much waits to be published, ForkError when another process moved the head;
        then nothing was appended.
        """
        with self._lock:
            self._require_fresh()
            first = self._tree.size
            if first + len(entries) > self._published + self._max_unpublished:
                raise OverloadedError("The ledger's public files lag too far behind: nothing was appended.")
            self._tree.extend(leaves)
            try:
                head = self._signed(sign)
                self._head.move(
                    Move(
                        old_note=self._newest.note,
                        new_note=head.note,
                        size=self._tree.size,
                        pieces=_pieces(first, entries),
                        documents=documents,
                        kept=[(first + at, entries[at]) for at in kept],
                    )
                )
            except BaseException as error:
                self._stale = isinstance(error, StorageError)
                self._tree.cut_back(first)
                raise
            self._newest = head
            self._recent.update(zip(leaves, range(first, self._tree.size), strict=True))
            return Appended(first, head, list(self._tree.paths(first, self._tree.size)))

    def reopen(self) -> None:
        """Read everything anew from disk, as must be done after a StorageError of ``append``. Raises as opening does."""
        with self._lock:
            self._head.reopen()
            self._load()

    def publish(self) -> SignedHead:
        """Write what is not yet public, durably, and give the head whose files are all there. Raises StorageError."""
        with self._lock:
            self._require_fresh()
            newest, published, documents = self._newest, self._published, self._head.documents()
            size, reading = newest.checkpoint.size, self._readings
            tiles = [(tile.path, self._tree.tile(tile)) for tile in tiles_between(published, size)]
        if size > published or documents:
            self._public.write(self._bundles(published, size, reading))
            self._public.write(tiles)
            self._public.write((document_path(digest), content) for digest, content in documents.items())
            self._settle(published, size, documents, reading)
        return newest

    def replace_checkpoint(self, note: bytes) -> None:
        """Put a checkpoint that both custodians cosigned in the public place.

        It is put beside every entry kept at hand that it is the first over, too: so anyone can tell later when an entry
        was witnessed. Raises StorageError.
        """
        size = Checkpoint.from_body(Note.from_bytes(note).text).size
        with self._lock:
            kept = self._head.kept_between(self._dated, size)
        paths = [path for path in map(witnessed_path, kept) if not self._public.holds(path)]
        self._public.write((path, note) for path in paths)
        self._dated = max(self._dated, size)
        self._public.write([(CHECKPOINT, note)])

    def find(self, leaves: Sequence[bytes]) -> dict[bytes, int]:
        """Where entries with these leaf hashes stand, of those that are in the ledger. Raises StorageError."""
        with self._lock:
            found = {leaf: self._recent[leaf] for leaf in leaves if leaf in self._recent}
            published = self._head.find([leaf for leaf in leaves if leaf not in found])
            read = self._tree.reader()
            return found | {leaf: entry for leaf, entry in published.items() if read(0, entry) == leaf}

    def path(self, index: int) -> tuple[bytes, ...]:
        """The inclusion path of an entry under the newest head."""
        with self._lock:
            return self._tree.path(index)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof between two sizes that this ledger has had. Raises ProofError."""
        with self._lock:
            return self._tree.consistency(old, new)

    def root(self, size: int) -> bytes:
        """The root that the ledger had at ``size``, which is not more than it has."""
        with self._lock:
            return self._tree.root(size)

    def require_own(self, checkpoint: Checkpoint) -> None:
        """Check that a checkpoint signed by this ledger is one of its past or its newest.

        Raises RollbackError when this ledger has fewer entries, ForkError when it had other ones.
        """
        with self._lock:
            size = self._tree.size
            if checkpoint.size > size:
                raise RollbackError(
                    f"The ledger's head has {size} entries, and it has signed {checkpoint.size}.",
                    "Restore the head's newest copy: receipts were given for what is missing.",
                )
            if not hmac.compare_digest(self._tree.root(checkpoint.size), checkpoint.root):
                raise ForkError("The ledger has signed a checkpoint that is not of its own history.")

    def document(self, digest: bytes) -> bytes | None:
        """A document of the ledger; None when it has none of that digest. Raises StorageError."""
        with self._lock:
            waiting = self._head.documents().get(digest)
        return waiting if waiting is not None else self._public.read(document_path(digest))

    def kept(self) -> list[tuple[int, bytes]]:
        """The entries that are kept at hand, by index and in order. Raises StorageError."""
        with self._lock:
            return list(self._head.kept())

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            self._head.close()
            self._public.close()

    def _load(self) -> None:
        row = self._head.read()
        try:
            checkpoint = verify_checkpoint(row.note, self._keys).checkpoint
        except (SignatureError, MessageError):
            raise SettingsError(
                "The ledger's head is of another origin, or signed by another key, than the settings name.",
                "Restore the head, the key and the settings that belong together.",
            ) from None
        tree = GrowingTree(self._tile, row.published)
        self._bundle = self._next_bundle = self._partial_bundle(row.published, tree)
        for first, piece in self._head.pieces(row.published, row.size):
            if first != tree.size:
                raise ChainError("The ledger's head lacks entries that are not among its public files.")
            tree.extend([leaf_hash(entry) for entry in decode_bundle(piece)])
        if tree.size != row.size or not hmac.compare_digest(tree.root(), checkpoint.root):
            raise ChainError(
                "The ledger's public files are not those that its head was signed over.",
                "Restore them from their backup or from a mirror of them; then run `ledger fsck`.",
            )
        self._tree, self._published, self._newest = tree, row.published, SignedHead(row.note, checkpoint)
        leaves = tree.leaves(row.published, row.size)
        self._recent = dict(zip(leaves, range(row.published, row.size), strict=True))
        self._stale = False
        self._readings += 1

    def _require_fresh(self, reading: int | None = None) -> None:
        """Raise StorageError while the disk is to be read anew, and once it was since that ``reading``."""
        if self._stale or reading not in (None, self._readings):
            raise StorageError("The ledger's disk failed it, and it has not yet been read anew.")

    def _tile(self, tile: Tile) -> bytes:
        data = self._public.read(tile.path)
        if data is None:
            raise ChainError(
                f"The ledger's public file {tile.path} is missing.",
                "Restore the public files from their backup or from a mirror of them.",
            )
        return data

    def _partial_bundle(self, size: int, tree: GrowingTree) -> bytes:
        """The bundle that the next entries continue, checked against the leaf hashes of its tile."""
        index, width = divmod(size, TILE_WIDTH)
        if not width:
            return b""
        data = self._public.read(entries_path(index, width)) or b""
        if _leaves(data) != list(tree.leaves(size - width, size)):
            raise ChainError("The newest bundle of the ledger's public files does not fit the head.")
        return data

    def _bundles(self, published: int, size: int, reading: int) -> Iterator[tuple[str, bytes]]:
        for tile in bundles_between(published, size):
            begin, end = tile.index * TILE_WIDTH, tile.index * TILE_WIDTH + tile.width
            with self._lock:
                self._require_fresh(reading)
                pieces = self._head.pieces(max(begin, published), end)
                data = b"".join((self._bundle if begin < published else b"", *[piece for _, piece in pieces]))
                # Nothing becomes public that does not hash to what was signed.
                if _leaves(data) != list(self._tree.leaves(begin, end)):
                    self._stale = True
                    raise StorageError(
                        "What waits to be published is not what the ledger's head was signed over."
                    )
            yield entries_path(tile.index, tile.width), data
            if end == size:
                self._next_bundle = data if tile.width < TILE_WIDTH else b""

    def _settle(self, published: int, size: int, documents: Mapping[bytes, bytes], reading: int) -> None:
        with self._lock:
            self._require_fresh(reading)
            leaves = self._tree.leaves(published, size)
            self._head.settle(size, zip(leaves, range(published, size), strict=True), documents)
            for leaf in leaves:
                del self._recent[leaf]
            self._published, self._bundle = size, self._next_bundle
            self._tree.trim(size)
        # A reader that holds an older checkpoint may be about to ask for a partial tile: so only now those of the tile before.
        for tile in tiles_between(published, size):
            if tile.width == TILE_WIDTH and tile.index:
                self._public.remove_partial(Tile(tile.level, tile.index - 1))

    def _require_agreement(self) -> None:
        """Raise RollbackError or ForkError when the public files tell of another ledger than the head."""
        data = self._public.read(CHECKPOINT)
        size = self._newest.checkpoint.size
        if data is not None:
            self.require_own(verify_checkpoint(data, self._keys).checkpoint)
        if self._public.holds_more(size):
            raise RollbackError(
                f"The ledger's head has {size} entries, and its public files have more.",
                "Restore the head's newest copy: receipts were given for what is missing.",
            )

    def _signed(self, sign: Sign) -> SignedHead:
        checkpoint = Checkpoint(self._keys.origin, self._tree.size, self._tree.root())
        return SignedHead(sign(checkpoint).to_bytes(), checkpoint)


def _leaves(bundle: bytes) -> list[bytes]:
    """The leaf hashes of a bundle's entries; none when it is not whole."""
    try:
        return [leaf_hash(entry) for entry in decode_bundle(bundle)]
    except MessageError:
        return []


def _pieces(first: int, entries: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """``entries`` in the form of bundles, cut where one bundle ends and the next begins."""
    pieces: list[tuple[int, bytes]] = []
    at = 0
    while at < len(entries):
        end = at + TILE_WIDTH - (first + at) % TILE_WIDTH
        pieces.append((first + at, encode_bundle(entries[at:end])))
        at = end
    return pieces
