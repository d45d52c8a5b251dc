"""What the page shows, put together from the summary: cards, charts with their numbers, and rows of tables.

Guarantees that the page says nothing that the summary does not. docs/spec/audit.md section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blindplate.client.auditor.findings import Severity, at
from blindplate.client.auditor.page_figures import Figure, Row, lists_figure, reads_figure, tally_figure
from blindplate.client.auditor.summary import FindingLine, Summary
from blindplate.core.parties import Custodian

_MOST_FINDINGS: Final = 200
_SECTIONS: Final = (
    ("verdict", "Can the numbers be trusted?"),
    ("glance", "At a glance"),
    ("reads", "Reads"),
    ("hits", "Hits and false hits"),
    ("releases", "Releases"),
    ("lists", "Lists"),
    ("access", "Who has access"),
    ("cameras", "Cameras"),
    ("pseudonyms", "Pseudonyms and searches"),
    ("entries", "What the ledger holds"),
)


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the page, for its table of contents."""

    anchor: str
    title: str


@dataclass(frozen=True, slots=True)
class Card:
    """One number at a glance."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the template puts on the page."""

    title: str
    as_of: str
    sections: tuple[Section, ...]
    violations: str
    checked: str
    broken: tuple[Row, ...]
    notes: tuple[Row, ...]
    every_note: tuple[Row, ...]
    cards: tuple[Card, ...]
    reads: Figure
    places: tuple[Row, ...]
    refused_claims: str
    answers: tuple[Row, ...]
    outcomes: tuple[Row, ...]
    requests: Figure
    purposes: Figure
    zones_asked: Figure
    agencies_asking: Figure
    refusals: tuple[Row, ...]
    approvals: tuple[Row, ...]
    overrides: tuple[Row, ...]
    lists: Figure
    list_rows: tuple[Row, ...]
    access: str
    zones: tuple[Row, ...]
    evaluated: tuple[Row, ...]
    searches: str
    kinds: tuple[Row, ...]


def build_page(summary: Summary) -> Page:
    """The page of a summary."""
    releases = summary.releases
    broken = [one for one in summary.findings if one.severity is Severity.VIOLATION]
    notes = [one for one in summary.findings if one.severity is Severity.NOTE]
    violations = len(broken)
    grants = sum(len(agency.grants) for agency in summary.agencies)
    return Page(
        title="Number plates matched: public report",
        as_of=at(max(summary.head.witnessed_a, summary.head.witnessed_b)),
        sections=tuple(Section(*one) for one in _SECTIONS),
        violations=f"{violations:,} {'rule is' if violations == 1 else 'rules are'}",
        checked=(
            f"All {summary.head.entries:,} entries were checked one by one, against each other and against the signatures "
            f"of the ledger and of both custodians: {violations:,} {_plural(violations, 'violation')} and "
            f"{len(notes):,} {_plural(len(notes), 'note')}."
        ),
        broken=_findings(broken),
        notes=_grouped(notes),
        every_note=_findings(notes),
        cards=_cards(summary),
        reads=reads_figure(summary),
        places=tuple(
            (
                one.list_id,
                one.zone,
                one.counts.received,
                one.counts.claimed,
                one.counts.erased_acknowledged,
                one.counts.erased_unclaimed,
                one.open,
                one.cameras_say,
            )
            for one in summary.places
        ),
        refused_claims=(
            f"The matcher refused {summary.refused_claims:,} {_plural(summary.refused_claims, 'claim')} of records that "
            "had not matched."
            if summary.refused_claims
            else "Nobody claimed a record that had not matched."
        ),
        answers=_answers(summary),
        outcomes=tuple(
            (
                one.list_id,
                one.released,
                one.confirmed,
                one.misread,
                one.not_sought,
                one.opened,
                one.failed,
                one.unreported,
                _share(one.false_hits, one.confirmed + one.false_hits),
            )
            for one in releases.outcomes
        ),
        requests=tally_figure("requests", "Release requests over time", releases.by_day, over_time=True),
        purposes=tally_figure("purposes", "Release requests by purpose", releases.by_purpose),
        zones_asked=tally_figure("zones", "Release requests by area", releases.by_zone),
        agencies_asking=tally_figure("agencies", "Release requests by agency", releases.by_agency),
        refusals=tuple(
            (one.meaning, one.code, one.custodian.name, one.requests) for one in releases.refusals
        ),
        approvals=tuple(
            (f"Custodian {one.custodian.name}", one.automatic, one.standing, one.officers, one.emergency)
            for one in releases.approvals
        ),
        overrides=tuple(
            (str(one.entry), one.day, one.agency, one.purpose, one.zone, one.custodian.name)
            for one in releases.overrides
        ),
        lists=lists_figure(summary),
        list_rows=tuple(
            (
                one.grant_id,
                one.list_id,
                one.agency,
                one.entries,
                one.allowed,
                len(one.versions),
                one.added,
                one.removed,
            )
            for one in summary.lists
        ),
        access=(
            f"{len(summary.agencies):,} {_plural(len(summary.agencies), 'agency', 'agencies')} had a list matched, under "
            f"{grants:,} {_plural(grants, 'grant')}. Nobody else has access. A grant is signed by the operator and by both "
            "custodians, and is public before it counts."
        ),
        zones=tuple(
            (one.zone, one.generation, one.cameras, one.revoked, one.reporting) for one in summary.zones
        ),
        evaluated=_evaluated(summary),
        searches=" ".join(
            f"Custodian {one.custodian.name} made {one.searches:,} {_plural(one.searches, 'search', 'searches')} for "
            "keepers who asked whether their vehicle was looked at."
            for one in summary.searches
        ),
        kinds=tuple((kind.replace("-", " "), count) for kind, count in summary.entries),
    )


def _findings(findings: Sequence[FindingLine]) -> tuple[Row, ...]:
    """The first of them; all are in the CSV file."""
    return tuple(
        ("file" if one.entry is None else f"entry {one.entry}", one.rule, one.sentence)
        for one in findings[:_MOST_FINDINGS]
    )


def _grouped(notes: Sequence[FindingLine]) -> tuple[Row, ...]:
    """One row for each kind of note, with how many there are and the first as an example."""
    first: dict[str, FindingLine] = {}
    for one in notes:
        first.setdefault(one.rule, one)
    return tuple(
        (rule, sum(one.rule == rule for one in notes), example.sentence) for rule, example in first.items()
    )


def _cards(summary: Summary) -> tuple[Card, ...]:
    total, places = summary.releases.total, summary.places
    received = sum(one.counts.received for one in places)
    claimed = sum(one.counts.claimed for one in places)
    numbers = (
        ("records of plates compared", received),
        (f"hits claimed ({_share(claimed, received)} of records)", claimed),
        ("records erased without ever being opened", sum(one.counts.erased for one in places)),
        ("records still held", sum(one.open for one in places)),
        ("releases asked for", total.requested),
        ("released by both custodians", total.released),
        ("refused", total.refused),
        ("false hits reported", sum(one.false_hits for one in summary.releases.outcomes)),
        ("emergency overrides", len(summary.releases.overrides)),
        ("vehicles on lists", sum(one.entries for one in summary.lists)),
        ("agencies with access", len(summary.agencies)),
        ("cameras", sum(one.cameras for one in summary.zones)),
    )
    return tuple(Card(name, f"{value:,}") for name, value in numbers)


def _answers(summary: Summary) -> tuple[Row, ...]:
    lists = sorted({one.list_id for one in summary.answers})
    return tuple(
        (
            list_id,
            sum(one.answers for one in summary.answers if one.list_id == list_id),
            sum(one.slots for one in summary.answers if one.list_id == list_id),
        )
        for list_id in lists
    )


def _evaluated(summary: Summary) -> tuple[Row, ...]:
    subjects = sorted({(one.cameras, one.subject) for one in summary.evaluated})
    made = {(one.cameras, one.subject, one.custodian): one.evaluated for one in summary.evaluated}
    return tuple(
        (
            "Cameras" if cameras else "List owner",
            subject,
            *(made.get((cameras, subject, custodian), 0) for custodian in Custodian),
        )
        for cameras, subject in subjects
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "no figure yet"


def _plural(number: int, one: str, more: str = "") -> str:
    return one if number == 1 else more or f"{one}s"
