"""Who may append what: a role's kinds of entry. Whether an entry is signed as it must be is checked besides.

Deny by default: what no role is named for here nobody appends. Protocol section 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from blindplate.core.errors import IdentityError
from blindplate.core.ledger.entries import parse_entry
from blindplate.core.statements.announced_keys import EvaluationKey
from blindplate.core.statements.cameras import CameraCounts, CameraStatus, RegisterEntry
from blindplate.core.statements.erasures import Erasures
from blindplate.core.statements.evaluations import EvaluationCounts
from blindplate.core.statements.evidence import EvidenceErasures
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.holds import HoldEnd, LegalHold
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.matching import Batches, MatcherCounts
from blindplate.core.statements.model import StatementModel
from blindplate.core.statements.policies import ZonePolicy
from blindplate.core.statements.release_entries import DecisionEntry, OutcomeEntry, RequestEntry
from blindplate.server.authorization import Identity, Role
from blindplate.server.limits import Rate

_KINDS: Final[Mapping[Role, Sequence[type[StatementModel]]]] = {
    Role.OPERATOR: (RegisterEntry, CameraStatus, Grant, GrantEnd, ZonePolicy),
    Role.OWNER: (Grant, ListVersion, RequestEntry, OutcomeEntry, LegalHold, HoldEnd, EvidenceErasures),
    Role.MATCHER: (Batches, MatcherCounts, Erasures),
    Role.CUSTODIAN: (Grant, GrantSuspension, ZonePolicy, EvaluationKey, DecisionEntry, EvaluationCounts),
    Role.CAMERA: (CameraCounts,),
}
_MEDIA_TYPES: Final = {
    role: frozenset(model.media_type() for model in models) for role, models in _KINDS.items()
}
APPENDERS: Final = frozenset(_KINDS)
# Entries: whatever is entered is kept for ever. A camera enters its counts a few times a day.
_RATES: Final[Mapping[Role, Rate]] = {
    Role.CAMERA: Rate(per_second=1 / 10, burst=100),
    Role.OWNER: Rate(per_second=20, burst=2_000),
}
_OTHERS_RATE: Final = Rate(per_second=2_000, burst=20_000)


def require_kinds(identity: Identity, entries: Sequence[bytes]) -> None:
    """Raise IdentityError unless the caller's role may append entries of all these kinds, MessageError on bad form."""
    allowed = _MEDIA_TYPES.get(identity.role, frozenset())
    for entry in entries:
        if parse_entry(entry).payload_type not in allowed:
            raise IdentityError(
                f"A {identity.role} may not append entries of that kind.",
                "Use the certificate of the party whose entry it is.",
            )


def rate_of(role: Role) -> Rate:
    """How many entries one party of this role may append."""
    return _RATES.get(role, _OTHERS_RATE)
