"""What the ledger's entries establish so far: plain data that ``rules`` reads and ``folding`` changes.

Everything in the maps is immutable, so that a copy of the maps is a state of its own. Protocol section 7.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from blindplate.core.domains import Domain
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.ledger.versions import CommittedVersion
from blindplate.core.parties import Custodian
from blindplate.core.statements.cameras import CameraStatus, RegisterEntry
from blindplate.core.statements.holds import HoldReason
from blindplate.core.statements.policies import ZonePolicy, ZoneRegister
from blindplate.core.statements.release_entries import DecisionEntry


@dataclass(frozen=True, slots=True)
class EnteredRequest:
    """A release request as entered: where it stands, when it was witnessed, and under which grant.

    ``evidence_due`` is by when the evidence of its record is to be erased at the latest, as far as the ledger can tell.
    """

    index: int
    witnessed_at: int
    grant_id: str
    made_at: int
    evidence_due: int


@dataclass(frozen=True, slots=True)
class EnteredHold:
    """The hold entered last of a request: until when it counts, and when the last word on it was made.

    Of one that was ended ``until`` is when that was.
    """

    index: int
    grant_id: str
    reason: HoldReason
    until: int
    changed_at: int
    ended: bool = False


@dataclass(slots=True)
class Facts:
    """``registers`` by digest, ``current_registers`` by zone; ``camera_keys`` by zone and camera name.

    ``revoked`` holds the identities revoked now and ``revoked_keys`` all keys that ever were, with when that was
    witnessed; ``statuses`` the last one of each identity; ``decisions`` each custodian's of the highest number. The
    rest is by grant, by zone or by request.
    """

    grants: dict[str, GrantHistory] = field(default_factory=dict[str, GrantHistory])
    registers: dict[bytes, ZoneRegister] = field(default_factory=dict[bytes, ZoneRegister])
    current_registers: dict[str, RegisterEntry] = field(default_factory=dict[str, RegisterEntry])
    camera_keys: dict[tuple[str, str], tuple[bytes, ...]] = field(
        default_factory=dict[tuple[str, str], tuple[bytes, ...]]
    )
    statuses: dict[str, CameraStatus] = field(default_factory=dict[str, CameraStatus])
    revoked: dict[str, int] = field(default_factory=dict[str, int])
    # The identities under suspicion now, like ``revoked``.
    suspected: dict[str, int] = field(default_factory=dict[str, int])
    revoked_keys: dict[bytes, int] = field(default_factory=dict[bytes, int])
    list_versions: dict[str, tuple[CommittedVersion, ...]] = field(
        default_factory=dict[str, tuple[CommittedVersion, ...]]
    )
    evaluation_keys: dict[tuple[Custodian, Domain], bytes] = field(
        default_factory=dict[tuple[Custodian, Domain], bytes]
    )
    policies: dict[str, ZonePolicy] = field(default_factory=dict[str, ZonePolicy])
    requests: dict[bytes, EnteredRequest] = field(default_factory=dict[bytes, EnteredRequest])
    holds: dict[bytes, EnteredHold] = field(default_factory=dict[bytes, EnteredHold])
    decisions: dict[Custodian, DecisionEntry] = field(default_factory=dict[Custodian, DecisionEntry])

    def copy(self) -> Facts:
        """The same facts, apart from whatever becomes of these."""
        return Facts(
            grants=dict(self.grants),
            registers=dict(self.registers),
            current_registers=dict(self.current_registers),
            camera_keys=dict(self.camera_keys),
            statuses=dict(self.statuses),
            revoked=dict(self.revoked),
            suspected=dict(self.suspected),
            revoked_keys=dict(self.revoked_keys),
            list_versions=dict(self.list_versions),
            evaluation_keys=dict(self.evaluation_keys),
            policies=dict(self.policies),
            requests=dict(self.requests),
            holds=dict(self.holds),
            decisions=dict(self.decisions),
        )
