"""What the report says, as plain data: the same for the page, for JSON and for CSV.

Guarantees that every figure is of the entries under one verified checkpoint, and that the same ledger gives the same
summary: no clock is read, and days are of UTC. Protocol section 7; docs/spec/audit.md section 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from blindplate.client.auditor.access import Agency, ZoneFigures, agencies, zones
from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.figures import COUNTED
from blindplate.client.auditor.findings import Kind, Severity
from blindplate.client.auditor.release_figures import ReleaseFigures, release_figures
from blindplate.client.auditor.wording import RULES, agency
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
class Counts:
    """What became of records. ``answered`` counts places in batches, so one record may have several.

    ``erased_unopened``: those of ``erased_acknowledged`` that were kept until payment had closed.
    """

    received: int = 0
    answered: int = 0
    claimed: int = 0
    erased_acknowledged: int = 0
    erased_unclaimed: int = 0
    erased_claimed: int = 0
    erased_unopened: int = 0

    @property
    def erased(self) -> int:
        """Records erased without ever being claimed."""
        return self.erased_acknowledged + self.erased_unclaimed


@dataclass(frozen=True, slots=True)
class DayCounts:
    """One day, list and zone."""

    day: str
    list_id: str
    zone: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class PlaceCounts:
    """One list and zone: by the matcher's word in all, what it still holds, and what cameras say they handed in.

    ``kept``: how many of the open ones are kept until payment has closed.
    """

    list_id: str
    zone: str
    counts: Counts
    open: int
    cameras_say: int
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Answers:
    """One day and list: answers that left, and the places for reads or dummies they had."""

    day: str
    list_id: str
    answers: int
    slots: int


@dataclass(frozen=True, slots=True)
class Version:
    """One committed version of a list."""

    entry: int
    number: int
    entries: int
    added: int
    removed: int
    made_at: int


@dataclass(frozen=True, slots=True)
class ListFigures:
    """One grant's list: how long it may be, and every version committed to."""

    grant_id: str
    list_id: str
    agency: str
    allowed: int
    versions: tuple[Version, ...]

    @property
    def entries(self) -> int:
        """How long it is now."""
        return self.versions[-1].entries if self.versions else 0

    @property
    def added(self) -> int:
        """Vehicles ever added."""
        return sum(version.added for version in self.versions)

    @property
    def removed(self) -> int:
        """Vehicles ever removed."""
        return sum(version.removed for version in self.versions)


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
    entries: tuple[tuple[str, int], ...]
    days: tuple[DayCounts, ...]
    places: tuple[PlaceCounts, ...]
    refused_claims: int
    answers: tuple[Answers, ...]
    releases: ReleaseFigures
    lists: tuple[ListFigures, ...]
    agencies: tuple[Agency, ...]
    zones: tuple[ZoneFigures, ...]
    evaluated: tuple[Evaluated, ...]
    searches: tuple[Searches, ...]


def summarize(audit: Audit) -> Summary:
    """The summary of an audit that has read at least one checkpoint. Raises RollbackError otherwise."""
    signed, figures, judge = audit.signed, audit.figures, audit.judge
    as_of = signed.require_both()
    last = judge.matching.last
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
        entries=tuple(sorted(figures.kinds.items())),
        days=tuple(
            DayCounts(*key, Counts(**{name: counts[name] for name in COUNTED}))
            for key, counts in sorted(figures.records.items())
        ),
        places=_places(audit),
        refused_claims=last.refused_claims if last else 0,
        answers=tuple(
            Answers(*key, batches.answers, batches.slots) for key, batches in sorted(figures.batches.items())
        ),
        releases=release_figures(judge.releases.requests, judge.state.grants, as_of),
        lists=_lists(audit),
        agencies=agencies(judge.state.grants, judge.dates, as_of),
        zones=zones(judge.state, figures.statuses, judge.cameras),
        evaluated=_evaluated(audit),
        searches=_searches(audit),
    )


def _places(audit: Audit) -> tuple[PlaceCounts, ...]:
    summed: dict[tuple[str, str], dict[str, int]] = {}
    for (_, list_id, zone), counts in audit.figures.records.items():
        place = summed.setdefault((list_id, zone), dict.fromkeys(COUNTED, 0))
        for name in COUNTED:
            place[name] += counts[name]
    last = audit.judge.matching.last
    still_open = {(row.list_id, row.zone): (row.open, row.kept) for row in (last.records if last else ())}
    accepted = audit.judge.cameras.accepted
    return tuple(
        PlaceCounts(
            *place,
            Counts(**summed.get(place, {})),
            still_open.get(place, (0, 0))[0],
            accepted.get(place, 0),
            still_open.get(place, (0, 0))[1],
        )
        for place in sorted({*summed, *still_open, *accepted})
    )


def _lists(audit: Audit) -> tuple[ListFigures, ...]:
    state = audit.judge.state
    return tuple(
        ListFigures(
            grant_id,
            history.latest.list_id,
            agency(history.latest.owner),
            history.latest.list_size,
            tuple(
                Version(
                    one.index,
                    one.statement.list_version,
                    one.statement.entries,
                    one.statement.added,
                    one.statement.removed,
                    one.statement.made_at,
                )
                for one in state.list_versions.get(grant_id, ())
            ),
        )
        for grant_id, history in sorted(state.grants.items())
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
    days = audit.judge.evaluations.days
    return tuple(
        Searches(
            custodian,
            sum(counts.subject_searches for (who, _), counts in days.items() if who is custodian),
        )
        for custodian in Custodian
    )
