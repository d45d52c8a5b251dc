"""A grant as people write it: a TOML file with dates, zone names and the assessments' files, made into a draft.

Guarantees that a draft names the registers as they stand in the ledger and the digests of the very files given, and
that one without two assessments, a notice period or a register for every zone, or one that nobody would sign
(``checks``), is refused with the reason. It signs nothing. Protocol section 7; docs/spec/grants.md section 1.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, Field, ValidationError
from pydantic_core import ErrorDetails

from blindplate.client.grants.checks import require_fitting, require_known_set, require_notice
from blindplate.client.owner.settings import OwnerSettings
from blindplate.core.errors import GrantError, SettingsError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.statements.disclosure import Disclosure
from blindplate.core.statements.grants import (
    DEFAULT_EVIDENCE_DAYS,
    Assessment,
    ChargingTerms,
    Grant,
    GrantedZone,
    ListKind,
    ReleasePolicy,
)
from blindplate.core.statements.model import EpochRulePart, Hex32, Name, Part, Text
from blindplate.edge.tls import spiffe_id

_LARGEST_FILE = 64 << 20


class AssessmentDescription(Part):
    """A published document: its address, and the file whose digest goes into the grant."""

    address: Text
    file: Path


class GrantDescription(Part):
    """What a person decides about a grant; the rest is looked up. Fields are those of ``Grant`` where named alike."""

    grant_id: Name
    amendment: Annotated[int, Field(ge=0)] = 0
    list_id: Name
    list_kind: ListKind
    zones: Annotated[tuple[Name, ...], Field(min_length=1)]
    not_before: AwareDatetime
    not_after: AwareDatetime
    notice_days: Annotated[float, Field(gt=0)]
    purpose: Text
    lawful_basis: Text
    privacy_assessment: AssessmentDescription
    equality_assessment: AssessmentDescription
    consultation: Text
    decision: Text
    list_size: Annotated[int, Field(ge=1)]
    capacity: Annotated[int, Field(ge=1)]
    evaluations_per_day: Annotated[int, Field(ge=1)]
    evaluations_per_generation: Annotated[int, Field(ge=1)]
    release: ReleasePolicy
    disclosure: Disclosure
    epoch: EpochRulePart
    window_hours: Annotated[float, Field(gt=0)]
    tick_seconds: Annotated[float, Field(gt=0)] = 1.0
    batches_per_tick: Annotated[int, Field(ge=1)] = 1
    parameter_set: Name = "prompt"
    charging: ChargingTerms | None = None
    evidence_days: Annotated[int, Field(ge=1)] = DEFAULT_EVIDENCE_DAYS


def read_description(path: Path) -> GrantDescription:
    """The description in a TOML file. Raises SettingsError naming what is missing or wrong."""
    try:
        return GrantDescription(**tomllib.loads(path.read_text()))
    except OSError as error:
        raise SettingsError(
            f"The description {path} cannot be read: {error.strerror}.", "Name another file."
        ) from None
    except ValidationError as error:
        places = ", ".join(sorted({_place(item) for item in error.errors()}))
        raise SettingsError(
            f"The description {path} has missing, unknown or wrong fields: {places}.",
            "Compare it with docs/spec/grants.md.",
        ) from None
    except ValueError as error:
        raise SettingsError(f"The description {path} is not TOML: {error}.") from None


def draft(
    description: GrantDescription,
    folder: Path,
    owner: OwnerSettings,
    owner_key: bytes,
    state: LedgerState,
    parameter_sets: Collection[str],
    *,
    short_notice: bool = False,
) -> Grant:
    """The grant of a description; files count from ``folder``.

    Raises GrantError when a zone has no register in the ledger or the grant contradicts itself, SettingsError for an
    assessment that cannot be read, GrantError and EntryError as ``checks`` does.
    """
    fields = description.model_dump(
        exclude={
            "zones", "not_before", "not_after", "notice_days", "window_hours", "privacy_assessment",
            "equality_assessment",
        }
    )  # fmt: skip
    try:
        grant = Grant(
            **fields,
            owner=spiffe_id("owner", owner.name),
            owner_key=owner_key,
            zones=tuple(_zone(zone, state) for zone in description.zones),
            not_before=_seconds(description.not_before),
            not_after=_seconds(description.not_after),
            notice_seconds=max(1, round(86_400 * description.notice_days)),
            window_seconds=round(3600 * description.window_hours),
            privacy_assessment=_assessment(description.privacy_assessment, folder),
            equality_assessment=_assessment(description.equality_assessment, folder),
        )
    except ValidationError as error:
        reasons = "; ".join(str(item["msg"]) for item in error.errors())
        raise GrantError(f"The grant contradicts itself: {reasons}.", "Correct its description.") from None
    require_fitting(grant, state)
    require_known_set(grant, parameter_sets)
    require_notice(grant, short_notice=short_notice)
    return grant


def _place(item: ErrorDetails) -> str:
    place = ".".join(map(str, item["loc"])) or "all of it"
    # Our own words alone: those of the library quote what was written.
    return (
        f"{place} ({item['msg'].removeprefix('Value error, ')})" if item["type"] == "value_error" else place
    )


def _zone(zone: str, state: LedgerState) -> GrantedZone:
    found = state.current_register(zone)
    if found is None:
        raise GrantError(
            f"The ledger holds no camera register of zone {zone}.", "Have the operator enter it first."
        )
    return GrantedZone(zone=zone, generation=found.generation, register_digest=found.register_digest)


def _assessment(described: AssessmentDescription, folder: Path) -> Assessment:
    path = folder / described.file
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise SettingsError(
                f"The assessment {path} is longer than 64 MiB.", "Name the published document."
            )
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"The assessment {path} cannot be read: {error.strerror}.", "Name the published document's file."
        ) from None
    return Assessment(address=described.address, sha256=_digest(content))


def _digest(content: bytes) -> Hex32:
    return sha256(content).digest()


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
