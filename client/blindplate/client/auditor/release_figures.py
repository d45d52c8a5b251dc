"""How many releases were asked for, approved and refused, by whom, where, why and with what result.

Protocol sections 6 and 7; docs/spec/audit.md section 4. Counts requests as they stand at the checkpoint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from blindplate.client.auditor.findings import day_of
from blindplate.client.auditor.release_results import (
    Agreement,
    Outcomes,
    Taken,
    agreements,
    outcomes,
    taken,
)
from blindplate.client.auditor.requests import Decided, Requested, Standing
from blindplate.client.auditor.wording import PURPOSES, REFUSALS, agency
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.parties import Custodian
from blindplate.core.statements.grants import ReleaseMode
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
class PurposeTally:
    """Requests of one agency for one purpose, by where they stand."""

    agency: str
    purpose: str
    requests: Tally


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
class Override:
    """One custodian's approval without officers; ``request`` is the entry of the request."""

    entry: int
    request: int
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
    by_list: tuple[Tally, ...]
    by_agency_and_purpose: tuple[PurposeTally, ...]
    refusals: tuple[Refusals, ...]
    approvals: tuple[Approvals, ...]
    agreements: tuple[Agreement, ...]
    taken: tuple[Taken, ...]
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
        by_list=tallied(lambda one: one.list_id),
        by_agency_and_purpose=_by_agency_and_purpose(everything, as_of),
        refusals=_refusals(everything),
        approvals=tuple(_approvals(custodian, everything, grants) for custodian in Custodian),
        agreements=agreements(everything),
        taken=taken(everything),
        outcomes=outcomes(everything),
        overrides=tuple(
            Override(
                decided.index,
                one.index,
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


def _by_agency_and_purpose(everything: list[Requested], as_of: int) -> tuple[PurposeTally, ...]:
    counted: dict[tuple[str, str], Counter[Standing]] = {}
    for one in everything:
        key = (agency(one.requester), PURPOSES[one.purpose])
        counted.setdefault(key, Counter())[one.standing(as_of)] += 1
    return tuple(
        PurposeTally(*key, _tally(" ".join(key), standings)) for key, standings in sorted(counted.items())
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
