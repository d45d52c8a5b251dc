"""When a custodian stopped acting on a grant, and when it began again (protocol section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blindplate.client.auditor.findings import day_of
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.parties import Custodian


@dataclass(frozen=True, slots=True)
class Suspension:
    """One custodian's word on a grant: ``suspended``, or acting on it again."""

    entry: int
    day: str
    grant_id: str
    custodian: Custodian
    suspended: bool
    reason: str


def suspensions(grants: Mapping[str, GrantHistory]) -> tuple[Suspension, ...]:
    """Every one ever entered, in the order of the ledger."""
    found = [
        Suspension(
            one.index,
            day_of(one.statement.made_at),
            grant_id,
            one.statement.custodian,
            one.statement.suspended,
            one.statement.reason,
        )
        for grant_id, history in grants.items()
        for one in history.suspensions
    ]
    return tuple(sorted(found, key=lambda one: one.entry))
