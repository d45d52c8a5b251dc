"""The tables of the page about what was erased, and what the matcher's last check found."""

from __future__ import annotations

from typing import Final

from blindplate.client.auditor.page_tables import Table
from blindplate.client.auditor.summary import Summary
from blindplate.client.auditor.wording import PLACES, long_day

# All days are in the CSV and JSON files.
_DAYS_SHOWN: Final = 7


def erased(summary: Summary) -> Table:
    """The last days, by list and zone."""
    shown = sorted({one.day for one in summary.erasures})[-_DAYS_SHOWN:]
    return Table(
        f"What the matcher erased, by day, list and zone (the last {_DAYS_SHOWN} days on which it did)",
        (
            "Day",
            "List",
            "Zone",
            "Erased when answered",
            "Of these, kept until payment had closed",
            "Erased when their time was over",
            "Hits, erased when their time was over",
        ),
        tuple(
            (
                long_day(one.day),
                one.list_id,
                one.zone,
                one.erased_acknowledged,
                one.erased_unopened,
                one.erased_unclaimed,
                one.erased_claimed,
            )
            for one in summary.erasures
            if one.day in shown
        ),
        3,
    )


def checked(summary: Summary) -> Table:
    """The last nightly check."""
    day = f" of {long_day(summary.retention[0].day)}" if summary.retention else ""
    return Table(
        f"The matcher's check{day} for what should be gone",
        ("Where", "Looked at", "Should be gone", "By how many seconds, the oldest"),
        tuple(
            (PLACES.get(one.place, one.place), one.items, one.overdue, one.oldest_seconds)
            for one in summary.retention
        ),
    )
