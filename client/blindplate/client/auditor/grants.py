"""What a grant can have allowed at some moment, as far as the ledger shows.

Guarantees that what no amendment could have allowed is never taken for allowed, and that nothing a custodian could
rightly have done is held against it: an amendment counts from the earliest moment at which it can have been witnessed
(``dating``), and what it took the place of until the latest, which is what the ledger's record of cosignatures says
(``witnessed``). Ends and suspensions go by the order of entries, too: who decides on a request has read the ledger up
to it. Protocol section 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from blindplate.core.ledger.grants import Amendment, GrantHistory
from blindplate.core.parties import Custodian
from blindplate.core.statements.grant_changes import GrantEnd
from blindplate.core.statements.grants import Grant

# Where the ledger keeps no record of when an entry was witnessed.
GRACE_SECONDS: Final = 86_400
# How old what a party knows of the ledger may be when it acts (protocol section 6).
READING_SECONDS: Final = 60
# Of somebody whose deeds do not show how far it had read the ledger.
NOTHING_READ: Final = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """A grant's end: which entry, when it says it was made (seconds since 1970, UTC), and why."""

    index: int
    made_at: int
    reason: str


@dataclass(slots=True)
class GrantDates:
    """The ends entered so far, by grant, and by when entries about grants and lists were witnessed by both, by index."""

    ends: dict[str, Ended] = field(default_factory=dict[str, Ended])
    witnessed: dict[int, int] = field(default_factory=dict[int, int])

    def end(self, index: int, end: GrantEnd) -> None:
        """Hear of an end."""
        self.ends.setdefault(end.grant_id, Ended(index, end.made_at, end.reason))

    def known_by(self, index: int, made_at: int) -> int:
        """When everyone must have known entry ``index``, which says it was made at ``made_at``."""
        return self.witnessed.get(index, made_at + GRACE_SECONDS) + READING_SECONDS

    def superseded_by(self, amendment: Amendment) -> int:
        """From when ``amendment``, and nothing before it, counts for everyone."""
        latest = self.witnessed.get(amendment.index)
        if latest is None:
            return amendment.begins + GRACE_SECONDS
        return max(amendment.grant.not_before, latest + amendment.grant.notice_seconds) + READING_SECONDS

    def ended(self, grant_id: str, horizon: int, moment: float) -> bool:
        """Whether who acts at ``moment``, having read the ledger up to entry ``horizon``, must have known the end."""
        end = self.ends.get(grant_id)
        return end is not None and (end.index < horizon or moment > self.known_by(end.index, end.made_at))

    def suspended(self, history: GrantHistory, custodian: Custodian, horizon: int, moment: float) -> bool:
        """Whether ``custodian``, acting at ``moment`` after reading up to ``horizon``, had suspended the grant."""
        words = [one for one in history.suspensions if one.statement.custodian is custodian]
        known = [
            one.statement
            for one in words
            if one.index < horizon or moment > self.known_by(one.index, one.statement.made_at)
        ]
        # Whoever lifts a suspension acts on it at once: a word in favour counts from when it was given.
        later = words[len(known) :]
        lifted = any(not one.statement.suspended and one.statement.made_at <= moment for one in later)
        return bool(known) and known[-1].suspended and not lifted

    def suspended_throughout(
        self, history: GrantHistory, custodian: Custodian, start: float, end: float
    ) -> bool:
        """Whether ``custodian`` had suspended the grant, as all must have known, from ``start`` and not lifted it to ``end``."""
        return self.suspended(history, custodian, NOTHING_READ, start) and not any(
            not one.statement.suspended and start < one.statement.made_at < end
            for one in history.suspensions
            if one.statement.custodian is custodian
        )

    def possible(self, history: GrantHistory, moment: float) -> tuple[Grant, ...]:
        """The amendments that can have been in force at ``moment`` (seconds since 1970, UTC), ends apart."""
        return self.overlapping(history, moment, moment + 1)

    def overlapping(self, history: GrantHistory, start: float, end: float) -> tuple[Grant, ...]:
        """The amendments that can have been in force at some moment from ``start`` to before ``end``, ends apart."""
        found: list[Grant] = []
        superseded = float("inf")
        for amendment in reversed(history.amendments):
            grant = amendment.grant
            if amendment.begins < end and start < min(grant.not_after, superseded):
                found.append(grant)
            superseded = min(superseded, self.superseded_by(amendment))
        return tuple(found)


def zones_of(grants: Iterable[Grant]) -> frozenset[str]:
    """Every zone that any of them names."""
    return frozenset(zone.zone for grant in grants for zone in grant.zones)
