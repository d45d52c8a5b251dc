"""Grants: the key to everything. No pseudonym is evaluated and no list matched outside a grant in force.

A grant is drafted by an owner, signed by the operator, countersigned by both custodians and entered in the ledger.
Guarantees that a grant names two assessments, different documents neither of which is empty, and that every text in it
says something; that they were published, and what they say, is for readers to check. Protocol section 7.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from blindplate.core.domains import CHARGING_DAY, Domain
from blindplate.core.errors import GrantError
from blindplate.core.statements.disclosure import Disclosure
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
from blindplate.core.statements.priorities import Priority
from blindplate.core.statements.purposes import Purpose

_DAY_SECONDS: Final = 86_400
# Beside the days to pay: the charging day itself, and one on which what was kept is opened.
_OPENING_DAYS: Final = 2
# What a grant that names no other number of days allows its owner.
DEFAULT_EVIDENCE_DAYS: Final = 31
_NO_DOCUMENT: Final = sha256(b"").digest()


class ListKind(StrEnum):
    """What a list is for: it decides units of time and of release."""

    HOTLIST = "hotlist"
    EMISSIONS = "emissions"


class ReleaseMode(StrEnum):
    """Who decides on a release at each custodian: nobody, nobody as far as a standing authorisation goes, or officers."""

    AUTOMATIC = "automatic"
    STANDING = "standing"
    MANUAL = "manual"


class Assessment(Part):
    """A published document: where it is and the SHA-256 of its bytes, of which there are some."""

    address: Text
    sha256: Hex32

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.sha256 == _NO_DOCUMENT:
            raise ValueError("an assessment is an empty document")
        return self


class GrantedZone(Part):
    """One zone: its key generation and the digest of its public camera register."""

    zone: Name
    generation: Annotated[int, Field(ge=0, lt=1 << 32)]
    register_digest: Hex32


class StandingAuthorisation(Part):
    """Releases that need no officer: for these purposes, at most so many a day (UTC) at each custodian.

    And of entries of these priorities alone, as the owner committed to them before the capture; all unless named.
    """

    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    daily_quota: Count
    priorities: Annotated[tuple[Priority, ...], Field(min_length=1)] = tuple(Priority)


class ReleasePolicy(Part):
    """How records of this list are released: by whom, and at most how many a day (UTC) at each custodian.

    ``daily_quota`` bounds all releases together. ``officers`` is how many distinct officers must approve what is not
    released without one, as an uncertain reading is in no mode: two for four eyes. With ``emergency`` a request may
    skip approval, and nothing else.
    """

    mode: ReleaseMode
    daily_quota: Count
    officers: Annotated[int, Field(ge=1, le=5)] = 1
    standing: StandingAuthorisation | None = None
    emergency: bool = False

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.mode is ReleaseMode.STANDING) != (self.standing is not None):
            raise ValueError("a standing authorisation belongs to the mode standing and to no other")
        return self


class ChargingTerms(Part):
    """Charging in two stages: reads are kept on the day and opened when payment has closed (``core.charging``).

    That is at the end, in London, of the ``payment_days``-th day after the charging day.
    """

    payment_days: Annotated[int, Field(ge=0, le=30)]


class Grant(StatementModel):
    """One owner's right to have one list matched in some zones for some time.

    ``amendment`` counts from 0; an amendment takes the place of the one before it when it comes into force, which is
    at ``not_before`` and no sooner than ``notice_seconds`` after both custodians witnessed it.
    ``owner`` is a SPIFFE id, ``owner_key`` the Ed25519 key that signs the owner's manifests and release requests.
    Quotas: ``capacity`` bounds bins times degree summed over the live segments of an epoch; ``evaluations_per_day``
    the pseudonyms an owner may have evaluated at each custodian in a UTC day, ``evaluations_per_generation`` those
    under one key generation altogether: whatever is evaluated stays valid as long as the key does, so that this alone
    bounds how many plates an owner can ever look for. ``window_seconds`` is how long an
    unclaimed record is kept; ``tick_seconds`` the pace of batches, ``batches_per_tick`` their number. Under
    ``charging`` terms no match secret is given out before payment for its day has closed. ``evidence_days`` is how long
    after its capture a claimed record, and all that came of it, may be kept by the owner (``core.retention``).
    """

    kind: ClassVar[str] = "grant"

    version: Literal[1] = 1
    grant_id: Name
    amendment: Annotated[int, Field(ge=0, lt=1 << 20)] = 0
    owner: Text
    owner_key: Hex32
    list_id: Name
    list_kind: ListKind
    zones: Annotated[tuple[GrantedZone, ...], Field(min_length=1)]
    not_before: Moment
    not_after: Moment
    notice_seconds: Annotated[int, Field(ge=1, lt=1 << 32)]
    purpose: Text
    lawful_basis: Text
    privacy_assessment: Assessment
    equality_assessment: Assessment
    consultation: Text
    decision: Text
    list_size: Annotated[int, Field(ge=1, le=50_000_000)]
    capacity: Count
    evaluations_per_day: Count
    evaluations_per_generation: Count
    release: ReleasePolicy
    disclosure: Disclosure
    epoch: EpochRulePart
    window_seconds: Annotated[int, Field(ge=1, le=31 * 86_400)]
    tick_seconds: Annotated[float, Field(gt=0, le=3600)] = 1.0
    batches_per_tick: Annotated[int, Field(ge=1, le=64)] = 1
    parameter_set: Name
    charging: ChargingTerms | None = None
    evidence_days: Annotated[int, Field(ge=1, le=2_555)] = DEFAULT_EVIDENCE_DAYS

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.not_after <= self.not_before:
            raise ValueError("a grant ends before it begins")
        if self.release.mode is ReleaseMode.AUTOMATIC and self.list_kind is not ListKind.EMISSIONS:
            raise ValueError("only an emissions list is released automatically")
        if len({zone.zone for zone in self.zones}) != len(self.zones):
            raise ValueError("a zone is named twice")
        if self.privacy_assessment.sha256 == self.equality_assessment.sha256:
            raise ValueError("one document is named as both assessments")
        self.epoch.rule()
        if self.charging is not None:
            self._require_chargeable(self.charging)
        return self

    def _require_chargeable(self, terms: ChargingTerms) -> None:
        if self.list_kind is not ListKind.EMISSIONS or self.epoch.rule() != CHARGING_DAY:
            raise ValueError("charging terms are for an emissions list cut by charging days alone")
        needed = terms.payment_days + _OPENING_DAYS
        if self.window_seconds < needed * _DAY_SECONDS:
            raise ValueError(
                f"a grant with {terms.payment_days} days to pay needs a window of {needed} days at least"
            )
        if self.evidence_days < needed:
            raise ValueError(
                f"a grant with {terms.payment_days} days to pay needs its evidence for {needed} days at least"
            )

    def domains(self) -> tuple[Domain, ...]:
        """Every domain this grant opens."""
        return tuple(Domain(self.list_id, zone.zone, zone.generation) for zone in self.zones)

    def require_in_force(self, moment: float) -> None:
        """Raise GrantError unless ``moment`` (seconds since 1970, UTC) lies inside the grant."""
        if not self.not_before <= moment < self.not_after:
            raise GrantError(
                f"Grant {self.grant_id} is not in force at that time.",
                "Ask for a grant that covers the time.",
            )

    def require_domain(self, domain: Domain) -> None:
        """Raise GrantError unless the grant opens ``domain``."""
        if domain not in self.domains():
            raise GrantError(
                f"Grant {self.grant_id} does not cover that list, zone and key generation.",
                "Use the zones and generations the grant names, or have it amended.",
            )

    def require_owner(self, identity: str) -> None:
        """Raise GrantError unless ``identity`` (a SPIFFE id) is the grant's owner."""
        if identity != self.owner:
            raise GrantError(f"Grant {self.grant_id} belongs to another owner.", "Use a grant of your own.")
