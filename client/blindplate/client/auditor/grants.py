"""What a grant can have allowed at some moment, as far as the ledger shows.

Guarantees that what no amendment could have allowed is never taken for allowed, and that nothing a custodian could
rightly have done is held against it: an amendment counts from the earliest moment that it can have been in force, and
what it took the place of for ``GRACE_SECONDS`` longer, since an auditor cannot know to the second when it was witnessed
(``dating``). Ends and suspensions go by the order of entries: who decides on a request has read the ledger up to it.
Protocol section 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.parties import Custodian
from blindplate.core.statements.grant_changes import GrantEnd
from blindplate.core.statements.grants import Grant

GRACE_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Ended:
    """A grant's end: which entry, when it says it was made (seconds since 1970, UTC), and why."""

    index: int
    made_at: int
    reason: str


@dataclass(slots=True)
class Ends:
    """The ends entered so far, by grant."""

    entries: dict[str, Ended] = field(default_factory=dict[str, Ended])

    def enter(self, index: int, end: GrantEnd) -> None:
        """Hear of one."""
        self.entries.setdefault(end.grant_id, Ended(index, end.made_at, end.reason))

    def ended(self, grant_id: str, horizon: int, moment: float) -> bool:
        """Whether who acts at ``moment``, having read the ledger up to entry ``horizon``, must have known the end."""
        end = self.entries.get(grant_id)
        return end is not None and (end.index < horizon or moment > end.made_at + GRACE_SECONDS)


def possible(history: GrantHistory, moment: float) -> tuple[Grant, ...]:
    """The amendments that can have been in force at ``moment`` (seconds since 1970, UTC), ends apart."""
    return overlapping(history, moment, moment + 1)


def overlapping(history: GrantHistory, start: float, end: float) -> tuple[Grant, ...]:
    """The amendments that can have been in force at some moment from ``start`` to before ``end``, ends apart."""
    found: list[Grant] = []
    superseded: float = float("inf")
    for amendment in reversed(history.amendments):
        grant = amendment.grant
        until = min(grant.not_after, superseded + GRACE_SECONDS)
        if amendment.begins < end and start < until:
            found.append(grant)
        superseded = min(superseded, amendment.begins)
    return tuple(found)


def suspended(history: GrantHistory, custodian: Custodian, horizon: int, moment: float) -> bool:
    """Whether ``custodian``, acting at ``moment`` after reading the ledger up to ``horizon``, had the grant suspended."""
    words = [one for one in history.suspensions if one.statement.custodian is custodian]
    known = [
        one.statement
        for one in words
        if one.index < horizon or moment > one.statement.made_at + GRACE_SECONDS
    ]
    # Whoever lifts a suspension acts on it at once: a word in favour counts from when it was given.
    lifted = any(
        not one.statement.suspended and one.statement.made_at <= moment for one in words[len(known) :]
    )
    return bool(known) and known[-1].suspended and not lifted


def zones_of(grants: Iterable[Grant]) -> frozenset[str]:
    """Every zone that any of them names."""
    return frozenset(zone.zone for grant in grants for zone in grant.zones)
