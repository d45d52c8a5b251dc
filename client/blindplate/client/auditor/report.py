"""The public report as files: one page that needs nothing else, the same figures as JSON, and CSV tables.

Guarantees that the page loads nothing from anywhere and runs no script, and that whatever stands in the ledger is text on
it and never markup. Needs ``jinja2``; the rest of the auditor does not. docs/spec/audit.md sections 4 and 6.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.csv_tables import csv_tables, requests_table
from blindplate.client.auditor.findings import day_of
from blindplate.client.auditor.page import build_page
from blindplate.client.auditor.page_tables import grant_history
from blindplate.client.auditor.summary import Summary, summarize
from blindplate.client.auditor.wording import duration
from blindplate.core.errors import StorageError
from blindplate.edge.keyfiles import write_public

TEMPLATES: Final = Path(__file__).with_name("templates")
PAGE: Final = "report.html"
SCHEMA: Final = "blindplate-public-report"
# Rises when a field of the JSON file or a column of a CSV file goes or changes its meaning; more of them do not raise it.
SCHEMA_VERSION: Final = 1


def write_report(audit: Audit, folder: Path) -> Path:
    """Write the report of ``audit`` into ``folder``; the path of its page. Raises StorageError."""
    summary = summarize(audit)
    files = {
        PAGE: render(summary),
        "report.json": json_text(summary),
        **{f"{name}.csv": text for name, text in csv_tables(summary).items()},
        "requests.csv": requests_table(audit),
    }
    try:
        for name, text in files.items():
            write_public(folder / name, text.encode())
    except StorageError as error:
        raise StorageError(error.what, "Make room, or name another folder.") from None
    return folder / PAGE


def json_text(summary: Summary) -> str:
    """The JSON file of a summary."""
    named = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(summary)}
    return json.dumps(named, indent=1, ensure_ascii=False) + "\n"


def render(summary: Summary) -> str:
    """The page of a summary, whole."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = (TEMPLATES / "report.css").read_text()
    return environment.get_template("report.html.jinja").render(
        summary=summary,
        page=build_page(summary),
        css=Markup(css),  # noqa: S704  our own file, nothing of a ledger
        # The page allows itself this one style sheet, by its digest, and nothing else of any kind (CSP level 3).
        css_digest=b64encode(sha256(css.encode()).digest()).decode(),
        day=day_of,
        duration=duration,
        history=grant_history,
    )
