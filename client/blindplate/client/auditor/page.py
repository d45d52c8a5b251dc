"""What the page shows, put together from the summary: sentences, cards, charts and tables.

Guarantees that the page says nothing that the summary does not. docs/spec/audit.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from blindplate.client.auditor import erasure_tables, page_tables, release_tables
from blindplate.client.auditor.access import GrantFigures, GrantStanding
from blindplate.client.auditor.findings import Severity, at
from blindplate.client.auditor.page_figures import Figure, lists_figure, reads_figure, tally_figure
from blindplate.client.auditor.page_tables import Table
from blindplate.client.auditor.summary import Summary
from blindplate.client.auditor.wording import long_day, plural, share

_SECTIONS: Final = (
    ("short", "In short"),
    ("verdict", "Can these numbers be trusted?"),
    ("reads", "Reads, and what became of them"),
    ("releases", "Releases: who asked to see what, and who agreed"),
    ("hits", "Right and false hits"),
    ("alarms", "Alarms"),
    ("lists", "Lists: how long, and how they change"),
    ("access", "Who has access"),
    ("cameras", "Cameras"),
    ("pseudonyms", "Pseudonyms, and keepers who asked"),
    ("limits", "What this page cannot tell"),
    ("checked", "What was checked"),
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
    """Everything the template puts on the page; charts and tables by name."""

    title: str
    as_of: str
    sections: tuple[Section, ...]
    verdict: str
    checked: str
    lead: tuple[str, ...]
    cards: tuple[Card, ...]
    claims: str
    lost: str
    access: str
    searches: str
    broken: Table
    every_note: Table
    figures: dict[str, Figure]
    tables: dict[str, Table]

    def heading(self, anchor: str) -> str:
        """The title of a section."""
        return next(one.title for one in self.sections if one.anchor == anchor)


def build_page(summary: Summary) -> Page:
    """The page of a summary."""
    releases = summary.releases
    violations = sum(one.severity is Severity.VIOLATION for one in summary.findings)
    lost = sum(max(one.lost, 0) for one in summary.places)
    return Page(
        title="Number plates compared with lists: public report",
        as_of=at(max(summary.head.witnessed_a, summary.head.witnessed_b)),
        sections=tuple(Section(*one) for one in _SECTIONS),
        verdict=(
            "Yes, as far as a ledger can show it: no rule is broken."
            if summary.green
            else f"No: what follows breaks the rules in {plural(violations, 'place')}."
        ),
        checked=(
            f"All {plural(summary.head.entries, 'entry', 'entries')} were checked one by one, against each other and "
            "against the signatures of the ledger and of both custodians: "
            f"{plural(violations, 'violation')} and {plural(len(summary.findings) - violations, 'note')}."
        ),
        lead=_lead(summary),
        cards=_cards(summary),
        claims=(
            f"The matcher refused {plural(summary.refused_claims, 'claim')} by somebody who could not show a hit."
            if summary.refused_claims
            else "Nobody tried to claim a hit that was none."
        ),
        lost=(
            f"Of {plural(lost, 'read')} no later count says what became of them: the matcher's counts began anew while "
            "it held them."
            if lost
            else ""
        ),
        access=_access(summary),
        searches=" ".join(
            f"Custodian {one.custodian.name} made {plural(one.searches, 'search', 'searches')} for keepers who asked "
            "whether their vehicle was looked at."
            for one in summary.searches
        ),
        broken=page_tables.findings(summary, Severity.VIOLATION, "What breaks a rule"),
        every_note=page_tables.findings(summary, Severity.NOTE, "Every note"),
        figures={
            "reads": reads_figure(summary),
            "requests": tally_figure(
                "requests", "Releases asked for, over time", releases.by_day, over_time=True
            ),
            "purposes": tally_figure(
                "purposes", "Releases asked for, by purpose or class of offence", releases.by_purpose
            ),
            "zones": tally_figure("zones", "Releases asked for, by zone", releases.by_zone),
            "agencies": tally_figure("agencies", "Releases asked for, by agency", releases.by_agency),
            "lists": lists_figure(summary),
        },
        tables={
            "read_to_hit": page_tables.from_read_to_hit(summary),
            "hit_to_release": release_tables.from_hit_to_release(summary),
            "places": page_tables.places(summary),
            "erased": erasure_tables.erased(summary),
            "checked": erasure_tables.checked(summary),
            "answers": page_tables.answers(summary),
            "outcomes": release_tables.outcomes(summary),
            "purposes": release_tables.by_agency_and_purpose(summary),
            "refusals": release_tables.refusals(summary),
            "approvals": release_tables.approvals(summary),
            "agreements": release_tables.agreements(summary),
            "taken": release_tables.taken(summary),
            "evidence": release_tables.evidence(summary),
            "holds": release_tables.holds(summary),
            "overrides": release_tables.overrides(summary),
            "alarms": page_tables.alarms(summary),
            "notes": page_tables.notes(summary.findings),
            "lists": page_tables.lists(summary),
            "grants": page_tables.grants(summary),
            "suspensions": page_tables.suspensions(summary),
            "cameras": page_tables.cameras(summary),
            "pseudonyms": page_tables.pseudonyms(summary),
            "entries": page_tables.entries(summary),
        },
    )


def _lead(summary: Summary) -> tuple[str, ...]:
    """The whole in a few sentences."""
    total = summary.releases.total
    received = sum(one.received for one in summary.by_list)
    claimed = sum(one.claimed for one in summary.by_list)
    if not summary.days:
        return ("The ledger counts no reads yet.",)
    first, last = summary.days[0].day, summary.days[-1].day
    when = f"On {long_day(first)}" if first == last else f"From {long_day(first)} to {long_day(last)}"
    outcomes = summary.releases.outcomes
    false, judged = sum(one.false_hits for one in outcomes), sum(one.judged for one in outcomes)
    return (
        f"{when}, plates were read and compared with lists {received:,} times.",
        (
            f"Of these reads, {claimed:,} were hits ({share(claimed, received)}). "
            f"{sum(one.erased for one in summary.by_list):,} were erased without anyone seeing them, and "
            f"{sum(one.open for one in summary.by_list):,} are still held."
        ),
        (
            f"Agencies asked {plural(total.requested, 'time')} to see the record of a hit. Both custodians agreed to "
            f"{total.released:,}. Refused: {total.refused:,}. Expired: {total.expired:,}. Still waiting: {total.waiting:,}."
        ),
        f"Agencies then reported on {plural(judged, 'record')}. Of a vehicle that nobody sought: {false:,}."
        if judged
        else "No agency has reported yet whether a released record was of the vehicle sought.",
    )


def _access(summary: Summary) -> str:
    grants = [grant for agency in summary.agencies for grant in agency.grants]
    return (
        f"{plural(len(summary.agencies), 'agency has or had', 'agencies have or had')} access, under "
        f"{plural(len(grants), 'grant')}, of which {_in_force(grants):,} in force now. Nobody else has. A grant is signed "
        "by the operator and by both custodians, and is public before it counts."
    )


def _in_force(grants: Iterable[GrantFigures]) -> int:
    return sum(grant.standing is GrantStanding.IN_FORCE for grant in grants)


def _cards(summary: Summary) -> tuple[Card, ...]:
    total, lists = summary.releases.total, summary.by_list
    numbers = (
        ("reads compared with a list", sum(one.received for one in lists)),
        ("hits", sum(one.claimed for one in lists)),
        ("reads erased unopened", sum(one.erased for one in lists)),
        ("reads still held", sum(one.open for one in lists)),
        ("releases asked for", total.requested),
        ("released by both custodians", total.released),
        ("refused", total.refused),
        ("false hits reported", sum(one.false_hits for one in summary.releases.outcomes)),
        ("emergency overrides", len({one.request for one in summary.releases.overrides})),
        ("vehicles on lists", sum(one.entries for one in summary.lists)),
        ("agencies with a grant in force", sum(_in_force(one.grants) > 0 for one in summary.agencies)),
        ("cameras", sum(one.cameras for one in summary.zones)),
    )
    return tuple(Card(name, f"{value:,}") for name, value in numbers)
