"""Release: owners' release requests and where they stand (protocol section 6). Translates; ``submissions`` decides."""

from __future__ import annotations

from typing import Final

import grpc

from blindplate.core.signing import Statement
from blindplate.server.authorization import Access, Role, caller
from blindplate.server.custodian.decision import State
from blindplate.server.custodian.docket import Standing
from blindplate.server.custodian.submissions import Submissions
from blindplate.server.serving import Service
from blindplate.v1 import release_pb2 as v1
from blindplate.v1 import release_pb2_grpc as rpc

_OWNERS = frozenset({Role.OWNER})
_ACCESS: Access = {"/blindplate.v1.Release/Submit": _OWNERS, "/blindplate.v1.Release/Check": _OWNERS}
WIRE_STATE: Final = {
    State.PENDING: v1.RELEASE_STATE_PENDING,
    State.APPROVED: v1.RELEASE_STATE_APPROVED,
    State.DENIED: v1.RELEASE_STATE_DENIED,
    State.EXPIRED: v1.RELEASE_STATE_EXPIRED,
}


class Release(rpc.ReleaseServicer):
    """Serves owners."""

    def __init__(self, submissions: Submissions) -> None:
        self._submissions = submissions

    def service(self) -> Service:
        """How it is added to a server."""
        return Service(lambda server: rpc.add_ReleaseServicer_to_server(self, server), _ACCESS)

    def Submit(  # noqa: N802  the name is the protocol's
        self, request: v1.SubmitReleaseRequest, context: grpc.ServicerContext
    ) -> v1.ReleaseStatus:
        """Take a request in, with its candidates."""
        del context
        statement = Statement.from_proto(request.request)
        return _status(self._submissions.submit(statement, request.candidates, caller().spiffe_id))

    def Check(  # noqa: N802  the name is the protocol's
        self, request: v1.CheckReleaseRequest, context: grpc.ServicerContext
    ) -> v1.ReleaseStatus:
        """Where a request stands."""
        del context
        return _status(self._submissions.standing(request.request_id, caller().spiffe_id))


def _status(standing: Standing) -> v1.ReleaseStatus:
    return v1.ReleaseStatus(
        request_id=standing.request_id,
        state=WIRE_STATE[standing.state],
        sealed_share=standing.sealed_reply or b"",
        decision=None if standing.decision is None else standing.decision.to_proto(),
    )
