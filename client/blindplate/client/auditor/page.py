"""What the page shows, put together from the summary: cards, charts with their numbers, and rows of tables.

Guarantees that the page says nothing that the summary does not. Days become months where there are too many to read.
docs/spec/audit.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup

from blindplate.client.auditor import charts
from blindplate.client.auditor.charts import Line, Series
from blindplate.client.auditor.findings import Severity, at
from blindplate.client.auditor.release_figures import Tally
from blindplate.client.auditor.summary import ListFigures, Summary
from blindplate.core.parties import Custodian

Row = tuple[str | int, ...]
_MOST_DAYS: Final = 62
_MOST_FINDINGS: Final = 200
# As many as there are ways to draw a line.
_MOST_LISTS: Final = 4
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
class Figure:
    """A chart, what its colours mean, and its numbers as a table; the first ``words`` columns hold words."""

    title: str
    chart: Markup
    legend: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    words: int = 1


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the template puts on the page."""

    title: str
    as_of: str
    sections: tuple[Section, ...]
    violations: str
    checked: str
    findings: tuple[Row, ...]
    findings_shown: str
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
    releases, findings = summary.releases, summary.findings
    violations = sum(one.severity is Severity.VIOLATION for one in findings)
    shown = findings[:_MOST_FINDINGS]
    grants = sum(len(agency.grants) for agency in summary.agencies)
    return Page(
        title="Number plates matched: public report",
        as_of=at(max(summary.head.witnessed_a, summary.head.witnessed_b)),
        sections=tuple(Section(*one) for one in _SECTIONS),
        violations=f"{violations:,} {'rule is' if violations == 1 else 'rules are'}",
        checked=(
            f"All {summary.head.entries:,} entries were checked one by one, against each other and against the signatures "
            f"of the ledger and of both custodians: {violations:,} {_plural(violations, 'violation')} and "
            f"{len(findings) - violations:,} {_plural(len(findings) - violations, 'note')}."
        ),
        findings=tuple(
            (one.severity.value, "file" if one.entry is None else str(one.entry), one.rule, one.sentence)
            for one in shown
        ),
        findings_shown=f" (the first {len(shown):,} of {len(findings):,})"
        if len(findings) > len(shown)
        else "",
        cards=_cards(summary),
        reads=_reads(summary),
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
        requests=_tallies(
            "requests", "Release requests over time", _by_month(releases.by_day), over_time=True
        ),
        purposes=_tallies("purposes", "Release requests by purpose", releases.by_purpose),
        zones_asked=_tallies("zones", "Release requests by area", releases.by_zone),
        agencies_asking=_tallies("agencies", "Release requests by agency", releases.by_agency),
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
        lists=_lists(summary),
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


def _reads(summary: Summary) -> Figure:
    days = sorted({one.day for one in summary.days})
    places = {day: place for place, day in enumerate(dict.fromkeys(_period(day, len(days)) for day in days))}
    lists = sorted({one.list_id for one in summary.days})
    counted = {list_id: [0] * len(places) for list_id in lists}
    for one in summary.days:
        counted[one.list_id][places[_period(one.day, len(days))]] += one.counts.received
    shown, rest = lists[:3], lists[3:]
    series = [Series(list_id, counted[list_id]) for list_id in shown]
    if rest:
        series.append(
            Series("all other lists", [sum(row) for row in zip(*(counted[one] for one in rest), strict=True)])
        )
    title = "Records received, by list"
    labels = list(places)
    rows: tuple[Row, ...] = tuple(
        (label, *(counted[list_id][at_] for list_id in lists)) for at_, label in enumerate(labels)
    )
    text = f"Columns for {len(labels)} periods, stacked by list. The numbers are in the table that follows."
    chart = charts.columns("reads-chart", title, text, labels, series)
    return Figure(title, chart, tuple(one.name for one in series), ("Period", *lists), rows)


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


def _tallies(name: str, title: str, tallies: Sequence[Tally], *, over_time: bool = False) -> Figure:
    series = [
        Series("released", [one.released for one in tallies]),
        Series("refused", [one.refused for one in tallies]),
        Series("expired", [one.expired for one in tallies]),
        Series("waiting", [one.waiting for one in tallies]),
    ]
    labels = [one.name for one in tallies]
    text = "Requests, parted into released, refused, expired and waiting. The numbers are in the table that follows."
    draw = charts.columns if over_time else charts.bars
    return Figure(
        title,
        draw(f"{name}-chart", title, text, labels, series),
        tuple(one.name for one in series),
        ("Period" if over_time else "", "Requested", "Released", "Refused", "Expired", "Waiting"),
        tuple(
            (one.name, one.requested, one.released, one.refused, one.expired, one.waiting) for one in tallies
        ),
    )


def _lists(summary: Summary) -> Figure:
    drawn = sorted((one for one in summary.lists if one.versions), key=_length, reverse=True)[:_MOST_LISTS]
    moments = [version.made_at for one in drawn for version in one.versions]
    series = [
        Line(one.grant_id, [(version.made_at, version.entries) for version in one.versions]) for one in drawn
    ]
    title = "Vehicles on lists over time"
    text = f"{len(drawn)} lists, the longest, each as a line in steps. The numbers are in the table that follows."
    ends = (_day(min(moments)), _day(max(moments))) if moments else ("", "")
    return Figure(
        title,
        charts.lines("lists-chart", title, text, series, ends),
        tuple(one.name for one in series),
        ("Grant", "Made", "Version", "Vehicles", "Added", "Removed"),
        tuple(
            (
                one.grant_id,
                _day(version.made_at),
                version.number,
                version.entries,
                version.added,
                version.removed,
            )
            for one in summary.lists
            for version in one.versions
        ),
        2,
    )


def _length(figures: ListFigures) -> int:
    return max(version.entries for version in figures.versions)


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


def _by_month(tallies: Sequence[Tally]) -> Sequence[Tally]:
    if len(tallies) <= _MOST_DAYS:
        return tallies
    months: dict[str, list[Tally]] = {}
    for one in tallies:
        months.setdefault(one.name[:7], []).append(one)
    return [_sum(month, held) for month, held in months.items()]


def _sum(name: str, tallies: Iterable[Tally]) -> Tally:
    held = list(tallies)
    return Tally(
        name,
        sum(one.released for one in held),
        sum(one.refused for one in held),
        sum(one.expired for one in held),
        sum(one.waiting for one in held),
    )


def _period(day: str, days: int) -> str:
    """The day itself, or its month where there are too many days to read."""
    return day if days <= _MOST_DAYS else day[:7]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "no figure yet"


def _plural(number: int, one: str, more: str = "") -> str:
    return one if number == 1 else more or f"{one}s"


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
