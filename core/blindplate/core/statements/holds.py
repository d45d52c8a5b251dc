"""Legal holds: one piece of evidence kept longer than its grant says, in public.

A hold is of a release request that was entered, so of a record that was claimed: nothing else can be named. It keeps what
the owner has and nothing besides, whatever the custodians and the matcher destroy in their time. Why is one of a closed
list, since what an owner wrote freely everyone would read for ever. Protocol section 7, guarantee G7; docs/spec/owner.md
section 9.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Final, Literal, Self

from pydantic import model_validator

from blindplate.core.statements.model import Hex32, Moment, Name, StatementModel, Text

MAX_HOLD_DAYS: Final = 366


class HoldReason(StrEnum):
    """What a piece of evidence may be kept longer for."""

    CRIMINAL_PROCEEDINGS = "criminal-proceedings"
    CIVIL_PROCEEDINGS = "civil-proceedings"
    CHARGE_APPEAL = "charge-appeal"
    COMPLAINT = "complaint"
    SUBJECT_REQUEST = "subject-request"
    COURT_ORDER = "court-order"


class LegalHold(StatementModel):
    """The evidence of a request is kept until ``until``; signed with the grant's owner key.

    ``lawful_basis`` is the law or order that requires it. A later one of the same request takes this one's place.
    """

    kind: ClassVar[str] = "legal-hold"

    version: Literal[1] = 1
    grant_id: Name
    request_id: Hex32
    reason: HoldReason
    lawful_basis: Text
    until: Moment
    made_at: Moment

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not self.made_at < self.until <= self.made_at + MAX_HOLD_DAYS * 86_400:
            raise ValueError(f"a hold ends within {MAX_HOLD_DAYS} days of when it was made")
        return self


class HoldEnd(StatementModel):
    """A hold is over before its time; signed with the grant's owner key."""

    kind: ClassVar[str] = "hold-end"

    version: Literal[1] = 1
    grant_id: Name
    request_id: Hex32
    made_at: Moment
