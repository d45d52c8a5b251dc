"""How many releases were asked for, approved and refused, by whom, where, why and with what result.

Protocol sections 6 and 7; docs/spec/audit.md section 4. Counts requests as they stand at the checkpoint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from blindplate.client.auditor.findings import day_of
from blindplate.client.auditor.requests import Decided, Requested, Standing
from blindplate.client.auditor.wording import PURPOSES, REFUSALS, agency
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.parties import Custodian
from blindplate.core.statements.grants import ReleaseMode
from blindplate.core.statements.release_entries import Outcome
from blindplate.core.statements.releases import Verdict


@dataclass(frozen=True, slots=True)
class Tally:
    """Requests of one ``name``, by where they stand."""

    name: str
    released: int = 0
    refused: int = 0
    expired: int = 0
    waiting: int = 0

    @property
    def requested(self) -> int:
        """All of them."""
        return self.released + self.refused + self.expired + self.waiting


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often one custodian refused for one reason."""

    custodian: Custodian
    code: str
    meaning: str
    requests: int


@dataclass(frozen=True, slots=True)
class Approvals:
    """How one custodian came to its approvals."""

    custodian: Custodian
    automatic: int
    standing: int
    officers: int
    emergency: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What owners of one list say came of their releases: by the last that was said of each."""

    list_id: str
    released: int
    opened: int
    confirmed: int
    misread: int
    not_sought: int
    failed: int

    @property
    def false_hits(self) -> int:
        """Releases of a vehicle that nobody sought."""
        return self.misread + self.not_sought

    @property
    def unreported(self) -> int:
        """Releases of which nothing was said."""
        return self.released - self.opened - self.confirmed - self.false_hits - self.failed


@dataclass(frozen=True, slots=True)
class Override:
    """One emergency override: a request approved without officers."""

    entry: int
    day: str
    agency: str
    purpose: str
    zone: str
    custodian: Custodian


@dataclass(frozen=True, slots=True)
class ReleaseFigures:
    """All figures of releases."""

    total: Tally
    by_day: tuple[Tally, ...]
    by_purpose: tuple[Tally, ...]
    by_zone: tuple[Tally, ...]
    by_agency: tuple[Tally, ...]
    refusals: tuple[Refusals, ...]
    approvals: tuple[Approvals, ...]
    outcomes: tuple[Outcomes, ...]
    overrides: tuple[Override, ...]


def release_figures(
    requests: Mapping[bytes, Requested], grants: Mapping[str, GrantHistory], as_of: int
) -> ReleaseFigures:
    """Count ``requests`` as they stand at ``as_of`` (seconds since 1970, UTC)."""
    everything = list(requests.values())
    standings = [one.standing(as_of) for one in everything]

    def tallied(name: Callable[[Requested], str]) -> tuple[Tally, ...]:
        counted: dict[str, Counter[Standing]] = {}
        for one, standing in zip(everything, standings, strict=True):
            counted.setdefault(name(one), Counter())[standing] += 1
        return tuple(_tally(key, counted[key]) for key in sorted(counted))

    return ReleaseFigures(
        total=_tally("all", Counter(standings)),
        by_day=tallied(lambda one: day_of(one.made_at)),
        by_purpose=tallied(lambda one: PURPOSES[one.purpose]),
        by_zone=tallied(lambda one: one.zone),
        by_agency=tallied(lambda one: agency(one.requester)),
        refusals=_refusals(everything),
        approvals=tuple(_approvals(custodian, everything, grants) for custodian in Custodian),
        outcomes=_outcomes(everything),
        overrides=tuple(
            Override(
                decided.index,
                day_of(decided.decided_at),
                agency(one.requester),
                PURPOSES[one.purpose],
                one.zone,
                custodian,
            )
            for one in everything
            for custodian, decided in sorted(one.decisions.items())
            if decided.emergency and decided.verdict is Verdict.APPROVED
        ),
    )


def _tally(name: str, counted: Counter[Standing]) -> Tally:
    return Tally(
        name,
        counted[Standing.RELEASED],
        counted[Standing.REFUSED],
        counted[Standing.EXPIRED],
        counted[Standing.WAITING],
    )


def _refusals(everything: list[Requested]) -> tuple[Refusals, ...]:
    counted = Counter(
        (custodian, decided.code)
        for one in everything
        for custodian, decided in one.decisions.items()
        if decided.verdict is Verdict.DENIED
    )
    return tuple(
        Refusals(custodian, code, REFUSALS.get(code, code), requests)
        for (custodian, code), requests in sorted(counted.items())
    )


def _approvals(
    custodian: Custodian, everything: list[Requested], grants: Mapping[str, GrantHistory]
) -> Approvals:
    counted: Counter[str] = Counter()
    for one in everything:
        decided = one.decisions.get(custodian)
        if decided is not None and decided.verdict is Verdict.APPROVED:
            counted[_way(decided, grants[one.grant_id])] += 1
    return Approvals(
        custodian, counted["automatic"], counted["standing"], counted["officers"], counted["emergency"]
    )


def _way(decided: Decided, history: GrantHistory) -> str:
    if decided.emergency:
        return "emergency"
    if not decided.automatic:
        return "officers"
    return "automatic" if history.latest.release.mode is ReleaseMode.AUTOMATIC else "standing"


def _outcomes(everything: list[Requested]) -> tuple[Outcomes, ...]:
    released = Counter(one.list_id for one in everything if one.released)
    said = Counter((one.list_id, one.outcomes[-1]) for one in everything if one.released and one.outcomes)
    return tuple(
        Outcomes(
            list_id,
            released[list_id],
            said[list_id, Outcome.OPENED],
            said[list_id, Outcome.CONFIRMED],
            said[list_id, Outcome.MISREAD],
            said[list_id, Outcome.NOT_SOUGHT],
            said[list_id, Outcome.FAILED],
        )
        for list_id in sorted(released)
    )
