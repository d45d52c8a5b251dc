"""What the ledger says of cameras: registers, enrolment and revocation, and the counts they sign (protocol section 7)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from blindplate.core.statements.model import Count, Hex32, Moment, Name, Part, StatementModel, Text


class RegisterEntry(StatementModel):
    """A zone's camera register, entered by its digest; signed by the operator.

    The register itself is too long for an entry: it is the ledger's document of the same digest
    (``policies.register_digest``), a signed ``ZoneRegister`` in DSSE JSON.
    """

    kind: ClassVar[str] = "register-entry"

    version: Literal[1] = 1
    zone: Name
    generation: Annotated[int, Field(ge=0, lt=1 << 32)]
    cameras: Count
    register_digest: Hex32
    made_at: Moment


class CameraStanding(StrEnum):
    """Whether a camera's records and requests count."""

    ENROLLED = "enrolled"
    SUSPECT = "suspect"
    REVOKED = "revoked"


class CameraStatus(StatementModel):
    """A camera is enrolled, under suspicion or revoked; signed by the operator.

    ``identity`` is its SPIFFE id. A suspected camera's records count, with its quota cut. A revoked camera is refused everywhere as soon as this is witnessed; one that is
    enrolled anew has a new key. ``reason`` is public.
    """

    kind: ClassVar[str] = "camera-status"

    version: Literal[1] = 1
    camera_id: Name
    zone: Name
    identity: Text
    signing_key: Hex32
    standing: CameraStanding
    reason: Text
    made_at: Moment


class ListCount(Part):
    """How many records of one list."""

    list_id: Name
    records: Count


class CameraCounts(StatementModel):
    """How many records a camera has had accepted by the matcher, in all since ``since``; signed with its own key.

    Totals, not differences: one that is lost or comes twice changes nothing. A camera whose state was lost begins
    anew with a later ``since`` (seconds since 1970, UTC), and both count.
    """

    kind: ClassVar[str] = "camera-counts"

    version: Literal[1] = 1
    camera_id: Name
    zone: Name
    since: Moment
    accepted: tuple[ListCount, ...]
    made_at: Moment
