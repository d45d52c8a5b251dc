"""Signers, and statements that a custodian reads in the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.cameras import RegisterEntry
from blindplate.core.statements.disclosure import DisclosedField, Disclosure
from blindplate.core.statements.grants import (
    Assessment,
    Grant,
    GrantedZone,
    ListKind,
    ReleaseMode,
    ReleasePolicy,
)
from blindplate.core.statements.model import EpochRulePart
from blindplate.core.statements.policies import RegisteredCamera, ZoneRegister, register_digest
from blindplate.edge.settings import TrustedKeys
from blindplate.edge.tls import spiffe_id

BEGIN, END = 1_000, 2_000
OWNER = spiffe_id("owner", "police")
CAMERA = spiffe_id("camera", "camera-1")


@dataclass
class Signatories:
    """The parties whose keys everyone has pinned."""

    operator: SigningKey = field(default_factory=SigningKey.generate)
    custodian_a: SigningKey = field(default_factory=SigningKey.generate)
    custodian_b: SigningKey = field(default_factory=SigningKey.generate)
    matcher: SigningKey = field(default_factory=SigningKey.generate)

    @property
    def trust(self) -> TrustedKeys:
        return TrustedKeys(
            operator=self.operator.public,
            custodian_a=self.custodian_a.public,
            custodian_b=self.custodian_b.public,
            matcher=self.matcher.public,
        )

    @property
    def all(self) -> tuple[SigningKey, SigningKey, SigningKey]:
        return (self.operator, self.custodian_a, self.custodian_b)


def register(zone: str = "inner", generation: int = 1, *cameras: str) -> ZoneRegister:
    return ZoneRegister(
        zone=zone,
        generation=generation,
        cameras=tuple(
            RegisteredCamera(
                camera_id=name,
                identity=spiffe_id("camera", name),
                signing_key=sha256(name.encode()).digest(),
                latitude=51.5,
                longitude=-0.1,
                evaluations_per_hour=100,
            )
            for name in cameras or ("camera-1",)
        ),
    )


def grant(named: ZoneRegister | None = None, signer: SigningKey | None = None, **changed: Any) -> Grant:
    """A grant over the zone of one register; the digest is that of the register's payload."""
    about = named or register()
    digest = register_digest(about.statement(*([signer] if signer else [])).payload)
    fields: dict[str, Any] = {
        "grant_id": "police-1",
        "owner": OWNER,
        "owner_key": bytes(32),
        "list_id": "police",
        "list_kind": ListKind.HOTLIST,
        "zones": (GrantedZone(zone=about.zone, generation=about.generation, register_digest=digest),),
        "not_before": BEGIN,
        "not_after": END,
        "notice_seconds": 1,
        "purpose": "to test",
        "lawful_basis": "none",
        "privacy_assessment": Assessment(address="https://example.org/privacy", sha256=b"p" * 32),
        "equality_assessment": Assessment(address="https://example.org/equality", sha256=b"e" * 32),
        "consultation": "none",
        "decision": "none",
        "list_size": 10,
        "capacity": 100,
        "evaluations_per_day": 100,
        "evaluations_per_generation": 1_000,
        "release": ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=5),
        "disclosure": Disclosure(fields=frozenset(DisclosedField), time_granularity_seconds=60),
        "epoch": EpochRulePart(kind="span", seconds=3600),
        "window_seconds": 7_200,
        "parameter_set": "prompt",
    }
    return Grant(**(fields | changed))


def register_entry(who: Signatories, named: ZoneRegister | None = None) -> tuple[Statement, Statement]:
    """The entry of a register and the document it names."""
    about = named or register()
    document = about.statement(who.operator)
    entry = RegisterEntry(
        zone=about.zone,
        generation=about.generation,
        cameras=len(about.cameras),
        register_digest=register_digest(document.payload),
        made_at=1,
    )
    return entry.statement(who.operator), document
