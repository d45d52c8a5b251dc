"""A ledger's storage in a folder, with the keys of everybody and entries that are what they must be."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from blindplate.core.ledger.checkpoints import Checkpoint, Cosigner, LedgerKeys, LogSigner
from blindplate.core.ledger.entries import entry_bytes
from blindplate.core.ledger.notes import Note, VerifierKey
from blindplate.core.merkle import leaf_hash, root
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.core.statements.matching import MatcherCounts
from blindplate.edge.settings import LedgerKeysPart, TlsFiles, TrustedKeys
from blindplate.server.ledger.head import Head
from blindplate.server.ledger.settings import LedgerSettings
from blindplate.server.ledger.storage import Appended, SignedHead, Storage

ORIGIN = "test.example/ledger"
MOMENT = 1_700_000_000
MATCHER, OPERATOR, CUSTODIAN_A, CUSTODIAN_B = (SigningKey.from_seed(bytes([at]) * 32) for at in range(1, 5))
SIGNER = LogSigner.from_seed(ORIGIN, bytes(32))
COSIGNERS = {
    custodian: Cosigner.from_seed(f"witness-{custodian}", bytes([9]) * 32) for custodian in Custodian
}
KEYS = LedgerKeys(ORIGIN, SIGNER.keys, {custodian: one.keys for custodian, one in COSIGNERS.items()})
TRUST = TrustedKeys(
    operator=OPERATOR.public,
    custodian_a=CUSTODIAN_A.public,
    custodian_b=CUSTODIAN_B.public,
    matcher=MATCHER.public,
)


@cache
def entry(number: int) -> bytes:
    """An entry of a kind that nothing later depends on."""
    counts = MatcherCounts(since=1, records=(), refused_claims=number, made_at=number)
    return entry_bytes(counts.statement(MATCHER))


def entries(count: int, first: int = 0) -> list[bytes]:
    """Entries number ``first`` and after."""
    return [entry(number) for number in range(first, first + count)]


def sign(checkpoint: Checkpoint) -> Note:
    """As the ledger signs."""
    return SIGNER.sign(checkpoint, MOMENT)


def cosigned(head: SignedHead, moment: int = MOMENT, by: Sequence[Custodian] = tuple(Custodian)) -> bytes:
    """The note of a head, cosigned."""
    note = Note.from_bytes(head.note)
    for custodian in by:
        note = note.with_signatures(COSIGNERS[custodian].cosign(head.checkpoint, moment))
    return note.to_bytes()


@dataclass
class Site:
    """The folders of one ledger and whatever is open of it."""

    folder: Path
    opened: list[Storage] = field(default_factory=list[Storage])

    @property
    def public(self) -> Path:
        return self.folder / "public"

    @property
    def head(self) -> Path:
        return self.folder / "private" / "head.sqlite"

    def create(self) -> Storage:
        """An empty ledger, open."""
        empty = sign(Checkpoint(ORIGIN, 0, root(())))
        Head.create(self.head, empty.to_bytes()).close()
        return self.open()

    def open(self, max_unpublished: int = 1 << 18, keys: LedgerKeys = KEYS) -> Storage:
        """The ledger, opened anew: what was open of it is as if its process had been killed."""
        self.kill()
        self.opened = [Storage(self.public, self.head, keys, max_unpublished)]
        return self.opened[0]

    def kill(self) -> None:
        """Let go of the files; nothing more is written."""
        while self.opened:
            self.opened.pop().close()

    def settings(self) -> LedgerSettings:
        """Settings with the folders and keys of this ledger, for what needs no network."""
        key = self.folder / "signing.key"
        if not key.exists():
            key.touch(0o600)
            key.write_bytes(bytes(32))
        return LedgerSettings(
            listen="127.0.0.1:0",
            http="127.0.0.1:0",
            public=self.public,
            head=self.head,
            origin=ORIGIN,
            tls=TlsFiles(certificate=key, key=key, authority=key),
            trust=TRUST,
            signing_key=key,
            ledger_keys=LedgerKeysPart(
                origin=ORIGIN,
                log=_texts(KEYS.log),
                witness_a=_texts(KEYS.witnesses[Custodian.A]),
                witness_b=_texts(KEYS.witnesses[Custodian.B]),
            ),
            witness_a="127.0.0.1:1",
            witness_b="127.0.0.1:1",
        )


def append(storage: Storage, new: Sequence[bytes]) -> Appended:
    """Append entries of which none is kept."""
    return storage.append(new, [leaf_hash(one) for one in new], {}, (), sign)


def damage(path: Path, at: int = 0) -> None:
    """Flip a bit of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def failing(call: str, error: int) -> OSError:
    """What the operating system raises."""
    return OSError(error, os.strerror(error), call)


def _texts(keys: tuple[VerifierKey, VerifierKey]) -> tuple[str, str]:
    return keys[0].to_text(), keys[1].to_text()
