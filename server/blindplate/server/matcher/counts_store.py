"""Counts of what happened to records, by UTC day, list and zone, for the reports to come.

They outlive the records, name no camera and no time finer than a day, and are written in the same transaction as
what they count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from blindplate.server.matcher.tables import counts


class Event(StrEnum):
    """What is counted."""

    RECEIVED = "received"
    ANSWERED = "answered"
    CLAIMED = "claimed"
    ERASED_ACKNOWLEDGED = "erased-acknowledged"
    ERASED_UNCLAIMED = "erased-window-unclaimed"
    ERASED_CLAIMED = "erased-window-claimed"


def add(connection: Connection, event: Event, places: Iterable[tuple[str, str]], now_ms: int) -> None:
    """Count ``event`` once for every (list, zone) of ``places``, on the day of ``now_ms``."""
    day = datetime.fromtimestamp(now_ms / 1000, UTC).date().isoformat()
    for (list_id, zone), amount in Counter(places).items():
        key = (
            (counts.c.day == day)
            & (counts.c.list_id == list_id)
            & (counts.c.zone == zone)
            & (counts.c.event == event.value)
        )
        raised = connection.execute(update(counts).where(key).values(amount=counts.c.amount + amount))
        if raised.rowcount == 0:
            connection.execute(
                insert(counts).values(day=day, list_id=list_id, zone=zone, event=event.value, amount=amount)
            )


def read(connection: Connection) -> dict[tuple[str, str, str, Event], int]:
    """Every count by day (``YYYY-MM-DD``), list, zone and event."""
    rows = connection.execute(select(counts))
    return {(row.day, row.list_id, row.zone, Event(row.event)): row.amount for row in rows}
