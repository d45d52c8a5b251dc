"""A ledger's state made of real entries, and a list as its owner commits to it, small enough for a test to vary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from blindplate.core import merkle
from blindplate.core.domains import Domain
from blindplate.core.errors import UnwitnessedError
from blindplate.core.ledger.entries import document_bytes, entry_bytes
from blindplate.core.ledger.state import LedgerState
from blindplate.core.membership import details_digest, leaf
from blindplate.core.pseudonyms import DomainKey, combine
from blindplate.core.signing import SigningKey
from blindplate.core.statements.cameras import CameraStanding, CameraStatus, RegisterEntry
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.model import StatementModel
from blindplate.core.statements.policies import ZoneRegister, register_digest
from blindplate.core.statements.release_entries import RequestEntry
from blindplate.edge.tls import spiffe_id
from blindplate.v1 import release_pb2

from .statements import Signatories

SEEDS = (b"a" * 32, b"b" * 32)
SALT = b"s" * 16


def output(domain: Domain, plate: bytes) -> bytes:
    """F_D of a plate, as both custodians together evaluate it."""
    f_a, f_b = (DomainKey.derive(seed, domain).evaluate(plate) for seed in SEEDS)
    return combine(f_a, f_b, domain)


@dataclass
class Committed:
    """One version of a list: some plates in one domain."""

    number: int
    domain: Domain
    plates: tuple[bytes, ...]
    details: bytes = details_digest("sought", "officer 7", "2027-01-01")

    @property
    def leaves(self) -> list[bytes]:
        return sorted(leaf(output(self.domain, plate), self.details, SALT) for plate in self.plates)

    @property
    def root(self) -> bytes:
        return merkle.root(self.leaves)

    def candidates(self, **changed: Any) -> release_pb2.VersionCandidates:
        """Every entry, opened and proved; keyword arguments change fields of each."""
        leaves = self.leaves
        found = release_pb2.VersionCandidates(list_version=self.number)
        for plate in self.plates:
            f = output(self.domain, plate)
            index = leaves.index(leaf(f, self.details, SALT))
            fields: dict[str, Any] = {
                "f": f,
                "details": self.details,
                "salt": SALT,
                "leaf_index": index,
                "path": merkle.inclusion_path(leaves, index),
            }
            found.candidates.append(release_pb2.Candidate(**(fields | changed)))
        return found


@dataclass
class Book:
    """A custodian's copy of a ledger: real entries, folded as they are entered."""

    who: Signatories
    owner: SigningKey = field(default_factory=SigningKey.generate)
    requests: dict[bytes, tuple[int, int, RequestEntry]] = field(default_factory=dict)
    fresh: bool = True
    asked: int = 0
    size: int = 0

    def __post_init__(self) -> None:
        self.state = LedgerState(self.who.trust.parties())

    def enter(
        self, model: StatementModel, *signers: SigningKey, at: int, document: bytes | None = None
    ) -> int:
        """Enter what must be taken, witnessed ``at``; its index."""
        # As a replica does: what was read later makes another state, and who holds the one before may see that.
        state = self.state.copy()
        applied = state.apply(self.size, entry_bytes(model.statement(*signers)), at, document)
        assert applied.error is None, applied.error
        self.state, self.size = state, self.size + 1
        return self.size - 1

    def enter_register(self, register: ZoneRegister, at: int) -> bytes:
        """Enter a register; its digest."""
        statement = register.statement(self.who.operator)
        entry = RegisterEntry(
            zone=register.zone,
            generation=register.generation,
            cameras=len(register.cameras),
            register_digest=register_digest(statement.payload),
            made_at=at,
        )
        self.enter(entry, self.who.operator, at=at, document=document_bytes(statement))
        return entry.register_digest

    def enter_grant(self, grant: Grant, at: int) -> None:
        self.enter(grant, *self.who.all, at=at)

    def commit(self, grant: Grant, version: Committed, at: int, before: int = 0) -> None:
        """Enter a list version in place of one of ``before`` entries."""
        entries = len(version.plates)
        committed = ListVersion(
            grant_id=grant.grant_id,
            list_id=grant.list_id,
            list_version=version.number,
            entries=entries,
            leaves=entries,
            added=entries,
            removed=before,
            root=version.root,
            made_at=at,
        )
        self.enter(committed, self.owner, at=at)

    def revoke(self, camera: str, zone: str, key: bytes, at: int) -> None:
        self.tell(camera, zone, key, at, CameraStanding.REVOKED)

    def tell(self, camera: str, zone: str, key: bytes, at: int, standing: CameraStanding) -> None:
        status = CameraStatus(
            camera_id=camera,
            zone=zone,
            identity=spiffe_id("camera", camera),
            signing_key=key,
            standing=standing,
            reason="stolen",
            made_at=at,
        )
        self.enter(status, self.who.operator, at=at)

    # What a release decision asks of the ledger.

    def request_entry(self, request_id: bytes) -> tuple[int, int, RequestEntry] | None:
        return self.requests.get(request_id)

    def require_witnessed(self, index: int, max_age_seconds: int = 60) -> None:
        self.asked += 1
        if not self.fresh or index >= self.size:
            raise UnwitnessedError("Not witnessed just now.")
