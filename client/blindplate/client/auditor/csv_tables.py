"""Every figure of the report as CSV (RFC 4180), and every release request.

Guarantees that columns bear the names of the JSON file's fields, and that no cell is taken for a formula by a
spreadsheet. docs/spec/audit.md section 6.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from blindplate.client.auditor.access import ZoneFigures
from blindplate.client.auditor.alarms import Alarm
from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.erasure_figures import CheckedPlace, ErasedDay
from blindplate.client.auditor.evidence_figures import EvidenceFigures, HoldFigures
from blindplate.client.auditor.figures import COUNTED
from blindplate.client.auditor.findings import day_of
from blindplate.client.auditor.record_figures import Answers
from blindplate.client.auditor.release_figures import Approvals, Override, Refusals
from blindplate.client.auditor.release_results import Agreement, Outcomes, Taken, answered_after
from blindplate.client.auditor.requests import Requested
from blindplate.client.auditor.summary import Evaluated, FindingLine, Searches, Summary
from blindplate.client.auditor.suspensions import Suspension
from blindplate.core.parties import Custodian

_Cell = str | int | float | None
_STANDINGS: Final = ("requested", "released", "refused", "expired", "waiting")
_REQUEST_COLUMNS: Final = (
    "entry",
    "request",
    "made",
    "agency",
    "grant_id",
    "list_id",
    "zone",
    "purpose",
    "alternate",
    "emergency",
    "standing",
    "verdict_a",
    "code_a",
    "verdict_b",
    "code_b",
    "answered_after_seconds",
    "outcome",
)
# What a spreadsheet takes for the beginning of a formula, in either width; some pass over blanks before it.
_FORMULAS: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")


def csv_tables(summary: Summary) -> dict[str, str]:
    """Every table of the summary as CSV with a header, by name."""
    return _nested(summary) | {
        name: _csv(
            [field.name for field in fields(kind)],
            ([getattr(row, field.name) for field in fields(kind)] for row in rows),
        )
        for name, (kind, rows) in _flat(summary).items()
    }


def requests_table(audit: Audit) -> str:
    """Every request with what became of it, in the order of the ledger."""
    return _csv(_REQUEST_COLUMNS, _requests(audit))


def _flat(summary: Summary) -> Mapping[str, tuple[Any, Sequence[object]]]:
    """Tables whose columns are the fields of one dataclass: the class, for a table without rows, and the rows."""
    releases = summary.releases
    return {
        "findings": (FindingLine, summary.findings),
        "alarms": (Alarm, summary.alarms),
        "answers": (Answers, summary.answers),
        "refusals": (Refusals, releases.refusals),
        "approvals": (Approvals, releases.approvals),
        "agreements": (Agreement, releases.agreements),
        "taken": (Taken, releases.taken),
        "outcomes": (Outcomes, releases.outcomes),
        "overrides": (Override, releases.overrides),
        "suspensions": (Suspension, summary.suspensions),
        "cameras": (ZoneFigures, summary.zones),
        "pseudonyms": (Evaluated, summary.evaluated),
        "searches": (Searches, summary.searches),
        "erasures": (ErasedDay, summary.erasures),
        "retention": (CheckedPlace, summary.retention),
        "evidence": (EvidenceFigures, summary.evidence),
        "holds": (HoldFigures, summary.holds),
    }


def _nested(summary: Summary) -> dict[str, str]:
    releases = summary.releases
    return {
        "reads": _csv(
            ("day", "list_id", "zone", *COUNTED),
            ((one.day, one.list_id, one.zone, *_values(one.counts, COUNTED)) for one in summary.days),
        ),
        "places": _csv(
            ("list_id", "zone", *COUNTED, "open", "kept", "cameras_say"),
            (
                (one.list_id, one.zone, *_values(one.counts, COUNTED), one.open, one.kept, one.cameras_say)
                for one in summary.places
            ),
        ),
        "by_list": _csv(
            ("list_id", "agency", "list_kind", "received", "claimed", "erased", "open", *_STANDINGS),
            (
                (
                    *_values(
                        one, ("list_id", "agency", "list_kind", "received", "claimed", "erased", "open")
                    ),
                    *_values(one.requests, _STANDINGS),
                )
                for one in summary.by_list
            ),
        ),
        "releases": _csv(
            ("by", "name", *_STANDINGS),
            (
                (by, one.name, *_values(one, _STANDINGS))
                for by in ("day", "purpose", "zone", "agency", "list")
                for one in getattr(releases, f"by_{by}")
            ),
        ),
        "purposes": _csv(
            ("agency", "purpose", *_STANDINGS),
            (
                (one.agency, one.purpose, *_values(one.requests, _STANDINGS))
                for one in releases.by_agency_and_purpose
            ),
        ),
        "lists": _csv(
            (
                "grant_id",
                "list_id",
                "agency",
                "allowed",
                "entry",
                "number",
                "day",
                "entries",
                "added",
                "removed",
            ),
            (
                (
                    *_values(one, ("grant_id", "list_id", "agency", "allowed")),
                    *(version.entry, version.number, day_of(version.made_at)),
                    *_values(version, ("entries", "added", "removed")),
                )
                for one in summary.lists
                for version in one.versions
            ),
        ),
        "grants": _csv(
            (
                "agency",
                "grant_id",
                "standing",
                "list_id",
                "zones",
                "from",
                "to",
                "purpose",
                "privacy",
                "equality",
            ),
            (
                (
                    agency.name,
                    *_values(one, ("grant_id", "standing", "list_id")),
                    " ".join(one.zones),
                    day_of(one.not_before),
                    day_of(one.not_after),
                    one.purpose,
                    one.privacy_assessment.address,
                    one.equality_assessment.address,
                )
                for agency in summary.agencies
                for one in agency.grants
            ),
        ),
    }


def _requests(audit: Audit) -> Iterable[Sequence[_Cell]]:
    as_of = audit.signed.require_both()
    for request_id, one in audit.judge.releases.requests.items():
        yield (
            one.index,
            request_id.hex(),
            day_of(one.made_at),
            one.requester,
            one.grant_id,
            one.list_id,
            one.zone,
            one.purpose,
            one.alternate,
            one.emergency,
            one.standing(as_of),
            *(cell for custodian in Custodian for cell in _decided(one, custodian)),
            answered_after(one),
            one.outcomes[-1] if one.outcomes else "",
        )


def _decided(request: Requested, custodian: Custodian) -> tuple[str, str]:
    decided = request.decisions.get(custodian)
    return (decided.verdict, decided.code) if decided else ("", "")


def _values(row: object, names: Iterable[str]) -> list[_Cell]:
    return [getattr(row, name) for name in names]


def _csv(columns: Sequence[str], rows: Iterable[Sequence[_Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_inert(cell) for cell in row] for row in rows)
    return text.getvalue()


def _inert(cell: _Cell) -> _Cell:
    """Booleans as in JSON; an apostrophe keeps text that begins like a formula text."""
    if isinstance(cell, bool):
        return str(cell).lower()
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULAS) else cell
