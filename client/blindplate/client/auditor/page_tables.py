"""The tables of the page that are not about releases: reads, lists, grants, cameras, pseudonyms, entries, findings.

Guarantees that no table says what the summary does not. docs/spec/audit.md section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blindplate.client.auditor.access import GrantFigures
from blindplate.client.auditor.findings import Severity, day_of
from blindplate.client.auditor.summary import FindingLine, Summary
from blindplate.client.auditor.wording import share
from blindplate.core.parties import Custodian

Row = tuple[str | int, ...]
_MOST_FINDINGS: Final = 200


@dataclass(frozen=True, slots=True)
class Table:
    """``rows`` have a cell for each of ``columns``; the first ``words`` columns hold words, the others numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    words: int = 1


def from_read_to_hit(summary: Summary) -> Table:
    """Each list: its reads, and how many of them were hits."""
    return Table(
        "From read to hit, list by list",
        (
            "Agency",
            "List",
            "What for",
            "Reads",
            "Hits",
            "Share of reads that were hits",
            "Erased unopened",
            "Held",
        ),
        tuple(
            (
                one.agency,
                one.list_id,
                one.list_kind,
                one.received,
                one.claimed,
                share(one.claimed, one.received),
                one.erased,
                one.open,
            )
            for one in summary.by_list
        ),
        3,
    )


def places(summary: Summary) -> Table:
    """Each list and zone: what became of its reads, beside what cameras say."""
    return Table(
        "What became of reads, by list and zone",
        (
            "List",
            "Zone",
            "Reads",
            "Hits",
            "Erased when answered",
            "Erased when their time was over",
            "Held",
            "Of the hits, erased since",
            "Reads that cameras say they handed in",
        ),
        tuple(
            (
                one.list_id,
                one.zone,
                one.counts.received,
                one.counts.claimed,
                one.counts.erased_acknowledged,
                one.counts.erased_unclaimed,
                one.open,
                one.counts.erased_claimed,
                one.cameras_say,
            )
            for one in summary.places
        ),
        2,
    )


def answers(summary: Summary) -> Table:
    """Each list: how many answers left the matcher."""
    lists = sorted({one.list_id for one in summary.answers})
    return Table(
        "Answers sent to list owners",
        ("List", "Answers", "Places in them, dummies included"),
        tuple(
            (
                list_id,
                sum(one.answers for one in summary.answers if one.list_id == list_id),
                sum(one.slots for one in summary.answers if one.list_id == list_id),
            )
            for list_id in lists
        ),
    )


def lists(summary: Summary) -> Table:
    """Each grant's list: how long, and how much it changed."""
    return Table(
        "Length and change of lists",
        (
            "Agency",
            "List",
            "Grant",
            "Vehicles now",
            "Vehicles allowed",
            "Versions",
            "Added in all",
            "Removed in all",
        ),
        tuple(
            (
                one.agency,
                one.list_id,
                one.grant_id,
                one.entries,
                one.allowed,
                len(one.versions),
                one.added,
                one.removed,
            )
            for one in summary.lists
        ),
        3,
    )


def grants(summary: Summary) -> Table:
    """Every grant there ever was, as it stands."""
    return Table(
        "Every grant",
        ("Agency", "Grant", "Now", "List", "Zones", "From", "To"),
        tuple(
            (
                agency.name,
                one.grant_id,
                one.standing,
                one.list_id,
                ", ".join(one.zones),
                day_of(one.not_before),
                day_of(one.not_after),
            )
            for agency in summary.agencies
            for one in agency.grants
        ),
        7,
    )


def grant_history(grant: GrantFigures) -> Table:
    """What happened to one grant."""
    rows: tuple[Row, ...] = tuple((f"entry {change.entry:,}", change.what) for change in grant.history)
    return Table(f"History of grant {grant.grant_id}", ("Where", "What happened"), rows, 2)


def suspensions(summary: Summary) -> Table:
    """Every time a custodian stopped acting on a grant, or began again."""
    return Table(
        "Suspensions by a custodian",
        ("Day", "Custodian", "Grant", "What it said", "Why", "Entry"),
        tuple(
            (
                one.day,
                f"Custodian {one.custodian.name}",
                one.grant_id,
                "acts on it no longer" if one.suspended else "acts on it again",
                one.reason,
                str(one.entry),
            )
            for one in summary.suspensions
        ),
        6,
    )


def cameras(summary: Summary) -> Table:
    """Each zone's cameras."""
    return Table(
        "Cameras by zone, by the public registers",
        (
            "Zone",
            "Register number",
            "Cameras",
            "Of them suspected",
            "Of them revoked",
            "Of them that have reported counts",
        ),
        tuple(
            (one.zone, one.generation, one.cameras, one.suspected, one.revoked, one.reporting)
            for one in summary.zones
        ),
    )


def pseudonyms(summary: Summary) -> Table:
    """For whom each custodian made how many pseudonyms."""
    subjects = sorted({(one.cameras, one.subject) for one in summary.evaluated})
    made = {(one.cameras, one.subject, one.custodian): one.evaluated for one in summary.evaluated}
    return Table(
        "Pseudonyms made",
        ("For", "Grant, or list and zone", *(f"By custodian {one.name}" for one in Custodian)),
        tuple(
            (
                "Cameras" if of_cameras else "List owner",
                subject,
                *(made.get((of_cameras, subject, custodian), 0) for custodian in Custodian),
            )
            for of_cameras, subject in subjects
        ),
        2,
    )


def entries(summary: Summary) -> Table:
    """How many entries of each kind."""
    return Table(
        "Entries by kind",
        ("Kind", "Entries"),
        tuple((kind.replace("-", " "), count) for kind, count in summary.entries),
    )


def alarms(summary: Summary) -> Table:
    """Every alarm there is, and how often it was noted."""
    return Table("Alarms", ("What", "How often"), tuple((one.meaning, one.noted) for one in summary.alarms))


def findings(summary: Summary, severity: Severity, caption: str) -> Table:
    """The first of the findings of a severity; all are in the CSV file."""
    found = [one for one in summary.findings if one.severity is severity]
    more = f" (the first {_MOST_FINDINGS} of {len(found):,}; all are in findings.csv)"
    return Table(
        caption + (more if len(found) > _MOST_FINDINGS else ""),
        ("Where", "What should hold", "What was found"),
        tuple(
            ("a public file" if one.entry is None else f"entry {one.entry:,}", one.rule, one.sentence)
            for one in found[:_MOST_FINDINGS]
        ),
        3,
    )


def notes(found: Sequence[FindingLine]) -> Table:
    """One row for each rule with a note, with how many there are and the first as an example."""
    first: dict[str, FindingLine] = {}
    for one in found:
        if one.severity is Severity.NOTE:
            first.setdefault(one.rule, one)
    return Table(
        "Notes",
        ("What should hold", "The first that was noted", "How many"),
        tuple(
            (rule, example.sentence, sum(one.rule == rule and one.severity is Severity.NOTE for one in found))
            for rule, example in first.items()
        ),
        2,
    )
