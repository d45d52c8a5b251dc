"""Who has access: every agency with its grants, what was published about each, and the cameras of every zone.

Protocol section 7; docs/spec/audit.md section 4. Whether a published document says what it should is for its readers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from blindplate.client.auditor.cameras import Cameras
from blindplate.client.auditor.grants import GrantDates
from blindplate.client.auditor.wording import FIELDS, LIST_KINDS, MODES, agency
from blindplate.core.errors import GrantError
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import Custodian
from blindplate.core.statements.cameras import CameraStanding, CameraStatus
from blindplate.core.statements.grants import Grant


class GrantStanding(StrEnum):
    """Where a grant stands at the checkpoint."""

    IN_FORCE = "in force"
    SUSPENDED = "suspended"
    TO_COME = "not yet in force"
    EXPIRED = "expired"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Document:
    """A published document: its address and the SHA-256 (hexadecimal) of its bytes."""

    address: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to a grant: which entry, and what."""

    entry: int
    what: str


@dataclass(frozen=True, slots=True)
class GrantFigures:
    """A grant as its latest amendment has it, and its history. Times are seconds since 1970, UTC."""

    grant_id: str
    standing: GrantStanding
    list_id: str
    list_kind: str
    purpose: str
    lawful_basis: str
    zones: tuple[str, ...]
    not_before: int
    not_after: int
    notice_seconds: int
    privacy_assessment: Document
    equality_assessment: Document
    consultation: str
    decision: str
    list_size: int
    release: str
    officers: int
    daily_releases: int
    emergency: bool
    discloses: tuple[str, ...]
    kept_seconds: int
    evidence_days: int
    history: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Agency:
    """One list owner (``owner`` is its SPIFFE id) and its grants."""

    name: str
    owner: str
    grants: tuple[GrantFigures, ...]


@dataclass(frozen=True, slots=True)
class ZoneFigures:
    """One zone's cameras, by its latest register; ``reporting`` are those that ever signed counts."""

    zone: str
    generation: int
    cameras: int
    suspected: int
    revoked: int
    reporting: int
    register_digest: str


def agencies(grants: Mapping[str, GrantHistory], dates: GrantDates, as_of: int) -> tuple[Agency, ...]:
    """Every agency that ever had a grant, with all its grants as they stand at ``as_of``."""
    by_owner: dict[str, list[GrantFigures]] = {}
    for _, history in sorted(grants.items()):
        by_owner.setdefault(history.latest.owner, []).append(_grant(history, dates, as_of))
    return tuple(Agency(agency(owner), owner, tuple(held)) for owner, held in sorted(by_owner.items()))


def zones(state: LedgerState, statuses: Sequence[CameraStatus], cameras: Cameras) -> tuple[ZoneFigures, ...]:
    """Every zone that ever had a register."""
    found: list[ZoneFigures] = []
    for zone in sorted({register.zone for register in state.registers.values()}):
        current = state.current_register(zone)
        if current is None:
            continue
        registered = state.registers[current.register_digest].cameras
        last = {one.identity: one.standing for one in statuses}
        found.append(
            ZoneFigures(
                zone,
                current.generation,
                current.cameras,
                sum(last.get(camera.identity) is CameraStanding.SUSPECT for camera in registered),
                sum(last.get(camera.identity) is CameraStanding.REVOKED for camera in registered),
                sum((zone, camera.camera_id) in cameras.last for camera in registered),
                current.register_digest.hex(),
            )
        )
    return tuple(found)


def _grant(history: GrantHistory, dates: GrantDates, as_of: int) -> GrantFigures:
    grant = history.latest
    return GrantFigures(
        grant_id=grant.grant_id,
        standing=_standing(history, dates, as_of),
        list_id=grant.list_id,
        list_kind=LIST_KINDS[grant.list_kind],
        purpose=grant.purpose,
        lawful_basis=grant.lawful_basis,
        zones=tuple(zone.zone for zone in grant.zones),
        not_before=grant.not_before,
        not_after=grant.not_after,
        notice_seconds=grant.notice_seconds,
        privacy_assessment=Document(grant.privacy_assessment.address, grant.privacy_assessment.sha256.hex()),
        equality_assessment=Document(
            grant.equality_assessment.address, grant.equality_assessment.sha256.hex()
        ),
        consultation=grant.consultation,
        decision=grant.decision,
        list_size=grant.list_size,
        release=MODES[grant.release.mode],
        officers=grant.release.officers,
        daily_releases=grant.release.daily_quota,
        emergency=grant.release.emergency,
        discloses=tuple(FIELDS[one] for one in sorted(grant.disclosure.fields)),
        kept_seconds=grant.window_seconds,
        evidence_days=grant.evidence_days,
        history=_history(history, dates),
    )


def _standing(history: GrantHistory, dates: GrantDates, as_of: int) -> GrantStanding:
    if history.grant_id in dates.ends:
        return GrantStanding.ENDED
    if any(history.suspended(custodian, as_of) for custodian in Custodian):
        return GrantStanding.SUSPENDED
    if as_of >= history.latest.not_after:
        return GrantStanding.EXPIRED
    try:
        history.at(as_of)
    except GrantError:
        return GrantStanding.TO_COME
    return GrantStanding.IN_FORCE


def _history(history: GrantHistory, dates: GrantDates) -> tuple[Change, ...]:
    changes = [
        Change(
            one.index,
            f"Amendment {one.grant.amendment}: {_difference(history.amendments[number - 1].grant, one.grant)}"
            if number
            else "Entered, signed by the operator and both custodians",
        )
        for number, one in enumerate(history.amendments)
    ]
    changes += [
        Change(
            one.index,
            f"Custodian {one.statement.custodian.name} "
            f"{'suspended it' if one.statement.suspended else 'acts on it again'}: {one.statement.reason}",
        )
        for one in history.suspensions
    ]
    end = dates.ends.get(history.grant_id)
    if end is not None:
        changes.append(Change(end.index, f"Ended: {end.reason}"))
    return tuple(sorted(changes, key=lambda change: change.entry))


def _difference(before: Grant, after: Grant) -> str:
    changed = [
        name.replace("_", " ")
        for name in type(after).model_fields
        if name != "amendment" and getattr(before, name) != getattr(after, name)
    ]
    return f"changes {', '.join(changed)}" if changed else "changes nothing"
