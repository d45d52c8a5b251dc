"""An operator, two custodians and an owner with a ledger's state in memory, and a description of a grant."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from blindplate.client.owner.settings import OwnerSettings
from blindplate.core.ledger.entries import document_bytes, entry_bytes
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import PartyKeys
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.cameras import RegisterEntry
from blindplate.core.statements.policies import RegisteredCamera, ZoneRegister, register_digest
from blindplate.edge.tls import spiffe_id

# The parameter sets that a release has.
SETS = ("prompt", "bulk")
DESCRIPTION = """
grant_id = "police-2"
list_id = "police"
list_kind = "hotlist"
zones = ["inner"]
not_before = 2027-03-01T00:00:00Z
not_after = 2028-03-01T00:00:00Z
notice_days = 28
purpose = "Find vehicles sought in connection with serious crime."
lawful_basis = "Data Protection Act 2018, Part 3"
consultation = "Assembly consultation 14."
decision = "Mayoral decision 3301."
list_size = 20000
capacity = 130000
evaluations_per_day = 100000
evaluations_per_generation = 200000
window_hours = 24

[privacy_assessment]
address = "https://police.example/dpia.pdf"
file = "dpia.pdf"

[equality_assessment]
address = "https://police.example/eqia.pdf"
file = "eqia.pdf"

[release]
mode = "standing"
daily_quota = 200
officers = 2
emergency = true

[release.standing]
purposes = ["murder", "missing-person"]
daily_quota = 20

[disclosure]
fields = ["camera", "capture-time", "plate-patch"]
time_granularity_seconds = 60

[epoch]
kind = "span"
seconds = 3600
"""


@dataclass
class Papers:
    """The parties' keys and what the ledger holds."""

    operator: SigningKey = field(default_factory=SigningKey.generate)
    custodian_a: SigningKey = field(default_factory=SigningKey.generate)
    custodian_b: SigningKey = field(default_factory=SigningKey.generate)
    matcher: SigningKey = field(default_factory=SigningKey.generate)
    owner: SigningKey = field(default_factory=SigningKey.generate)
    entered: int = 0
    state: LedgerState = field(init=False)

    def __post_init__(self) -> None:
        self.state = LedgerState(self.parties)
        self.enter_register("inner", 1)

    @property
    def parties(self) -> PartyKeys:
        return PartyKeys(
            self.operator.public, self.custodian_a.public, self.custodian_b.public, self.matcher.public
        )

    def enter(self, statement: Statement, document: Statement | None = None, witnessed_at: int = 0) -> None:
        applied = self.state.apply(
            self.entered,
            entry_bytes(statement),
            witnessed_at,
            None if document is None else document_bytes(document),
        )
        if applied.error is not None:
            raise applied.error
        self.entered += 1

    def enter_register(self, zone: str, generation: int) -> None:
        camera = RegisteredCamera(
            camera_id="camera-1",
            identity=spiffe_id("camera", "camera-1"),
            signing_key=bytes([generation]) * 32,
            latitude=51.5,
            longitude=-0.1,
        )
        document = ZoneRegister(zone=zone, generation=generation, cameras=(camera,)).statement(self.operator)
        entry = RegisterEntry(
            zone=zone,
            generation=generation,
            cameras=1,
            register_digest=register_digest(document.payload),
            made_at=generation,
        )
        self.enter(entry.statement(self.operator), document)


def owner_settings() -> OwnerSettings:
    """An owner, as far as a draft needs one."""
    return OwnerSettings.model_construct(name="owner-police")


def described(folder: Path, text: str = DESCRIPTION) -> Path:
    """A description's file with its assessments beside it."""
    for name in ("dpia.pdf", "eqia.pdf"):
        (folder / name).write_bytes(name.encode())
    path = folder / "grant.toml"
    path.write_text(text)
    return path
