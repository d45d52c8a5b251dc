"""A ledger in memory: its files, its signed checkpoints, and what it asks a witness. One that lies is made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from blindplate.core.errors import NotFoundError, UnavailableError
from blindplate.core.ledger.bundles import encode_bundle
from blindplate.core.ledger.checkpoints import Checkpoint, Cosigner, LedgerKeys, LogSigner
from blindplate.core.ledger.entries import document_bytes, document_digest, entry_bytes
from blindplate.core.ledger.layout import TILE_WIDTH, Tile, document_path, entries_path, witnessed_path
from blindplate.core.ledger.notes import Note
from blindplate.core.ledger.tiles import grown, hash_reader
from blindplate.core.ledger.tree import consistency_proof
from blindplate.core.ledger.witness_messages import encode_add_checkpoint
from blindplate.core.merkle import leaf_hash, root
from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement

ORIGIN = "ledger.example/west"
NOW = 1_800_000_000
LOG = LogSigner.from_seed(ORIGIN, b"l" * 32)
WITNESS_SEEDS = {Custodian.A: b"a" * 32, Custodian.B: b"b" * 32}
COSIGNERS = {
    custodian: Cosigner.from_seed(f"custodian-{custodian}.example", seed)
    for custodian, seed in WITNESS_SEEDS.items()
}
KEYS = LedgerKeys(ORIGIN, LOG.keys, {custodian: one.keys for custodian, one in COSIGNERS.items()})


def filler(number: int) -> bytes:
    """An entry that is read and passed over."""
    return b'{"payloadType":"application/vnd.blindplate.batches.v1+json","n":%d}' % number


@dataclass
class Published:
    """Entries and files. ``away`` makes every file unavailable; ``asked`` are the paths that were asked for."""

    entries: list[bytes] = field(default_factory=list[bytes])
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    away: bool = False
    asked: list[str] = field(default_factory=list[str])

    @classmethod
    def of(cls, size: int) -> Published:
        ledger = cls()
        ledger.fill(size)
        return ledger

    def fill(self, count: int, *, other: int = 0) -> None:
        """Append ``count`` entries; those of another ``other`` are of another history."""
        self.append([filler(len(self.entries) + number + other) for number in range(count)])

    def enter(self, *statements: Statement, documents: Sequence[Statement] = ()) -> None:
        """Append statements, with the documents they name."""
        for document in documents:
            self.files[document_path(document_digest(document))] = document_bytes(document)
        self.append([entry_bytes(statement) for statement in statements])

    def append(self, entries: Sequence[bytes]) -> None:
        self.entries += entries
        self._publish(self.size)

    def get(self, path: str) -> bytes:
        self.asked.append(path)
        if self.away:
            raise UnavailableError("The ledger is away.")
        if path not in self.files:
            raise NotFoundError("The ledger has no such file.")
        return self.files[path]

    def close(self) -> None:
        """Nothing is held open."""

    @property
    def size(self) -> int:
        return len(self.entries)

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        chosen = self.entries[: self.size if size is None else size]
        return Checkpoint(ORIGIN, len(chosen), root(chosen))

    def note(self, size: int | None = None, moment: int = NOW) -> Note:
        """Signed by the ledger alone."""
        return LOG.sign(self.checkpoint(size), moment)

    def cosigned(self, custodian: Custodian, size: int | None = None, moment: int = NOW) -> bytes:
        """What a custodian's head is when it has cosigned so much."""
        cosignatures = COSIGNERS[custodian].cosign(self.checkpoint(size), moment)
        return self.note(size).with_signatures(cosignatures).to_bytes()

    def record(self, index: int, *custodians: Custodian, size: int | None = None, moment: int = NOW) -> None:
        """Keep a checkpoint that these cosigned as the first over an entry."""
        note = self.note(size)
        for custodian in custodians:
            note = note.with_signatures(COSIGNERS[custodian].cosign(self.checkpoint(size), moment))
        self.files[witnessed_path(index)] = note.to_bytes()

    def proof(self, old: int, size: int | None = None) -> tuple[bytes, ...]:
        new = self.size if size is None else size
        return consistency_proof(hash_reader(self._publish(new).__getitem__, new), old, new)

    def body(self, old: int, size: int | None = None, moment: int = NOW) -> bytes:
        """How the ledger asks for cosignatures."""
        return encode_add_checkpoint(old, self.proof(old, size), self.note(size, moment))

    def _publish(self, size: int) -> dict[Tile, bytes]:
        """Write the files that a ledger has once it had a checkpoint of this size; the tiles among them."""
        tiles = grown(lambda _: b"", 0, [leaf_hash(entry) for entry in self.entries[:size]])
        for tile, hashes in tiles.items():
            self.files[tile.path] = hashes
            if tile.level == 0:
                first = tile.index * TILE_WIDTH
                bundle = self.entries[first : first + tile.width]
                self.files[entries_path(tile.index, tile.width)] = encode_bundle(bundle)
        return tiles
