"""Which uploads of the list to be opened are due: once for each day, when payment for it has closed.

Guarantees that none is due before, nor for a free day, and that a day which kept anything gets a list to be opened, be
it an empty one, so that what was kept is erased. The segments mirror those of the day's list to be kept: what an entry
matches begins when its version took effect. Protocol section 8; docs/spec/owner.md section 7.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, func, select

from blindplate.client.owner import commitments, segments
from blindplate.client.owner.charging.days import ChargingDay, calendar_day, charging_day
from blindplate.client.owner.charging.lists import listing_versions
from blindplate.client.owner.coverage import Due, segments_due
from blindplate.client.owner.segments import SegmentState
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import segments as segments_table
from blindplate.core.domains import Epoch
from blindplate.core.statements.uploads import Stage


def days_to_open(session: Session, now: float, *, delayed: bool = True) -> list[ChargingDay]:
    """The days whose payment has closed and whose reads may still be held, the oldest first: their windows end first.

    With ``delayed`` only those that closed as long ago as the settings leave for entering the last payments.
    """
    grant, delay = session.grant, session.settings.charging.opening_delay_seconds if delayed else 0
    if grant.charging is None:
        return []
    found: list[ChargingDay] = []
    index = session.rule.at(now).index
    while index >= 0 and session.epoch(index).end() + session.hold_seconds > now:
        day = charging_day(grant, calendar_day(index))
        if (
            day.is_closed(now - delay)
            and day.may_be_opened(now)
            and not day.is_free
            and day.epoch.end() > session.begins
        ):
            found.append(day)
        index -= 1
    return found[::-1]


def openings_due(session: Session, day: ChargingDay, now: float) -> list[Due]:
    """What of the list to be opened is not with the matcher yet. Empty once it has been published."""
    with session.store.reading() as connection:
        # As when the day's reads were kept: for what the zones' key generations were then.
        reach = session.reach(day.epoch)
        current = segments.current_in(connection, reach, Stage.OPEN)
        versions = commitments.witnessed_versions(connection, reach)
        listing = listing_versions(connection, day.day)
    known = [replace(one, lists=one.version in listing) for one in versions]
    due = segments_due(day.epoch, now, known, [], current)
    if due or current or not known:
        return due
    # Nothing of the list counts for the day any more: what was kept of it is erased by an empty list.
    return segments_due(day.epoch, now, [replace(known[0], lists=True)], [], [])


def is_half_published(session: Session, day: ChargingDay, now: float) -> bool:
    """Whether part of the list to be opened is with the matcher, or may be, and part is not.

    What that part did not match may match the rest, and must not be erased before.
    """
    with session.store.reading() as connection:
        opened = _last_version(connection, day.epoch, Stage.OPEN)
        kept = _last_version(connection, day.epoch, Stage.KEEP)
    # Nothing is looked through once what was kept is covered.
    return opened is not None and opened < (kept or 0) and bool(openings_due(session, day, now))


def opened_at(connection: Connection, day: ChargingDay) -> float | None:
    """When the list to be opened of a day was made first; None before."""
    of_day = (
        segments_table.c.epoch_index == day.epoch.index,
        segments_table.c.stage == Stage.OPEN,
        segments_table.c.state.not_in((SegmentState.UPLOADING, SegmentState.LOST)),
    )
    found: float | None = connection.execute(
        select(func.min(segments_table.c.made_at)).where(*of_day)
    ).scalar()
    return found


def _last_version(connection: Connection, epoch: Epoch, stage: Stage) -> int | None:
    """The last version of the list that a segment covers; 0 where one is on its way that is not known to be held."""
    of_stage = (segments_table.c.epoch_index == epoch.index, segments_table.c.stage == stage)
    chosen = select(segments_table.c.state, segments_table.c.last_version).where(*of_stage)
    found = [
        (row.state, row.last_version) for row in connection.execute(chosen) if row.state != SegmentState.LOST
    ]
    if stage is Stage.OPEN and any(state == SegmentState.UPLOADING for state, _ in found):
        return 0
    return max((version for _, version in found), default=None)
