"""Handing a request to one custodian, and taking its word.

Guarantees that a decision counts only as signed by the pinned custodian over this request, and only once the custodian
gives away what it decided to. Protocol section 6.
"""

from __future__ import annotations

from typing import Final

from blindplate.client.owner.requests import Reply, Request, Standing, candidates_with
from blindplate.client.owner.session import Session
from blindplate.core.errors import NotFoundError, SignatureError
from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement
from blindplate.core.statements.releases import Decision, Verdict
from blindplate.edge.statuses import remote_errors
from blindplate.v1 import release_pb2 as v1
from blindplate.v1.release_pb2_grpc import ReleaseStub

_CALL_SECONDS: Final = 20.0
_STANDINGS: Final = {
    v1.RELEASE_STATE_PENDING: Standing.PENDING,
    v1.RELEASE_STATE_APPROVED: Standing.APPROVED,
    v1.RELEASE_STATE_DENIED: Standing.DENIED,
    v1.RELEASE_STATE_EXPIRED: Standing.EXPIRED,
}
_VERDICTS: Final = {
    Standing.APPROVED: Verdict.APPROVED,
    Standing.DENIED: Verdict.DENIED,
    Standing.EXPIRED: Verdict.EXPIRED,
}


def ask_custodian(session: Session, request: Request, reply: Reply) -> Reply:
    """The custodian's word now; ``reply`` was its last. Hands the request in where it is not known.

    Raises UnavailableError when it does not answer, UnwitnessedError when it has not read the request's entry yet,
    SignatureError for a decision that is not its own, or what it answered.
    """
    if reply.standing is Standing.PENDING:
        try:
            status = _check(session, request, reply.custodian)
        except NotFoundError:
            status = _submit(session, request, reply.custodian)
    else:
        status = _submit(session, request, reply.custodian)
    return _judged(session, request, reply.custodian, status)


def _submit(session: Session, request: Request, custodian: Custodian) -> v1.ReleaseStatus:
    with session.store.reading() as connection:
        candidates = candidates_with(connection, request.request_id)
    message = v1.SubmitReleaseRequest(request=request.statement.to_proto(), candidates=candidates)
    with remote_errors(_name(custodian)):
        return _stub(session, custodian).Submit(message, timeout=_CALL_SECONDS)


def _check(session: Session, request: Request, custodian: Custodian) -> v1.ReleaseStatus:
    message = v1.CheckReleaseRequest(request_id=request.request_id)
    with remote_errors(_name(custodian)):
        return _stub(session, custodian).Check(message, timeout=_CALL_SECONDS)


def _judged(session: Session, request: Request, custodian: Custodian, status: v1.ReleaseStatus) -> Reply:
    """A status as a reply, once its decision is signed by this custodian over this request. Raises SignatureError."""
    standing = _STANDINGS.get(status.state)
    if standing is None or status.request_id != request.request_id:
        raise SignatureError(f"The {_name(custodian)} answered for another request, or in no known state.")
    if standing is Standing.PENDING or (standing is Standing.APPROVED and not status.sealed_share):
        # An approval is not given away before its entry is in the ledger.
        return Reply(custodian, Standing.PENDING)
    statement = Statement.from_proto(status.decision)
    decision = Decision.verified(statement, [session.settings.trust.parties().custodian(custodian)])
    said = (decision.custodian, decision.request_id, decision.verdict)
    if said != (custodian, request.request_id, _VERDICTS[standing]):
        raise SignatureError(f"The {_name(custodian)} signed another decision than the one it states.")
    share = status.sealed_share if standing is Standing.APPROVED else None
    return Reply(custodian, standing, decision.code, decision.reason, share, statement)


def _stub(session: Session, custodian: Custodian) -> ReleaseStub:
    return ReleaseStub(session.custodian_channels[custodian])


def _name(custodian: Custodian) -> str:
    return f"custodian {custodian.value}"
