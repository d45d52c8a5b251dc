"""The next key generation of a zone: its register, and an amendment of every grant over it that names the register.

Guarantees that all amendments begin at one moment, after the notice period of each of them, and change nothing but the
zone's generation and register. Until that moment the generation before stays in force, and owners prepare for the next.
Signed here by the operator; custodians countersign. Protocol sections 3 and 7; docs/spec/grants.md section 6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blindplate.core.domains import CHARGING_DAY
from blindplate.core.errors import GrantError, NotFoundError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.grants import Grant, GrantedZone
from blindplate.core.statements.policies import RegisteredCamera, ZoneRegister, register_digest

# For custodians to look at the amendments and countersign them, before the notice period runs.
DEFAULT_MARGIN_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Renewal:
    """A zone's next generation: the register, signed, the amendments by grant, signed by the operator, and their beginning."""

    zone: str
    generation: int
    register: Statement
    grants: tuple[tuple[str, Statement], ...]
    begins: int


def present_cameras(zone: str, state: LedgerState) -> tuple[RegisteredCamera, ...]:
    """The cameras of the zone's newest register that are not revoked. Raises NotFoundError for an unknown zone."""
    entry = state.current_register(zone)
    if entry is None:
        raise NotFoundError(f"The ledger holds no register of zone {zone}.", "Name another zone.")
    return tuple(
        camera
        for camera in state.registers[entry.register_digest].cameras
        if camera.identity not in state.revoked and camera.signing_key not in state.revoked_keys
    )


def renewal(
    zone: str,
    cameras: Sequence[RegisteredCamera],
    state: LedgerState,
    operator: SigningKey,
    now: float,
    margin: float = DEFAULT_MARGIN_SECONDS,
) -> Renewal:
    """The zone's next generation with ``cameras``, to begin ``margin`` seconds after the longest notice period.

    With charging terms in the zone it begins with the charging day after that. ``now`` is in seconds since 1970 (UTC). Raises GrantError where a grant over the zone would be over by then: it would
    have to be renewed first, or ended.
    """
    current = state.current_register(zone)
    generation = 0 if current is None else current.generation + 1
    register = ZoneRegister(zone=zone, generation=generation, cameras=tuple(cameras)).statement(operator)
    over = _grants_over(zone, state, now)
    notice = max((grant.notice_seconds for grant in over), default=0)
    begins = math.ceil(now + notice + margin)
    if any(grant.charging is not None for grant in over):
        # Within a charging day a vehicle would have two pseudonyms, and more than one of its reads would be kept.
        begins = math.ceil(CHARGING_DAY.at(begins).next().start())
    named = GrantedZone(zone=zone, generation=generation, register_digest=register_digest(register.payload))
    amended = [_amended(grant, named, begins) for grant in over]
    return Renewal(
        zone,
        generation,
        register,
        tuple((grant.grant_id, grant.statement(operator)) for grant in amended),
        begins,
    )


def _grants_over(zone: str, state: LedgerState, now: float) -> list[Grant]:
    return [
        history.latest
        for history in state.grants.values()
        if history.ended_at is None
        and history.latest.not_after > now
        and any(one.zone == zone for one in history.latest.zones)
    ]


def _amended(grant: Grant, named: GrantedZone, begins: int) -> Grant:
    if grant.not_after <= begins:
        raise GrantError(
            f"Grant {grant.grant_id} is over before the next key generation could begin.",
            "Have it renewed first, or ended.",
        )
    zones = tuple(named if one.zone == named.zone else one for one in grant.zones)
    changed = {"amendment": grant.amendment + 1, "zones": zones, "not_before": begins}
    return grant.model_copy(update=changed)
