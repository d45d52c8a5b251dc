"""Witness: the ledger's checkpoints cosigned, and how far. Translates; ``cosigning`` has the rules (protocol section 7)."""

from __future__ import annotations

import grpc

from blindplate.server.authorization import Access, Role
from blindplate.server.custodian.cosigning import Conflict, Cosigned, Cosigning
from blindplate.server.serving import Service
from blindplate.v1 import witness_pb2 as v1
from blindplate.v1 import witness_pb2_grpc as rpc

_ACCESS: Access = {
    "/blindplate.v1.Witness/AddCheckpoint": frozenset({Role.LEDGER}),
    "/blindplate.v1.Witness/Head": frozenset({Role.LEDGER, Role.CUSTODIAN}),
}


class Witness(rpc.WitnessServicer):
    """Serves the ledger, and the other custodian after its start."""

    def __init__(self, cosigning: Cosigning) -> None:
        self._cosigning = cosigning

    def service(self) -> Service:
        """How it is added to a server."""
        return Service(lambda server: rpc.add_WitnessServicer_to_server(self, server), _ACCESS)

    def AddCheckpoint(  # noqa: N802  the name is the protocol's
        self, request: v1.AddCheckpointRequest, context: grpc.ServicerContext
    ) -> v1.AddCheckpointResponse:
        """Cosign, or say what was cosigned last."""
        del context
        match self._cosigning.add(request.body):
            case Cosigned(lines):
                return v1.AddCheckpointResponse(cosignatures=lines)
            case Conflict(size):
                return v1.AddCheckpointResponse(conflict=size)

    def Head(  # noqa: N802  the name is the protocol's
        self, request: v1.HeadRequest, context: grpc.ServicerContext
    ) -> v1.HeadResponse:
        """How far this custodian has witnessed."""
        del request, context
        return v1.HeadResponse(checkpoint=self._cosigning.head())
