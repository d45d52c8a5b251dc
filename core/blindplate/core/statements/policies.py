"""What a camera is told, and what is public about cameras: zone policies and zone registers.

A camera takes domains, disclosure and keys only from a policy that both custodians signed. Protocol sections 3, 4, 7.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from blindplate.core.domains import Domain
from blindplate.core.encoding import digest
from blindplate.core.errors import ExpiredError, UnknownDomainError
from blindplate.core.signing import MAX_PAYLOAD_BYTES
from blindplate.core.statements.disclosure import Disclosure
from blindplate.core.statements.grants import ListKind
from blindplate.core.statements.model import (
    Count,
    EpochRulePart,
    Hex32,
    Moment,
    Name,
    Part,
    StatementModel,
    Text,
)


class PseudonymMode(StrEnum):
    """Where a camera's pseudonyms are made: blinded at the custodians, or on the camera with keys sealed to it."""

    OBLIVIOUS = "oblivious"
    LOCAL = "local"


class ListPolicy(Part):
    """How a zone's reads are treated for one list. Evaluation keys are ristretto255 points."""

    list_id: Name
    list_kind: ListKind
    generation: Annotated[int, Field(ge=0, lt=1 << 32)]
    grant_id: Name
    epoch: EpochRulePart
    disclosure: Disclosure
    evaluation_key_a: Hex32
    evaluation_key_b: Hex32


class ZonePolicy(StatementModel):
    """Everything a camera of one zone is to do; signed by both custodians.

    ``custodian_a`` and ``custodian_b`` sign release keys, ``matcher`` signs window keys (Ed25519 public keys).
    """

    kind: ClassVar[str] = "zone-policy"

    version: Literal[1] = 1
    zone: Name
    serial: Count
    not_before: Moment
    not_after: Moment
    mode: PseudonymMode
    custodian_a: Hex32
    custodian_b: Hex32
    matcher: Hex32
    lists: tuple[ListPolicy, ...]

    def require_in_force(self, moment: float) -> None:
        """Raise ExpiredError unless ``moment`` (seconds since 1970, UTC) lies inside the policy's time."""
        if not self.not_before <= moment < self.not_after:
            raise ExpiredError(
                f"The policy of zone {self.zone} is not in force.", "Install the zone's current policy file."
            )

    def domain(self, entry: ListPolicy) -> Domain:
        """The domain one of this policy's lists has in this zone."""
        return Domain(entry.list_id, self.zone, entry.generation)

    def find(self, domain: Domain) -> ListPolicy:
        """The policy for ``domain``. Raises UnknownDomainError when this zone has no such list or generation."""
        for entry in self.lists:
            if self.domain(entry) == domain:
                return entry
        raise UnknownDomainError(
            "The zone's policy does not name that list and generation.", "Fetch the current policy."
        )


class RegisteredCamera(Part):
    """One camera of a zone's public register. ``identity`` is its SPIFFE id, ``signing_key`` Ed25519."""

    camera_id: Name
    identity: Text
    signing_key: Hex32
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    evaluations_per_hour: Annotated[int, Field(ge=0, le=1_000_000)] = 3_900


class ZoneRegister(StatementModel):
    """The cameras of one zone, public; signed by the operator. No two share a name, an identity or a key."""

    kind: ClassVar[str] = "zone-register"
    # A whole city's cameras, at about 300 bytes each.
    max_bytes: ClassVar[int] = MAX_PAYLOAD_BYTES

    version: Literal[1] = 1
    zone: Name
    generation: Annotated[int, Field(ge=0, lt=1 << 32)]
    cameras: tuple[RegisteredCamera, ...]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for told in ("camera_id", "identity", "signing_key"):
            # A custodian vouches for the camera whose key signed: two behind one key would be one to everybody.
            if len({getattr(camera, told) for camera in self.cameras}) != len(self.cameras):
                raise ValueError(f"two cameras share one {told}")
        return self


def register_digest(payload: bytes) -> bytes:
    """The digest by which a grant names a zone register: over the statement's payload bytes. 32 bytes."""
    return digest("zone-register", payload)
