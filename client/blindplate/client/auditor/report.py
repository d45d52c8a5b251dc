"""The public report as files: one page that needs nothing else, the same figures as JSON, and CSV tables.

Guarantees that the page loads nothing from anywhere and runs no script, and that whatever stands in the ledger is text on
it and never markup. Needs ``jinja2``; the rest of the auditor does not. docs/spec/audit.md section 4.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from blindplate.client.auditor.access import GrantFigures
from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.figures import COUNTED
from blindplate.client.auditor.findings import day_of
from blindplate.client.auditor.page import build_page
from blindplate.client.auditor.requests import Requested
from blindplate.client.auditor.summary import Summary, summarize
from blindplate.core.parties import Custodian
from blindplate.edge.keyfiles import write_public

TEMPLATES: Final = Path(__file__).with_name("templates")
PAGE: Final = "report.html"
_Cell = str | int | float | None
_REQUEST_COLUMNS: Final = (
    "entry",
    "request",
    "made",
    "agency",
    "grant",
    "list",
    "zone",
    "purpose",
    "less_likely_reading",
    "emergency",
    "stands",
    "custodian_a",
    "custodian_a_code",
    "custodian_b",
    "custodian_b_code",
    "outcome",
)


def write_report(audit: Audit, folder: Path) -> Path:
    """Write the report of ``audit`` into ``folder``; the path of its page. Raises StorageError."""
    summary = summarize(audit)
    files = {
        PAGE: render(summary),
        "report.json": json.dumps(asdict(summary), indent=1, ensure_ascii=False) + "\n",
        **{f"{name}.csv": text for name, text in csv_tables(summary).items()},
        "requests.csv": _csv(_REQUEST_COLUMNS, _requests(audit)),
    }
    for name, text in files.items():
        write_public(folder / name, text.encode())
    return folder / PAGE


def render(summary: Summary) -> str:
    """The page of a summary, whole."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = Markup((TEMPLATES / "report.css").read_text())  # noqa: S704  our own file, nothing of a ledger
    return environment.get_template("report.html.jinja").render(
        summary=summary, page=build_page(summary), css=css, day=day_of, history=_history
    )


def csv_tables(summary: Summary) -> dict[str, str]:
    """Every table of the summary as CSV (RFC 4180) with a header, by name."""
    releases = summary.releases
    return {
        "findings": _csv(
            ("severity", "kind", "entry", "sentence"),
            ((one.severity, one.kind, one.entry, one.sentence) for one in summary.findings),
        ),
        "reads": _csv(
            ("day", "list", "zone", *COUNTED),
            (
                (one.day, one.list_id, one.zone, *(getattr(one.counts, name) for name in COUNTED))
                for one in summary.days
            ),
        ),
        "places": _csv(
            ("list", "zone", *COUNTED, "open", "kept", "cameras_say"),
            (
                (
                    one.list_id,
                    one.zone,
                    *(getattr(one.counts, name) for name in COUNTED),
                    one.open,
                    one.kept,
                    one.cameras_say,
                )
                for one in summary.places
            ),
        ),
        "answers": _csv(
            ("day", "list", "answers", "places"),
            ((one.day, one.list_id, one.answers, one.slots) for one in summary.answers),
        ),
        "releases": _csv(
            ("by", "name", "requested", "released", "refused", "expired", "waiting"),
            (
                (by, one.name, one.requested, one.released, one.refused, one.expired, one.waiting)
                for by, tallies in (
                    ("day", releases.by_day),
                    ("purpose", releases.by_purpose),
                    ("zone", releases.by_zone),
                    ("agency", releases.by_agency),
                )
                for one in tallies
            ),
        ),
        "refusals": _csv(
            ("custodian", "code", "meaning", "requests"),
            ((one.custodian, one.code, one.meaning, one.requests) for one in releases.refusals),
        ),
        "lists": _csv(
            ("grant", "list", "agency", "entry", "version", "day", "vehicles", "allowed", "added", "removed"),
            (
                (
                    one.grant_id,
                    one.list_id,
                    one.agency,
                    version.entry,
                    version.number,
                    day_of(version.made_at),
                    version.entries,
                    one.allowed,
                    version.added,
                    version.removed,
                )
                for one in summary.lists
                for version in one.versions
            ),
        ),
        "grants": _csv(
            ("agency", "grant", "standing", "list", "zones", "from", "to", "purpose", "privacy", "equality"),
            (
                (
                    agency.name,
                    one.grant_id,
                    one.standing,
                    one.list_id,
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
        "cameras": _csv(
            ("zone", "register", "cameras", "revoked", "reporting"),
            ((one.zone, one.generation, one.cameras, one.revoked, one.reporting) for one in summary.zones),
        ),
        "pseudonyms": _csv(
            ("custodian", "for", "subject", "made"),
            (
                (one.custodian, "cameras" if one.cameras else "owner", one.subject, one.evaluated)
                for one in summary.evaluated
            ),
        ),
    }


def _requests(audit: Audit) -> Iterable[Sequence[_Cell]]:
    """Every request with what became of it, in the order of the ledger."""
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
            int(one.alternate),
            int(one.emergency),
            one.standing(as_of),
            *(cell for custodian in Custodian for cell in _decided(one, custodian)),
            one.outcomes[-1] if one.outcomes else "",
        )


def _decided(request: Requested, custodian: Custodian) -> tuple[str, str]:
    decided = request.decisions.get(custodian)
    return (decided.verdict, decided.code) if decided else ("", "")


def _history(grant: GrantFigures) -> list[tuple[str, str]]:
    return [(str(change.entry), change.what) for change in grant.history]


def _csv(columns: Sequence[str], rows: Iterable[Sequence[_Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_inert(cell) for cell in row] for row in rows)
    return text.getvalue()


def _inert(cell: _Cell) -> _Cell:
    """A spreadsheet takes text that begins like a formula for one; an apostrophe keeps it text."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
