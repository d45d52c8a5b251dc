"""The gRPC face of the ledger: who may append what and how much, then the sequencer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import grpc

from blindplate.core.errors import MessageError
from blindplate.server.authorization import Access, caller
from blindplate.server.ledger.permissions import APPENDERS, rate_of, require_kinds
from blindplate.server.ledger.sequencer import Sequencer
from blindplate.server.limits import RateLimiter
from blindplate.v1 import ledger_pb2 as v1
from blindplate.v1 import ledger_pb2_grpc as rpc

ACCESS: Final[Access] = {"/blindplate.v1.Ledger/Append": APPENDERS}
MAX_ENTRIES: Final = 1_000


class LedgerServicer(rpc.LedgerServicer):
    """Takes appends once ``require_confirmed`` raises nothing: both witnesses know of no larger ledger."""

    def __init__(
        self, sequencer: Sequencer, limiter: RateLimiter, require_confirmed: Callable[[], None]
    ) -> None:
        self._sequencer = sequencer
        self._limiter = limiter
        self._require_confirmed = require_confirmed

    def Append(self, request: v1.AppendRequest, context: grpc.ServicerContext) -> v1.AppendResponse:  # noqa: N802  the service's name
        """Append entries, all or none.

        Raises IdentityError, MessageError, QuotaError, UnavailableError, and whatever ``Sequencer.append`` does.
        """
        del context
        identity, entries, documents = caller(), list(request.entries), list(request.documents)
        if not 1 <= len(entries) <= MAX_ENTRIES or len(documents) > len(entries):
            raise MessageError(
                f"An append is not of 1 to {MAX_ENTRIES} entries and at most as many documents."
            )
        require_kinds(identity, entries)
        self._require_confirmed()
        self._limiter.take(identity.spiffe_id, len(entries), rate_of(identity.role))
        receipts = self._sequencer.append(entries, documents)
        return v1.AppendResponse(
            checkpoint=receipts.note,
            receipts=[
                v1.EntryReceipt(index=index, path=path)
                for index, path in zip(receipts.indices, receipts.paths, strict=True)
            ],
        )
