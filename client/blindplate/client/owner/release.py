"""Asking both custodians for a release, and following what they decide.

Guarantees that a request is stored with its reply key before it leaves, that the same request is handed in again
after an interruption instead of a new one, and that a decision counts only as signed by the pinned custodian over
this request. A custodian that does not answer keeps the other from nothing: it is asked again. Protocol section 6.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final

from blindplate.client.owner.hits import HitState, SealedHit, find_hit, set_hit_state
from blindplate.client.owner.requests import (
    Reply,
    Request,
    Standing,
    keep_reply,
    keep_request,
    latest_request,
)
from blindplate.client.owner.session import Session
from blindplate.core.errors import NotFoundError, PolicyError, SignatureError, UnavailableError
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.parties import Custodian
from blindplate.core.records.commitments import match_proof
from blindplate.core.signing import Statement
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.releases import Decision, ReleaseRequest, Verdict
from blindplate.edge.statuses import remote_errors
from blindplate.v1 import release_pb2 as v1
from blindplate.v1.release_pb2_grpc import ReleaseStub

_NONCE_BYTES: Final = 16
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


def request_release(
    session: Session,
    hit_id: int,
    purpose: Purpose,
    lawful_basis: str,
    case_reference: str,
    *,
    automatic: bool = False,
) -> Request:
    """Ask both custodians to release a hit; gives where the request stands at each.

    The same purpose and case again hand in the same request again while it is open. Raises NotFoundError for an
    unknown hit, PolicyError when another request for it is open or it is revealed already, or what a custodian
    answered.
    """
    with session.store.writing() as connection:
        sealed = find_hit(connection, hit_id)
        found = latest_request(connection, hit_id)
        if sealed.hit.state in (HitState.REVEALED, HitState.ALARMED):
            raise PolicyError(f"Hit {hit_id} is {sealed.hit.state} already.", "Look at what it gave.")
        if found is None or _is_closed(found, session.now()):
            found = _new_request(session, sealed, purpose, lawful_basis, case_reference, automatic)
            keep_request(connection, found)
            set_hit_state(connection, hit_id, HitState.REQUESTED)
        elif (found.purpose, found.case_reference) != (purpose, case_reference):
            raise PolicyError(
                f"Another request for hit {hit_id} is open.", "Wait until it is decided or has expired."
            )
    return follow(session, found)


def follow(session: Session, request: Request) -> Request:
    """Ask each custodian that has not decided where the request stands, handing it in where it is unknown."""
    now_known = [
        reply if reply.standing in _VERDICTS else _ask(session, request, reply) for reply in request.replies
    ]
    followed = replace(request, replies=(now_known[0], now_known[1]))
    with session.store.writing() as connection:
        for reply in followed.replies:
            keep_reply(connection, request.request_id, reply)
        if followed.standing in (Standing.DENIED, Standing.EXPIRED):
            set_hit_state(connection, request.hit_id, HitState.DENIED)
    return followed


def _new_request(
    session: Session,
    sealed: SealedHit,
    purpose: Purpose,
    lawful_basis: str,
    case_reference: str,
    automatic: bool,
) -> Request:
    now, seed, record = int(session.now()), generate_seed(), sealed.record
    expires_at = now + session.settings.request_seconds
    statement = ReleaseRequest(
        grant_id=session.grant.grant_id,
        requester=session.grant.owner,
        record=record.without_ciphertext().to_bytes(),
        ciphertext_digest=record.ciphertext_digest,
        match_proof=match_proof(sealed.match_secret, record.header.digest()),
        purpose=purpose,
        lawful_basis=lawful_basis,
        case_reference=case_reference,
        reply_key=OpeningKey.from_seed(seed).public,
        nonce=secrets.token_bytes(_NONCE_BYTES),
        made_at=now,
        expires_at=expires_at,
    ).statement(session.signing_key)
    return Request(
        request_id=statement.statement_id,
        hit_id=sealed.hit.hit_id,
        purpose=purpose,
        case_reference=case_reference,
        automatic=automatic,
        made_at=now,
        expires_at=expires_at,
        replies=(Reply(Custodian.A, Standing.UNREACHED), Reply(Custodian.B, Standing.UNREACHED)),
        statement=statement,
        reply_seed=seed,
    )


def _is_closed(request: Request, now: float) -> bool:
    return request.standing in (Standing.DENIED, Standing.EXPIRED) or request.expires_at <= now


def _ask(session: Session, request: Request, reply: Reply) -> Reply:
    """This custodian's word now; its last one when it does not answer."""
    try:
        if reply.standing is Standing.PENDING:
            try:
                status = _check(session, request, reply.custodian)
            except NotFoundError:
                status = _submit(session, request, reply.custodian)
        else:
            status = _submit(session, request, reply.custodian)
    except UnavailableError:
        return reply
    return _judged(session, request, reply.custodian, status)


def _submit(session: Session, request: Request, custodian: Custodian) -> v1.ReleaseStatus:
    message = v1.SubmitReleaseRequest(request=request.statement.to_proto())
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
    if standing is Standing.PENDING:
        return Reply(custodian, standing)
    trust = session.settings.trust
    pinned = trust.custodian_a if custodian is Custodian.A else trust.custodian_b
    statement = Statement.from_proto(status.decision)
    decision = Decision.verified(statement, [pinned])
    said = (decision.custodian, decision.request_id, decision.verdict)
    if said != (custodian, request.request_id, _VERDICTS[standing]):
        raise SignatureError(f"The {_name(custodian)} signed another decision than the one it states.")
    share = status.sealed_share if standing is Standing.APPROVED else None
    return Reply(custodian, standing, decision.code, decision.reason, share, statement)


def _stub(session: Session, custodian: Custodian) -> ReleaseStub:
    return ReleaseStub(session.custodian_channels[custodian])


def _name(custodian: Custodian) -> str:
    return f"custodian {custodian.value}"
