"""One ledger's keys and a checkpoint of it, for the tests of its formats."""

from __future__ import annotations

from blindplate.core.ledger.checkpoints import Checkpoint, Cosigner, LedgerKeys, LogSigner
from blindplate.core.ledger.notes import Note
from blindplate.core.parties import Custodian

ORIGIN = "ledger.example/west"
NOW = 1_800_000_000
LOG = LogSigner.from_seed(ORIGIN, b"l" * 32)
WITNESSES = {
    Custodian.A: Cosigner.from_seed("custodian-a.example", b"a" * 32),
    Custodian.B: Cosigner.from_seed("custodian-b.example", b"b" * 32),
}
KEYS = LedgerKeys(ORIGIN, LOG.keys, {custodian: one.keys for custodian, one in WITNESSES.items()})
CHECKPOINT = Checkpoint(ORIGIN, 20_852_163, b"r" * 32)


def signed(checkpoint: Checkpoint = CHECKPOINT, *, a: int | None = None, b: int | None = None) -> Note:
    """A note signed by the ledger, and by custodians A and B at the moments given."""
    note = LOG.sign(checkpoint, NOW)
    for custodian, moment in ((Custodian.A, a), (Custodian.B, b)):
        if moment is not None:
            note = note.with_signatures(WITNESSES[custodian].cosign(checkpoint, moment))
    return note
