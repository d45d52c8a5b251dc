"""The ledger's other face in the attacker's hands: it gives true receipts for entries that it never shows anybody."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

from blindplate.core.ledger.tiles import hash_reader
from blindplate.core.ledger.tree import inclusion_proof
from blindplate.server.ledger.appends import ACCESS
from blindplate.server.serving import Service, build_server
from blindplate.v1 import ledger_pb2 as v1
from blindplate.v1 import ledger_pb2_grpc as rpc
from tests.adversary.histories import History
from tests.adversary.stolen_ledger import StolenLedger
from tests.integration.ledger_site import party_tls


@dataclass
class HidingAppender(rpc.LedgerServicer):
    """``hidden`` is what it acknowledged, in order; ``notes`` are the checkpoints that its receipts rest on."""

    ledger: StolenLedger
    hidden: list[bytes] = field(default_factory=list[bytes])
    notes: list[bytes] = field(default_factory=list[bytes])

    def Append(self, request: v1.AppendRequest, context: grpc.ServicerContext) -> v1.AppendResponse:  # noqa: N802
        """Acknowledge everything, in a history that only its receipts are of."""
        del context
        first = self.ledger.honest.size + len(self.hidden)
        self.hidden += request.entries
        history = self.ledger.honest.then_all(self.hidden)
        self.notes.append(self.ledger.note(history).to_bytes())
        return v1.AppendResponse(
            checkpoint=self.notes[-1],
            receipts=[
                v1.EntryReceipt(index=index, path=_path(history, index))
                for index in range(first, history.size)
            ],
        )


@contextmanager
def hiding_appender(ledger: StolenLedger) -> Generator[HidingAppender]:
    """Served where the ledger's appends were."""
    appender = HidingAppender(ledger)
    service = Service(lambda server: rpc.add_LedgerServicer_to_server(appender, server), ACCESS)
    server, _ = build_server(ledger.access.address, party_tls(ledger.deployment, "ledger"), [service])
    server.start()
    try:
        yield appender
    finally:
        server.stop(None).wait()


def _path(history: History, index: int) -> tuple[bytes, ...]:
    files = history.files()
    return inclusion_proof(hash_reader(lambda tile: files[tile.path], history.size), index, history.size)
