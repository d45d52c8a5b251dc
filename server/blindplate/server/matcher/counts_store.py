"""Counts of what happened to records, by UTC day, list and zone: what the matcher signs into the ledger.

Guarantees that every record taken in is counted once as received, and once more as claimed or erased or among those
still open: each count is written in the transaction of what it counts, and ``totals`` sees one state of all of them.
They outlive the records, name no camera and no time finer than a day. What happens once the day of its time was stated is
counted for the day after the last one stated, so that days add up to the totals. A record that stands for several reads of its
vehicle's day is counted as so many wherever it is counted, so that what is published does not tell whether two reads
that were kept are of one vehicle; how many were folded into others (``Event.FOLDED``) is not published. Protocol
sections 5, 7 and 8.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import repeat
from typing import Any, Final

from sqlalchemy import Connection, Row, case, delete, func, insert, select, update

from blindplate.core.errors import StorageError
from blindplate.core.statements.erasures import DayCount, next_day
from blindplate.core.statements.matching import RecordCount
from blindplate.server.matcher.chunks import chunks
from blindplate.server.matcher.tables import counting, counts, records


class Event(StrEnum):
    """What is counted."""

    RECEIVED = "received"
    ANSWERED = "answered"
    CLAIMED = "claimed"
    ERASED_ACKNOWLEDGED = "erased-acknowledged"
    ERASED_UNCLAIMED = "erased-window-unclaimed"
    ERASED_CLAIMED = "erased-window-claimed"
    ERASED_UNOPENED = "erased-unopened"
    FOLDED = "folded"


# What of it is said of a day.
_STATED: Final = {
    Event.RECEIVED: "received",
    Event.CLAIMED: "claimed",
    Event.ERASED_ACKNOWLEDGED: "erased_acknowledged",
    Event.ERASED_UNCLAIMED: "erased_unclaimed",
    Event.ERASED_CLAIMED: "erased_claimed",
    Event.ERASED_UNOPENED: "erased_unopened",
}


@dataclass(frozen=True, slots=True)
class Totals:
    """All counts since the counting began (``since``, seconds since 1970, UTC), by list and zone."""

    since: int
    records: tuple[RecordCount, ...]
    refused_claims: int


@dataclass(frozen=True, slots=True)
class Day:
    """What was counted on one day, by list and zone, since the counting began at ``since``."""

    since: int
    records: tuple[DayCount, ...]


def begin(connection: Connection, now_ms: int) -> None:
    """Begin the public counts, unless they have begun. Records held already are counted as received just now."""
    if connection.execute(select(counting.c.since)).first() is not None:
        return
    connection.execute(insert(counting).values(since=now_ms // 1000, refused_claims=0))
    connection.execute(delete(counts))
    held = connection.execute(
        select(
            records.c.list_id,
            records.c.zone,
            func.sum(records.c.reads).label("held"),
            func.sum(case((records.c.claimed_ms.is_not(None), records.c.reads), else_=0)).label("claimed"),
        ).group_by(records.c.list_id, records.c.zone)
    ).all()
    for event, number in ((Event.RECEIVED, "held"), (Event.CLAIMED, "claimed")):
        _raise(connection, event, {(row.list_id, row.zone): getattr(row, number) for row in held}, now_ms)


def add(connection: Connection, event: Event, places: Iterable[tuple[str, str]], now_ms: int) -> None:
    """Count ``event`` once for every (list, zone) of ``places``, on the day of ``now_ms``."""
    _raise(connection, event, Counter(places), now_ms)


def places(connection: Connection, numbers: Iterable[int]) -> Iterator[tuple[str, str]]:
    """The (list, zone) of each record of these ``numbers``, once for every read that it stands for."""
    for some in chunks(numbers):
        rows = connection.execute(
            select(records.c.list_id, records.c.zone, records.c.reads).where(records.c.number.in_(some))
        )
        for row in rows:
            yield from repeat((row.list_id, row.zone), row.reads)


def add_refused_claims(connection: Connection, number: int) -> None:
    """Count ``number`` more claims that opened nothing."""
    if number:
        connection.execute(update(counting).values(refused_claims=counting.c.refused_claims + number))


def unstated(connection: Connection, today: str) -> list[str]:
    """The days before ``today`` that were not stated yet, in order. Raises StorageError as ``totals``."""
    beginning = _beginning(connection)
    day = _next(beginning)
    days: list[str] = []
    while day < today:
        days.append(day)
        day = next_day(day)
    return days


def state(connection: Connection, day: str) -> Day:
    """Close ``day``, the next of those ``unstated``; what was counted on it. Raises StorageError when it is not the next."""
    if day not in unstated(connection, next_day(day))[:1]:
        raise StorageError("A day was to be stated that was stated before, or is not the next.")
    connection.execute(update(counting).values(stated=day))
    rows = connection.execute(
        select(counts).where(counts.c.day == day).order_by(counts.c.list_id, counts.c.zone)
    )
    by_place: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        name = _STATED.get(Event(row.event))
        if name is not None:
            by_place.setdefault((row.list_id, row.zone), {})[name] = row.amount
    return Day(
        _beginning(connection).since,
        tuple(
            DayCount.model_validate({"list_id": list_id, "zone": zone, **amounts})
            for (list_id, zone), amounts in by_place.items()
        ),
    )


def read(connection: Connection) -> dict[tuple[str, str, str, Event], int]:
    """Every count by day (``YYYY-MM-DD``), list, zone and event."""
    rows = connection.execute(select(counts))
    return {(row.day, row.list_id, row.zone, Event(row.event)): row.amount for row in rows}


def totals(connection: Connection) -> Totals:
    """Everything counted, beside what is open now. Raises StorageError when the counting has not begun."""
    beginning = _beginning(connection)
    summed = connection.execute(
        select(counts.c.list_id, counts.c.zone, counts.c.event, func.sum(counts.c.amount).label("amount"))
        .group_by(counts.c.list_id, counts.c.zone, counts.c.event)
        .order_by(counts.c.list_id, counts.c.zone)
    )
    by_place: dict[tuple[str, str], Counter[Event]] = {}
    for row in summed:
        by_place.setdefault((row.list_id, row.zone), Counter())[Event(row.event)] = row.amount
    unclaimed = connection.execute(
        select(
            records.c.list_id,
            records.c.zone,
            func.sum(records.c.reads).label("held"),
            func.sum(case((records.c.kept_ms.is_not(None), records.c.reads), else_=0)).label("kept"),
        )
        .where(records.c.claimed_ms.is_(None))
        .group_by(records.c.list_id, records.c.zone)
    )
    still_open = {(row.list_id, row.zone): (row.held, row.kept) for row in unclaimed}
    return Totals(
        beginning.since,
        tuple(
            RecordCount(
                list_id=place[0],
                zone=place[1],
                received=events[Event.RECEIVED],
                answered=events[Event.ANSWERED],
                claimed=events[Event.CLAIMED],
                erased_acknowledged=events[Event.ERASED_ACKNOWLEDGED],
                erased_unclaimed=events[Event.ERASED_UNCLAIMED],
                erased_claimed=events[Event.ERASED_CLAIMED],
                open=still_open.get(place, (0, 0))[0],
                kept=still_open.get(place, (0, 0))[1],
                erased_unopened=events[Event.ERASED_UNOPENED],
            )
            for place, events in by_place.items()
        ),
        beginning.refused_claims,
    )


def _beginning(connection: Connection) -> Row[Any]:
    beginning = connection.execute(select(counting)).first()
    if beginning is None:
        raise StorageError("The matcher's counts have not begun.")
    return beginning


def _next(beginning: Row[Any]) -> str:
    """The first day that was not stated yet."""
    return next_day(beginning.stated) if beginning.stated else _day(1000 * beginning.since)


def _day(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000, UTC).date().isoformat()


def _raise(connection: Connection, event: Event, amounts: Mapping[tuple[str, str], int], now_ms: int) -> None:
    day = _day(now_ms)
    beginning = connection.execute(select(counting)).first()
    if beginning is not None:
        day = max(day, _next(beginning))
    for (list_id, zone), amount in amounts.items():
        if not amount:
            continue
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
