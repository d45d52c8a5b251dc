"""Approvals: what this custodian's officers see and decide (protocol section 6). Translates; ``voting`` decides."""

from __future__ import annotations

import grpc

from blindplate.core.signing import Statement
from blindplate.server.authorization import Access, Role, caller
from blindplate.server.custodian.release import WIRE_STATE
from blindplate.server.custodian.voting import Voting
from blindplate.server.serving import Service
from blindplate.v1 import release_pb2 as v1
from blindplate.v1 import release_pb2_grpc as rpc

_OFFICERS = frozenset({Role.OFFICER})
_ACCESS: Access = {
    "/blindplate.v1.Approvals/Pending": _OFFICERS,
    "/blindplate.v1.Approvals/Decide": _OFFICERS,
    "/blindplate.v1.Approvals/Decisions": _OFFICERS,
}


class Approvals(rpc.ApprovalsServicer):
    """Serves officers."""

    def __init__(self, voting: Voting) -> None:
        self._voting = voting

    def service(self) -> Service:
        """How it is added to a server."""
        return Service(lambda server: rpc.add_ApprovalsServicer_to_server(self, server), _ACCESS)

    def Pending(  # noqa: N802  the name is the protocol's
        self, request: v1.PendingRequest, context: grpc.ServicerContext
    ) -> v1.PendingResponse:
        """A page of what waits for an officer, oldest first."""
        del context
        waiting = self._voting.pending(caller().name, request.after)
        return v1.PendingResponse(
            requests=[one.statement.to_proto() for one in waiting],
            approvals=[
                v1.PendingApproval(officers_needed=one.officers_needed, approved_by=one.approved_by)
                for one in waiting
            ],
        )

    def Decide(  # noqa: N802  the name is the protocol's
        self, request: v1.DecideRequest, context: grpc.ServicerContext
    ) -> v1.DecideResponse:
        """Take an officer's word."""
        del context
        standing = self._voting.decide(Statement.from_proto(request.approval), caller().name)
        return v1.DecideResponse(
            state=WIRE_STATE[standing.state],
            decision=None if standing.decision is None else standing.decision.to_proto(),
        )

    def Decisions(  # noqa: N802  the name is the protocol's
        self, request: v1.DecisionsRequest, context: grpc.ServicerContext
    ) -> v1.DecisionsResponse:
        """A page of the record of decisions."""
        del context
        statements = self._voting.decisions(caller().name, request.start, request.limit)
        return v1.DecisionsResponse(decisions=[statement.to_proto() for statement in statements])
