"""A custodian's officer: what waits, a signed word on it, and the record of decisions.

Guarantees that a word leaves only under the officer's own key, and that decisions shown are the custodian's: signed
with its pinned key, and chained without a gap but one that a decision itself tells of. Whether a waiting request is
its owner's own word has been checked by the custodian that shows it; an officer holds no grants to check it again.
Protocol section 6.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from blindplate.core.encoding import DIGEST_BYTES
from blindplate.core.errors import MessageError, SignatureError
from blindplate.core.parties import Custodian
from blindplate.core.records.record import SealedRecord
from blindplate.core.signing import SEED_BYTES, SigningKey, Statement
from blindplate.core.statements.releases import Approval, Decision, ReleaseRequest, Verdict, require_next
from blindplate.edge.clock import Clock, SystemClock
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.settings import LedgerAccess, ProcessSettings, TlsFiles, TrustedKeys
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.v1 import release_pb2 as v1
from blindplate.v1 import types_pb2
from blindplate.v1.release_pb2_grpc import ApprovalsStub

_SECONDS: Final = 20.0
_PAGE: Final = 1_000
# However many a custodian shows, an officer's memory holds them.
_MOST: Final = 10_000
_CLOCK: Final = SystemClock()


class OfficerSettings(ProcessSettings):
    """One officer of one custodian. ``signing_key`` is a file of 32 bytes, mode 0600.

    ``address`` is its custodian's ``host:port``; ``custodian_a`` and ``custodian_b`` are both custodians', for questions
    on behalf of a keeper.
    """

    name: str
    custodian: Custodian
    address: str
    custodian_a: str
    custodian_b: str
    ledger: LedgerAccess
    tls: TlsFiles
    trust: TrustedKeys
    signing_key: Path


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits for an officer, and the id (32 bytes) by which it is decided.

    ``alternate``: the record is of a spelling the engine held less likely. ``officers_needed`` is how many distinct
    officers must approve, as its custodian says, ``approved_by`` who has.
    """

    request_id: bytes
    request: ReleaseRequest
    alternate: bool
    officers_needed: int
    approved_by: tuple[str, ...]


def pending(settings: OfficerSettings) -> list[Waiting]:
    """What waits for an officer, oldest first; the oldest 10,000, if ever so many wait.

    Raises IdentityError when the custodian knows no such officer, UnavailableError, MessageError.
    """
    found: list[Waiting] = []
    with _approvals(settings) as stub:
        while len(found) < _MOST:
            request = v1.PendingRequest(after=found[-1].request_id if found else b"")
            page = stub.Pending(request, timeout=_SECONDS)
            if len(page.requests) != len(page.approvals):
                raise MessageError("The custodian does not say of every request whose approval it needs.")
            if not page.requests:
                break
            found += map(_waiting, page.requests, page.approvals)
    return found[:_MOST]


def decide(
    settings: OfficerSettings,
    request_id: bytes,
    verdict: Literal[Verdict.APPROVED, Verdict.DENIED],
    reason: str,
    clock: Clock = _CLOCK,
) -> Decision | None:
    """Sign and hand in this officer's word on a request; the decision, or None while another officer is needed.

    A check that fails now denies the request whatever the word was: look at the decision's verdict. Raises
    NotFoundError, PolicyError when it is decided already, ExpiredError, QuotaError when the day's releases are
    used up (try again tomorrow), SignatureError for a decision not signed by the pinned custodian.
    """
    word = Approval(
        custodian=settings.custodian,
        request_id=request_id,
        officer=settings.name,
        verdict=verdict,
        reason=reason,
        made_at=int(clock.now()),
    )
    key = SigningKey.from_seed(read_secret(settings.signing_key, SEED_BYTES))
    with _approvals(settings) as stub:
        answer = stub.Decide(v1.DecideRequest(approval=word.statement(key).to_proto()), timeout=_SECONDS)
    if not answer.HasField("decision"):
        return None
    decision, _ = _verified(settings, answer.decision)
    if decision.request_id != request_id:
        raise SignatureError("The custodian answered with the decision on another request.")
    return decision


def decisions(settings: OfficerSettings) -> list[Decision]:
    """The whole record of this officer's custodian, verified. Raises SignatureError, ChainError."""
    found: list[Decision] = []
    previous = bytes(DIGEST_BYTES)
    with _approvals(settings) as stub:
        while True:
            start = found[-1].sequence + 1 if found else 0
            request = v1.DecisionsRequest(start=start, limit=_PAGE)
            page = stub.Decisions(request, timeout=_SECONDS).decisions
            if not page:
                return found
            for message in page:
                decision, statement_id = _verified(settings, message)
                require_next(decision, found[-1].sequence + 1 if found else 0, previous)
                found.append(decision)
                previous = statement_id


def _waiting(message: types_pb2.SignedStatement, approval: v1.PendingApproval) -> Waiting:
    statement = Statement.from_proto(message)
    if statement.payload_type != ReleaseRequest.media_type():
        raise SignatureError("The custodian shows something else than release requests.")
    request = ReleaseRequest.parsed(statement.payload)
    header = SealedRecord.from_bytes(request.record, request.ciphertext_digest).header
    return Waiting(
        statement.statement_id,
        request,
        header.alternate,
        approval.officers_needed,
        tuple(approval.approved_by),
    )


def _verified(settings: OfficerSettings, message: types_pb2.SignedStatement) -> tuple[Decision, bytes]:
    trust = settings.trust
    pinned = trust.custodian_a if settings.custodian is Custodian.A else trust.custodian_b
    statement = Statement.from_proto(message)
    decision = Decision.verified(statement, [pinned])
    if decision.custodian is not settings.custodian:
        raise SignatureError("The custodian shows a decision of the other custodian.")
    return decision, statement.statement_id


@contextmanager
def _approvals(settings: OfficerSettings) -> Generator[ApprovalsStub, None, None]:
    party = f"custodian-{settings.custodian}"
    with (
        open_channel(settings.address, party, settings.tls) as channel,
        remote_errors(f"custodian {settings.custodian}"),
    ):
        yield ApprovalsStub(channel)
