"""The signed statements of a deployment: zone registers, grants and zone policies.

Each is checked by the model it is made from before it is signed; protocol sections 3, 4 and 7 say what it means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from blindplate.cli.deployment.plan import ListPlan, Plan
from blindplate.core.domains import Domain
from blindplate.core.pseudonyms import DomainKey
from blindplate.core.signing import SigningKey
from blindplate.core.statements.grants import Assessment, ChargingTerms, Grant, GrantedZone, ReleasePolicy
from blindplate.core.statements.model import EpochRulePart
from blindplate.core.statements.policies import (
    ListPolicy,
    RegisteredCamera,
    ZonePolicy,
    ZoneRegister,
    register_digest,
)
from blindplate.edge.keyfiles import write_public, write_statement

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Signers:
    """Whose keys sign, and the public keys and SPIFFE ids (by party name) that statements name."""

    operator: SigningKey
    custodian_a: SigningKey
    custodian_b: SigningKey
    matcher: bytes
    cameras: Mapping[str, bytes]
    owners: Mapping[str, bytes]
    identities: Mapping[str, str]
    seed_a: bytes
    seed_b: bytes


def sign_registers(public: Path, plan: Plan, signers: Signers) -> dict[str, bytes]:
    """Write ``registers/ZONE.json`` for every zone, signed by the operator; give each zone's register digest."""
    digests: dict[str, bytes] = {}
    for zone in plan.zones:
        cameras = tuple(
            RegisteredCamera(
                camera_id=camera.name,
                identity=signers.identities[camera.name],
                signing_key=signers.cameras[camera.name],
                latitude=camera.latitude,
                longitude=camera.longitude,
                evaluations_per_hour=camera.evaluations_per_hour,
            )
            for camera in plan.cameras
            if camera.zone == zone
        )
        register = ZoneRegister(zone=zone, generation=plan.generation, cameras=cameras)
        statement = register.statement(signers.operator)
        write_statement(public / "registers" / f"{zone}.json", statement)
        digests[zone] = register_digest(statement.payload)
    return digests


def sign_grants(public: Path, plan: Plan, signers: Signers, registers: Mapping[str, bytes]) -> None:
    """Write ``grants/LIST.json`` for every list, signed by the operator and countersigned by both custodians."""
    for entry in plan.lists:
        grant = Grant(
            grant_id=grant_name(entry),
            owner=signers.identities[entry.owner],
            owner_key=signers.owners[entry.owner],
            list_id=entry.list_id,
            list_kind=entry.kind,
            zones=tuple(
                GrantedZone(zone=zone, generation=plan.generation, register_digest=digest)
                for zone, digest in registers.items()
            ),
            not_before=plan.begins,
            not_after=plan.begins + plan.days * _DAY,
            notice_seconds=plan.notice_seconds,
            purpose=entry.purpose,
            lawful_basis="Data Protection Act 2018"
            if entry.release.value == "manual"
            else "UK GDPR article 6(1)(e)",
            privacy_assessment=_assessment(public, f"{entry.list_id}-privacy", entry),
            equality_assessment=_assessment(public, f"{entry.list_id}-equality", entry),
            consultation="None: a deployment to try the software with.",
            decision="None: a deployment to try the software with.",
            list_size=entry.list_size,
            # Bins are padded, and deltas of an epoch are padded each: four times the list leaves room for both.
            capacity=4 * entry.list_size + 50_000,
            # Once for each entry and zone; the rest is for entries that change and for plates looked up at a release.
            evaluations_per_day=4 * entry.list_size * len(registers) + 10_000,
            evaluations_per_generation=4 * entry.list_size * len(registers) + 10_000,
            release=ReleasePolicy(
                mode=entry.release,
                daily_quota=entry.daily_releases,
                officers=entry.officers,
                emergency=entry.emergency,
            ),
            disclosure=entry.disclosure,
            epoch=EpochRulePart.of(entry.epoch),
            window_seconds=entry.window_seconds,
            tick_seconds=entry.tick_seconds,
            parameter_set=entry.parameter_set,
            charging=None if entry.payment_days is None else ChargingTerms(payment_days=entry.payment_days),
        )
        statement = grant.statement(signers.operator, signers.custodian_a, signers.custodian_b)
        write_statement(public / "grants" / f"{entry.list_id}.json", statement)


def sign_policies(public: Path, plan: Plan, signers: Signers) -> None:
    """Write ``policies/ZONE.json`` for every zone, signed by both custodians."""
    for zone in plan.zones:
        policy = ZonePolicy(
            zone=zone,
            serial=1,
            not_before=plan.begins,
            not_after=plan.begins + plan.days * _DAY,
            mode=plan.mode,
            custodian_a=signers.custodian_a.public,
            custodian_b=signers.custodian_b.public,
            matcher=signers.matcher,
            lists=tuple(_list_policy(entry, zone, plan, signers) for entry in plan.lists),
        )
        write_statement(
            public / "policies" / f"{zone}.json", policy.statement(signers.custodian_a, signers.custodian_b)
        )


def _list_policy(entry: ListPlan, zone: str, plan: Plan, signers: Signers) -> ListPolicy:
    domain = Domain(entry.list_id, zone, plan.generation)
    return ListPolicy(
        list_id=entry.list_id,
        list_kind=entry.kind,
        generation=plan.generation,
        grant_id=grant_name(entry),
        epoch=EpochRulePart.of(entry.epoch),
        disclosure=entry.disclosure,
        evaluation_key_a=DomainKey.derive(signers.seed_a, domain).public,
        evaluation_key_b=DomainKey.derive(signers.seed_b, domain).public,
    )


def grant_name(entry: ListPlan) -> str:
    """The name of a list's grant."""
    return f"{entry.list_id}-1"


def _assessment(public: Path, name: str, entry: ListPlan) -> Assessment:
    text = f"# {name}\n\nA placeholder for the published assessment of the list {entry.list_id}.\n".encode()
    path = public / "assessments" / f"{name}.md"
    write_public(path, text)
    return Assessment(address=f"assessments/{path.name}", sha256=sha256(text).digest())
