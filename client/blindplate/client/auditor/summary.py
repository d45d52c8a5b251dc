"""What the report says, as plain data: the same for the page, for JSON and for CSV.

Guarantees that every figure is of the entries under one verified checkpoint, and that the same ledger gives the same
summary: no clock is read, and days are of UTC. Protocol section 7; docs/spec/audit.md section 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from blindplate.client.auditor.access import Agency, ZoneFigures, agencies, zones
from blindplate.client.auditor.alarms import Alarm, alarms
from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.erasure_figures import CheckedPlace, ErasedDay, erased_days, last_check
from blindplate.client.auditor.evidence_figures import EvidenceFigures, HoldFigures, evidence, holds
from blindplate.client.auditor.findings import Kind, Severity
from blindplate.client.auditor.list_figures import ListFigures, ListTotals, list_totals, lists
from blindplate.client.auditor.record_figures import Answers, DayCounts, PlaceCounts, answers, days, places
from blindplate.client.auditor.release_figures import ReleaseFigures, release_figures
from blindplate.client.auditor.suspensions import Suspension, suspensions
from blindplate.client.auditor.wording import RULES
from blindplate.core.parties import Custodian


@dataclass(frozen=True, slots=True)
class Head:
    """What the audit rests on: a checkpoint, and when each custodian cosigned it (seconds since 1970, UTC)."""

    origin: str
    entries: int
    root: str
    witnessed_a: int
    witnessed_b: int


@dataclass(frozen=True, slots=True)
class FindingLine:
    """One finding. ``rule`` is what should hold."""

    entry: int | None
    kind: Kind
    severity: Severity
    rule: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Pseudonyms that one custodian made for an owner (``subject`` a grant) or for cameras (a list and zone)."""

    custodian: Custodian
    subject: str
    cameras: bool
    evaluated: int


@dataclass(frozen=True, slots=True)
class Searches:
    """Searches made at one custodian for keepers who asked whether they were looked at."""

    custodian: Custodian
    searches: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything the report shows. ``entries`` counts entries by kind."""

    head: Head
    green: bool
    findings: tuple[FindingLine, ...]
    alarms: tuple[Alarm, ...]
    entries: tuple[tuple[str, int], ...]
    days: tuple[DayCounts, ...]
    places: tuple[PlaceCounts, ...]
    refused_claims: int
    answers: tuple[Answers, ...]
    by_list: tuple[ListTotals, ...]
    releases: ReleaseFigures
    lists: tuple[ListFigures, ...]
    agencies: tuple[Agency, ...]
    suspensions: tuple[Suspension, ...]
    zones: tuple[ZoneFigures, ...]
    evaluated: tuple[Evaluated, ...]
    searches: tuple[Searches, ...]
    erasures: tuple[ErasedDay, ...]
    retention: tuple[CheckedPlace, ...]
    evidence: tuple[EvidenceFigures, ...]
    holds: tuple[HoldFigures, ...]


def summarize(audit: Audit) -> Summary:
    """The summary of an audit that has read at least one checkpoint. Raises RollbackError otherwise."""
    signed, figures, judge = audit.signed, audit.figures, audit.judge
    as_of = signed.require_both()
    last, grants = judge.matching.last, judge.state.grants
    counted = days(audit)
    held = places(audit, counted)
    released = release_figures(judge.releases.requests, grants, as_of)
    return Summary(
        head=Head(
            signed.checkpoint.origin,
            signed.checkpoint.size,
            signed.checkpoint.root.hex(),
            signed.witnessed[Custodian.A],
            signed.witnessed[Custodian.B],
        ),
        green=not audit.violations,
        findings=tuple(
            FindingLine(one.index, one.kind, one.severity, RULES[one.kind], one.sentence)
            for one in sorted(audit.findings, key=lambda one: (one.severity is Severity.NOTE, one.index or 0))
        ),
        alarms=alarms(audit.findings),
        entries=tuple(sorted(figures.kinds.items())),
        days=counted,
        places=held,
        refused_claims=last.refused_claims if last else 0,
        answers=answers(audit),
        by_list=list_totals(grants, held, released.by_list),
        releases=released,
        lists=lists(judge.state),
        agencies=agencies(grants, judge.dates, as_of),
        suspensions=suspensions(grants),
        zones=zones(judge.state, figures.statuses, judge.cameras),
        evaluated=_evaluated(audit),
        searches=_searches(audit),
        erasures=erased_days(judge.erasures),
        retention=last_check(judge.erasures),
        evidence=evidence(judge.evidence, grants),
        holds=holds(judge.state.holds, as_of),
    )


def _evaluated(audit: Audit) -> tuple[Evaluated, ...]:
    summed: dict[tuple[Custodian, str, bool], int] = {}
    for (custodian, _), counts in audit.judge.evaluations.days.items():
        for one in counts.grants:
            key = (custodian, one.grant_id, False)
            summed[key] = summed.get(key, 0) + one.evaluated
        for place in counts.zones:
            key = (custodian, f"{place.list_id} in {place.zone}", True)
            summed[key] = summed.get(key, 0) + place.evaluated
    return tuple(Evaluated(*key, evaluated) for key, evaluated in sorted(summed.items()))


def _searches(audit: Audit) -> tuple[Searches, ...]:
    counted = audit.judge.evaluations.days
    return tuple(
        Searches(
            custodian,
            sum(counts.subject_searches for (who, _), counts in counted.items() if who is custodian),
        )
        for custodian in Custodian
    )
