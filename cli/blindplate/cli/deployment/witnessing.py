"""The keys by which a deployment's ledger is known: its own and its witnesses', and the origin all of them sign."""

from __future__ import annotations

from typing import Final

from blindplate.core.ledger.checkpoints import Cosigner, LogSigner
from blindplate.core.parties import Custodian
from blindplate.edge.settings import LedgerKeysPart
from blindplate.edge.tls import DOMAIN

ORIGIN: Final = f"{DOMAIN}/ledger"


def witness_name(custodian: Custodian) -> str:
    """The name a custodian cosigns under (C2SP signed-note key name)."""
    return f"{DOMAIN}/custodian-{custodian}"


def ledger_keys(ledger_seed: bytes, witness_a_seed: bytes, witness_b_seed: bytes) -> LedgerKeysPart:
    """The verifier keys of the three 32-byte seeds. Raises MessageError for another length."""
    log = LogSigner.from_seed(ORIGIN, ledger_seed)
    witness_a = Cosigner.from_seed(witness_name(Custodian.A), witness_a_seed)
    witness_b = Cosigner.from_seed(witness_name(Custodian.B), witness_b_seed)
    return LedgerKeysPart(
        origin=ORIGIN,
        log=(log.keys[0].to_text(), log.keys[1].to_text()),
        witness_a=(witness_a.keys[0].to_text(), witness_a.keys[1].to_text()),
        witness_b=(witness_b.keys[0].to_text(), witness_b.keys[1].to_text()),
    )
