"""Appending to the ledger over gRPC.

Guarantees that a receipt returned here is for the very entry sent: the ledger signed the checkpoint, and the entry
stands at that index under its root. Whether custodians have witnessed it yet, a receipt does not say; whoever keeps a
replica has it keep the checkpoint, before the receipt counts, so that the ledger must stand by it. Sends once: the
same statements sent again get receipts for where they stand already. Protocol section 7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from blindplate.core.errors import MessageError, ProofError
from blindplate.core.ledger.checkpoints import LedgerKeys, SignedCheckpoint, verify_checkpoint
from blindplate.core.ledger.entries import document_bytes, entry_bytes
from blindplate.core.merkle import verify_inclusion
from blindplate.core.signing import Statement
from blindplate.edge.settings import TlsFiles
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.v1 import ledger_pb2 as v1
from blindplate.v1.ledger_pb2_grpc import LedgerStub

MAX_ENTRIES: Final = 1_000
_APPEND_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class EntryReceipt:
    """Where an entry stands, and the ledger's own checkpoint that covers it."""

    index: int
    checkpoint: SignedCheckpoint


class LedgerClient:
    """A channel to the ledger. Safe to use from several threads."""

    def __init__(
        self,
        address: str,
        tls: TlsFiles,
        keys: LedgerKeys,
        keep: Callable[[SignedCheckpoint], None] | None = None,
    ) -> None:
        """Connect lazily to ``host:port``. ``keep`` is called with what receipts rest on, before they are returned.

        Raises SettingsError when a TLS file cannot be read.
        """
        self._keep = keep
        self._keys = keys
        self._channel = open_channel(address, "ledger", tls)
        self._stub = LedgerStub(self._channel)

    def append(
        self, statements: Sequence[Statement], documents: Sequence[Statement] = ()
    ) -> list[EntryReceipt]:
        """Enter ``statements`` (at most 1,000) in order, all or none; a receipt for each.

        ``documents`` are those that they name. Raises MessageError for too many or too long ones, SignatureError and
        ProofError for receipts that do not hold, UnavailableError when the ledger does not answer, or whatever typed
        error it answered with (EntryError, IdentityError, ...); and what ``keep`` raises.
        """
        if not statements:
            return []
        if len(statements) > MAX_ENTRIES:
            raise MessageError(f"More than {MAX_ENTRIES} statements are to be entered at once.")
        entries = [entry_bytes(statement) for statement in statements]
        request = v1.AppendRequest(
            entries=entries, documents=[document_bytes(document) for document in documents]
        )
        with remote_errors("ledger"):
            response = self._stub.Append(request, timeout=_APPEND_SECONDS)
        return self._verified(entries, response)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _verified(self, entries: Sequence[bytes], response: v1.AppendResponse) -> list[EntryReceipt]:
        signed = verify_checkpoint(response.checkpoint, self._keys)
        if len(response.receipts) != len(entries):
            raise ProofError("The ledger gave another number of receipts than entries were sent.")
        size, root = signed.checkpoint.size, signed.checkpoint.root
        for entry, receipt in zip(entries, response.receipts, strict=True):
            verify_inclusion(entry, receipt.index, size, tuple(receipt.path), root)
        if self._keep is not None:
            self._keep(signed)
        return [EntryReceipt(receipt.index, signed) for receipt in response.receipts]
