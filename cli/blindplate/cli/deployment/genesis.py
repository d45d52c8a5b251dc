"""The first entries of a deployment's ledger: registers, cameras, grants, evaluation keys and zone policies.

They are signed here by the keys of every party at once, which is what a deployment to try the software with is. In
force they are only once both custodians have witnessed them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from blindplate.cli.deployment.plan import Plan
from blindplate.cli.deployment.statements import Signers
from blindplate.core.domains import Domain
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import DomainKey
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.announced_keys import EvaluationKey
from blindplate.core.statements.cameras import CameraStanding, CameraStatus, RegisterEntry
from blindplate.core.statements.model import DomainPart
from blindplate.edge.keyfiles import read_statement


@dataclass(frozen=True, slots=True)
class Genesis:
    """Entries in order, and the documents they name."""

    entries: tuple[Statement, ...]
    documents: tuple[Statement, ...]


def genesis(public: Path, plan: Plan, signers: Signers, registers: Mapping[str, bytes]) -> Genesis:
    """What a ledger begins with. ``registers`` are the zones' register digests; their files lie in ``public``."""
    documents = tuple(read_statement(public / "registers" / f"{zone}.json") for zone in registers)
    return Genesis(
        entries=(
            *_register_entries(plan, signers, registers),
            *_cameras(plan, signers),
            *(read_statement(public / "grants" / f"{entry.list_id}.json") for entry in plan.lists),
            *_evaluation_keys(plan, signers),
            *(read_statement(public / "policies" / f"{zone}.json") for zone in plan.zones),
        ),
        documents=documents,
    )


def _register_entries(plan: Plan, signers: Signers, registers: Mapping[str, bytes]) -> list[Statement]:
    return [
        RegisterEntry(
            zone=zone,
            generation=plan.generation,
            cameras=sum(camera.zone == zone for camera in plan.cameras),
            register_digest=digest,
            made_at=plan.begins,
        ).statement(signers.operator)
        for zone, digest in registers.items()
    ]


def _cameras(plan: Plan, signers: Signers) -> list[Statement]:
    return [
        CameraStatus(
            camera_id=camera.name,
            zone=camera.zone,
            identity=signers.identities[camera.name],
            signing_key=signers.cameras[camera.name],
            standing=CameraStanding.ENROLLED,
            reason="Enrolled with the deployment.",
            made_at=plan.begins,
        ).statement(signers.operator)
        for camera in plan.cameras
    ]


def _evaluation_keys(plan: Plan, signers: Signers) -> list[Statement]:
    sides: tuple[tuple[Custodian, bytes, SigningKey], ...] = (
        (Custodian.A, signers.seed_a, signers.custodian_a),
        (Custodian.B, signers.seed_b, signers.custodian_b),
    )
    return [
        EvaluationKey(
            custodian=custodian,
            domain=DomainPart.of(domain),
            public=DomainKey.derive(seed, domain).public,
        ).statement(signer)
        for entry in plan.lists
        for zone in plan.zones
        for domain in [Domain(entry.list_id, zone, plan.generation)]
        for custodian, seed, signer in sides
    ]
