"""The signatures under a grant: the operator's first, then each custodian's, each after looking at what it signs.

Guarantees that nobody signs a payload that is no well-formed grant, that a custodian signs none that the operator has
not, and none whose registers, amendment number or owner do not fit the ledger. Whether the grant is right is what the
person at the keyboard decides. Protocol section 7; docs/spec/grants.md section 2.
"""

from __future__ import annotations

from blindplate.core.errors import GrantError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import PartyKeys
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.grant_changes import GrantEnd
from blindplate.core.statements.grants import Grant


def sign(draft: Statement, operator: SigningKey, state: LedgerState) -> Statement:
    """The draft with the operator's signature. Raises MessageError, GrantError."""
    _require_fitting(Grant.parsed(draft.payload), draft, state)
    return draft.signed_by(operator)


def countersign(
    signed: Statement, custodian: SigningKey, parties: PartyKeys, state: LedgerState
) -> Statement:
    """The operator's grant with this custodian's signature. Raises SignatureError, MessageError, GrantError."""
    grant = Grant.verified(signed, [parties.operator])
    _require_fitting(grant, signed, state)
    return signed.signed_by(custodian)


def end(grant_id: str, reason: str, operator: SigningKey, state: LedgerState, moment: float) -> Statement:
    """The signed end of a grant at ``moment`` (seconds since 1970, UTC). Raises GrantError for an unknown or ended one."""
    history = state.grants.get(grant_id)
    if history is None or history.ended_at is not None:
        raise GrantError(
            f"The ledger holds no grant {grant_id} that could be ended.",
            "Look at the grants with `grant show`.",
        )
    return GrantEnd(grant_id=grant_id, reason=reason, made_at=int(moment)).statement(operator)


def _require_fitting(grant: Grant, statement: Statement, state: LedgerState) -> None:
    if statement.payload_type != Grant.media_type():
        raise GrantError("The file holds a statement of another kind than a grant.", "Name the grant's file.")
    history = state.grants.get(grant.grant_id)
    expected = 0 if history is None else history.latest.amendment + 1
    if grant.amendment != expected:
        raise GrantError(
            f"Grant {grant.grant_id} is amendment {grant.amendment}; the ledger's next is {expected}.",
            "Draft it anew with that number.",
        )
    for zone in grant.zones:
        if zone.register_digest not in state.registers:
            raise GrantError(
                f"The register that the grant names for zone {zone.zone} is not in the ledger.",
                "Draft it anew with the register as entered.",
            )
