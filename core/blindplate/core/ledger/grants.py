"""What became of a grant in the ledger: its amendments, suspensions and end, and what is in force when.

Guarantees that an amendment counts no sooner than its notice period after it was witnessed, and that one which has
begun takes the place of all before it for good. Knows no clock: moments are seconds since 1970, UTC, and past ones
may be asked for, since a record is judged by the amendment in force at its capture. Protocol section 7;
docs/spec/grants.md section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from blindplate.core.domains import Domain
from blindplate.core.errors import GrantError
from blindplate.core.parties import Custodian
from blindplate.core.statements.grant_changes import GrantSuspension
from blindplate.core.statements.grants import Grant


@dataclass(frozen=True, slots=True)
class Amendment:
    """A grant as entered: where it stands in the ledger and when it was witnessed."""

    grant: Grant
    index: int
    witnessed_at: int

    @property
    def begins(self) -> int:
        """The first second in which it can be in force."""
        return max(self.grant.not_before, self.witnessed_at + self.grant.notice_seconds)


@dataclass(frozen=True, slots=True)
class Suspension:
    """A custodian's suspension or resumption as entered; it counts from when it was witnessed."""

    statement: GrantSuspension
    index: int
    witnessed_at: int


@dataclass(frozen=True, slots=True)
class GrantHistory:
    """A grant's amendments from number 0 on, all suspensions in order, when its end was witnessed, and why it ended."""

    grant_id: str
    amendments: tuple[Amendment, ...]
    suspensions: tuple[Suspension, ...] = ()
    ended_at: int | None = None
    end_reason: str = ""

    @property
    def latest(self) -> Grant:
        """The last amendment entered, in force or not."""
        return self.amendments[-1].grant

    def at(self, moment: float) -> Grant:
        """The amendment in force at ``moment``, whoever suspended it.

        Raises GrantError when none has begun, when the one that has is past its end, and from the grant's end on.
        """
        if self.ended_at is not None and moment >= self.ended_at:
            raise GrantError(
                f"Grant {self.grant_id} was ended before that time.", "Ask for a grant that covers the time."
            )
        counting = self._counting(moment)
        if counting is None:
            raise GrantError(
                f"Grant {self.grant_id} is not yet in force at that time.",
                "Wait until it begins and its notice period is over.",
            )
        counting.grant.require_in_force(moment)
        return counting.grant

    def during(self, begins: float, ends: float) -> tuple[Amendment, ...]:
        """The amendments that count at some moment from ``begins`` on and before ``ends``, in order.

        Whether the grant is past its end, ended or suspended is not looked at; one amended away before it began is left out.
        """
        later = (one.begins for one in self.amendments if begins < one.begins < ends)
        counting = (self._counting(moment) for moment in sorted({begins, *later}))
        return tuple(dict.fromkeys(one for one in counting if one is not None))

    def suspended(self, custodian: Custodian, moment: float) -> bool:
        """Whether ``custodian`` had suspended the grant for itself at ``moment``."""
        for suspension in reversed(self.suspensions):
            if suspension.statement.custodian is custodian and suspension.witnessed_at <= moment:
                return suspension.statement.suspended
        return False

    def in_force(self, moment: float) -> bool:
        """Whether an amendment is in force at ``moment`` and neither custodian has suspended the grant."""
        try:
            self.at(moment)
        except GrantError:
            return False
        return not any(self.suspended(custodian, moment) for custodian in Custodian)

    def domains(self) -> frozenset[Domain]:
        """Every domain that any of its amendments opens."""
        return frozenset(domain for amendment in self.amendments for domain in amendment.grant.domains())

    def last_suspension(self, custodian: Custodian) -> GrantSuspension | None:
        """The last one that ``custodian`` entered."""
        of_custodian = (one.statement for one in self.suspensions if one.statement.custodian is custodian)
        return max(of_custodian, key=lambda statement: statement.made_at, default=None)

    def amended(self, amendment: Amendment) -> GrantHistory:
        """With a further amendment."""
        return replace(self, amendments=(*self.amendments, amendment))

    def with_suspension(self, suspension: Suspension) -> GrantHistory:
        """With a further suspension or resumption."""
        return replace(self, suspensions=(*self.suspensions, suspension))

    def ended(self, witnessed_at: int, reason: str = "") -> GrantHistory:
        """Ended from ``witnessed_at`` on."""
        return replace(self, ended_at=witnessed_at, end_reason=reason)

    def _counting(self, moment: float) -> Amendment | None:
        # By number, not by beginning: what was amended away before it began must not come back later.
        return next((one for one in reversed(self.amendments) if one.begins <= moment), None)
