"""The signatures under a grant: the operator's first, then each custodian's, each after looking at what it signs.

Guarantees that nobody signs a payload that is no well-formed grant, nor one that ``checks`` refuses, and that a
custodian signs none that the operator has not. Whether the grant is right is what the person at the keyboard decides.
Protocol section 7; docs/spec/grants.md section 2.
"""

from __future__ import annotations

from collections.abc import Collection

from blindplate.client.grants.checks import require_fitting, require_known_set, require_notice
from blindplate.core.errors import GrantError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import PartyKeys
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.grant_changes import GrantEnd
from blindplate.core.statements.grants import Grant


def sign(
    draft: Statement, operator: SigningKey, state: LedgerState, *, short_notice: bool = False
) -> Statement:
    """The draft with the operator's signature. Raises MessageError, GrantError, EntryError as ``checks`` does."""
    grant = _parsed(draft)
    require_fitting(grant, state)
    require_notice(grant, short_notice=short_notice)
    return draft.signed_by(operator)


def countersign(
    signed: Statement,
    custodian: SigningKey,
    parties: PartyKeys,
    state: LedgerState,
    parameter_sets: Collection[str],
    *,
    short_notice: bool = False,
) -> Statement:
    """The operator's grant with this custodian's signature.

    Raises SignatureError unless the operator signed it, MessageError, GrantError and EntryError as ``checks`` does.
    """
    _parsed(signed)
    grant = Grant.verified(signed, [parties.operator])
    require_fitting(grant, state)
    require_known_set(grant, parameter_sets)
    require_notice(grant, short_notice=short_notice)
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


def _parsed(statement: Statement) -> Grant:
    if statement.payload_type != Grant.media_type():
        raise GrantError("The file holds a statement of another kind than a grant.", "Name the grant's file.")
    return Grant.parsed(statement.payload)
