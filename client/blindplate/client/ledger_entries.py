"""Entering signed statement files into the ledger by hand.

A statement goes in as it is. A zone register is too long for an entry: it becomes a document, and the entry that names
it is made and signed here, with the operator's key. Guarantees that all files are entered or none, and that what is
returned was proven to stand in the ledger. In force they are once both custodians have witnessed them. Protocol section 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from blindplate.client.grants.party import GrantPartySettings
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.cameras import RegisterEntry
from blindplate.core.statements.policies import ZoneRegister, register_digest
from blindplate.edge.keyfiles import read_statement
from blindplate.edge.ledger.appender import EntryReceipt, LedgerClient


def enter(settings: GrantPartySettings, files: Sequence[Path], now: float) -> list[EntryReceipt]:
    """Enter the statements in ``files``, in order; a receipt each. ``now`` is in seconds since 1970, UTC.

    Raises SettingsError or MessageError for a file, and whatever the ledger refuses an entry for.
    """
    entries: list[Statement] = []
    documents: list[Statement] = []
    for file in files:
        statement = read_statement(file)
        if statement.payload_type == ZoneRegister.media_type():
            documents.append(statement)
            statement = _entry_of(statement, settings.key(), int(now))
        entries.append(statement)
    client = LedgerClient(settings.ledger.address, settings.tls, settings.ledger.keys.keys())
    try:
        return client.append(entries, documents)
    finally:
        client.close()


def _entry_of(document: Statement, operator: SigningKey, made_at: int) -> Statement:
    register = ZoneRegister.verified(document, [operator.public])
    return RegisterEntry(
        zone=register.zone,
        generation=register.generation,
        cameras=len(register.cameras),
        register_digest=register_digest(document.payload),
        made_at=made_at,
    ).statement(operator)
