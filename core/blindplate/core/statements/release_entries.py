"""What the public sees of a release: that it was asked for and why, what each custodian said, what came of it.

No plate, no pseudonym, no case number: a case is named by a salted commitment. The full request and decision are
between the requester and the custodians (``releases``). Protocol sections 6 and 7, guarantee G6.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from blindplate.core.encoding import digest
from blindplate.core.parties import Custodian
from blindplate.core.statements.model import Count, Hex32, Moment, Name, StatementModel, Text
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.releases import Verdict


class RequestEntry(StatementModel):
    """A release was asked for; signed with the grant's owner key.

    ``request_id`` is the statement id of the full request, which holds a random nonce. ``alternate`` says that the
    record is of a spelling the engine held less likely, ``emergency`` that approval was to be skipped.
    """

    kind: ClassVar[str] = "request-entry"

    version: Literal[1] = 1
    request_id: Hex32
    grant_id: Name
    requester: Text
    list_id: Name
    zone: Name
    purpose: Purpose
    lawful_basis: Text
    case_commitment: Hex32
    alternate: bool
    emergency: bool
    made_at: Moment
    expires_at: Moment


class DecisionEntry(StatementModel):
    """One custodian's decision; signed by it.

    ``sequence`` counts the custodian's decisions from 0 and ``decision_id`` is the statement id of the full decision,
    which is chained to the one before, so that none can be left out. ``subject_tag`` is custodian B's alone, on an
    approval: what lets it, and nobody else, tell a keeper later (``custodian/subjects``).
    """

    kind: ClassVar[str] = "decision-entry"

    version: Literal[1] = 1
    custodian: Custodian
    sequence: Count
    decision_id: Hex32
    previous: Hex32
    request_id: Hex32
    grant_id: Name
    verdict: Verdict
    code: Name
    automatic: bool
    emergency: bool
    officers: Annotated[int, Field(ge=0, le=16)]
    subject_tag: Hex32 | None = None
    decided_at: Moment


class Outcome(StrEnum):
    """What came of an approved release, as the owner says."""

    OPENED = "opened"
    CONFIRMED = "confirmed"
    MISREAD = "misread"
    NOT_SOUGHT = "not-the-vehicle-sought"
    FAILED = "failed"


class OutcomeEntry(StatementModel):
    """What came of a release; signed with the grant's owner key. ``failed``: the record did not open as it must."""

    kind: ClassVar[str] = "outcome-entry"

    version: Literal[1] = 1
    request_id: Hex32
    grant_id: Name
    outcome: Outcome
    made_at: Moment


def commit_case(salt: bytes, case_reference: str) -> bytes:
    """The commitment (32 bytes) to a case reference under 16 random bytes."""
    return digest("case-reference", salt, case_reference.encode())
