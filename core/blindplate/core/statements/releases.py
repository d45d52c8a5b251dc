"""Release requests, officers' approvals and custodians' decisions (protocol section 6).

The request is signed by the requester over every field; an approval by a named officer over the same request's
digest; a decision by the custodian, chained to the one before it, so that none can be taken out unnoticed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from blindplate.core.errors import ChainError
from blindplate.core.parties import Custodian
from blindplate.core.statements.model import (
    Blob,
    Hex16,
    Hex32,
    HpkePublic,
    Moment,
    Name,
    StatementModel,
    Text,
)
from blindplate.core.statements.purposes import Purpose


class Verdict(StrEnum):
    """What an officer or a custodian says to a request."""

    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"


class ReleaseRequest(StatementModel):
    """A request to open one record.

    ``record`` is ``v1.Record`` without its ciphertext, which ``ciphertext_digest`` stands for (docs/spec/records.md).
    ``match_proof`` is p, never the match secret. Shares are sealed to ``reply_key``. ``nonce`` makes every request one
    of its own.
    ``case_salt`` opens the public entry's commitment to the case, ``candidates_digest`` is that of the list entries
    that come with the request (``core.membership``). ``emergency`` asks that officers' approval be skipped, where the grant
    allows it.
    """

    kind: ClassVar[str] = "release-request"

    version: Literal[1] = 1
    grant_id: Name
    requester: Text
    record: Blob
    ciphertext_digest: Hex32
    match_proof: Hex32
    purpose: Purpose
    lawful_basis: Text
    case_reference: Text
    case_salt: Hex16
    candidates_digest: Hex32
    emergency: bool = False
    reply_key: HpkePublic
    nonce: Hex16
    made_at: Moment
    expires_at: Moment


class Approval(StatementModel):
    """An officer's word on a request, signed with the officer's own key, for one custodian alone.

    ``verdict`` is approved or denied.
    """

    kind: ClassVar[str] = "approval"

    version: Literal[1] = 1
    custodian: Custodian
    request_id: Hex32
    officer: Name
    verdict: Literal[Verdict.APPROVED, Verdict.DENIED]
    reason: Text
    made_at: Moment


class Decision(StatementModel):
    """A custodian's decision, signed into its append-only record.

    ``sequence`` counts from 0; ``previous`` is the statement id of the decision before, 32 zero bytes for the first.
    ``code`` is the stable error code of a refusal, ``ok`` otherwise. ``resumed``: the custodian's database was put back,
    and decisions up to the one before this are in the ledger alone.
    """

    kind: ClassVar[str] = "decision"

    version: Literal[1] = 1
    custodian: Custodian
    sequence: Annotated[int, Field(ge=0)]
    previous: Hex32
    request_id: Hex32
    grant_id: Name
    requester: Text
    verdict: Verdict
    code: Name
    reason: Text
    automatic: bool
    emergency: bool = False
    officers: tuple[Name, ...]
    resumed: bool = False
    decided_at: Moment


def require_next(decision: Decision, sequence: int, previous: bytes) -> None:
    """Raise ChainError unless ``decision`` may follow in its record: number ``sequence``, after the one of id ``previous``.

    One that says it was ``resumed`` has a higher number: what lies between is in the ledger alone.
    """
    if decision.resumed and decision.sequence > sequence:
        return
    if decision.resumed or decision.sequence != sequence:
        raise ChainError("A decision is missing from a custodian's record, or stands there twice.")
    if decision.previous != previous:
        raise ChainError("A decision is not chained to the one before.")
