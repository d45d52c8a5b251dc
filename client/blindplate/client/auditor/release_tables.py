"""The tables of the page about releases.

Guarantees that no table says what the summary does not. docs/spec/audit.md section 4.
"""

from __future__ import annotations

from blindplate.client.auditor.page_tables import Row, Table
from blindplate.client.auditor.release_figures import Tally
from blindplate.client.auditor.summary import Summary
from blindplate.client.auditor.wording import duration, share

# Of a request's id, on the page; the files have all of it.
_SHOWN = 8
STANDINGS = ("Asked for", "Released", "Refused", "Expired", "Waiting")


def tallied(one: Tally) -> Row:
    """The cells for STANDINGS."""
    return (one.requested, one.released, one.refused, one.expired, one.waiting)


def from_hit_to_release(summary: Summary) -> Table:
    """Each list: how many releases were asked for, and what the custodians said."""
    return Table(
        "From hit to release, list by list",
        ("Agency", "List", "Hits", *STANDINGS),
        tuple((one.agency, one.list_id, one.claimed, *tallied(one.requests)) for one in summary.by_list),
        2,
    )


def outcomes(summary: Summary) -> Table:
    """Each list: what its owner reports of released records."""
    return Table(
        "What agencies report of released records",
        (
            "List",
            "Released",
            "The vehicle sought",
            "Plate misread",
            "Not the vehicle sought",
            "Opened, nothing more said",
            "Did not open",
            "No report",
            "False hits of those reported on",
        ),
        tuple(
            (
                one.list_id,
                one.released,
                one.confirmed,
                one.misread,
                one.not_sought,
                one.opened,
                one.failed,
                one.unreported,
                share(one.false_hits, one.judged),
            )
            for one in summary.releases.outcomes
        ),
    )


def by_agency_and_purpose(summary: Summary) -> Table:
    """Each agency: what it asked for releases for."""
    return Table(
        "Purposes and classes of offence, agency by agency",
        ("Agency", "Purpose", *STANDINGS),
        tuple(
            (one.agency, one.purpose, *tallied(one.requests))
            for one in summary.releases.by_agency_and_purpose
        ),
        2,
    )


def refusals(summary: Summary) -> Table:
    """Why custodians refused."""
    return Table(
        "Why custodians refused",
        ("Reason", "Custodian", "Code", "Requests"),
        tuple(
            (one.meaning, f"Custodian {one.custodian.name}", one.code, one.requests)
            for one in summary.releases.refusals
        ),
        3,
    )


def approvals(summary: Summary) -> Table:
    """How each custodian came to its approvals."""
    return Table(
        "How each custodian came to its approvals",
        (
            "Custodian",
            "Automatic, for charges",
            "Standing authorisation",
            "Its officers",
            "Emergency override",
        ),
        tuple(
            (f"Custodian {one.custodian.name}", one.automatic, one.standing, one.officers, one.emergency)
            for one in summary.releases.approvals
        ),
    )


def agreements(summary: Summary) -> Table:
    """How often the custodians agreed."""
    return Table(
        "Did the custodians agree?",
        (
            "List",
            "Both approved",
            "Both refused",
            "Only A refused",
            "Only B refused",
            "One or both did not decide",
        ),
        tuple(
            (
                one.list_id,
                one.both_approved,
                one.both_refused,
                one.a_alone_refused,
                one.b_alone_refused,
                one.undecided,
            )
            for one in summary.releases.agreements
        ),
    )


def taken(summary: Summary) -> Table:
    """How long answers took."""
    return Table(
        "How long an answer took",
        ("List", "Decided", "Answered", "Half of them within", "Nine in ten within", "The longest"),
        tuple(
            (
                one.list_id,
                one.way,
                one.answered,
                duration(one.half),
                duration(one.nine_in_ten),
                duration(one.longest),
            )
            for one in summary.releases.taken
        ),
        2,
    )


def overrides(summary: Summary) -> Table:
    """Every emergency override."""
    return Table(
        "Emergency overrides",
        ("Day", "Agency", "Purpose", "Zone", "Custodian", "Entry"),
        tuple(
            (one.day, one.agency, one.purpose, one.zone, f"Custodian {one.custodian.name}", str(one.entry))
            for one in summary.releases.overrides
        ),
        6,
    )


def evidence(summary: Summary) -> Table:
    """What agencies say became of the records released to them."""
    return Table(
        "Released evidence, by the agencies' own word",
        (
            "Agency",
            "Grant",
            "Days kept",
            "Released",
            "Erased",
            "Kept",
            "Of these held",
            "Overdue",
            "Last told of",
        ),
        tuple(
            (
                one.agency,
                one.grant_id,
                one.evidence_days,
                one.released,
                one.erased,
                one.kept,
                one.held,
                one.overdue,
                one.last_day or "never",
            )
            for one in summary.evidence
        ),
        2,
    )


def holds(summary: Summary) -> Table:
    """Every hold."""
    return Table(
        "Evidence held for longer",
        ("Request", "Grant", "Why", "Until", "Now", "Entry"),
        tuple(
            (
                one.request[:_SHOWN],
                one.grant_id,
                one.hold_reason.replace("-", " "),
                one.until,
                "held" if one.standing else "over",
                str(one.entry),
            )
            for one in summary.holds
        ),
        6,
    )
