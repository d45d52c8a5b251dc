"""Alarms for owners that have uploaded no list: for an epoch that is about to begin or has begun, or to open a charging day.

Reads of such an epoch wait and are not lost before their windows end; nobody is matched meanwhile. Each missing epoch is
reported once as it nears and once as it begins. Kept reads of a charging day that no list opens are erased unopened when
their windows end: such a day is reported once, when every owner should have entered its last payments. Nothing is said of a
day of which nothing is kept. Protocol sections 5 and 8.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final

from blindplate.core.charging import payment_closes
from blindplate.core.domains import Epoch
from blindplate.core.statements.grants import Grant
from blindplate.edge.logs import log
from blindplate.server.matcher.epochs import epoch_name
from blindplate.server.matcher.grants import Grants, hold_seconds
from blindplate.server.matcher.metrics import OPENING_ABSENT, OWNER_ABSENT

# How long before an epoch begins its list is missed.
NOTICE_SECONDS: Final = 60.0
# An owner may leave up to twelve hours after payment has closed for entering the last payments.
OPENING_SECONDS: Final = 13 * 3600.0


class AbsenceAlarm:
    """Remembers what was reported."""

    def __init__(self) -> None:
        self._reported: set[tuple[str, str, bool]] = set()

    def look(self, grants: Grants, present: Collection[tuple[str, str]], now: float) -> None:
        """Report lists in force at ``now`` that are not among ``present`` (list, epoch name)."""
        missing: set[tuple[str, str, bool]] = set()
        for grant in grants.in_force(now):
            current = grant.epoch.rule().at(now)
            missing.add((grant.list_id, epoch_name(current), True))
            coming = current.next()
            if coming.start() - now <= NOTICE_SECONDS and coming.start() < grant.not_after:
                missing.add((grant.list_id, epoch_name(coming), False))
        missing = {one for one in missing if one[:2] not in present}
        for list_id, epoch, begun in sorted(missing - self._reported):
            OWNER_ABSENT.labels(list_id).inc()
            log().warning("owner-absent", list=list_id, epoch=epoch, begun=begun)
        self._reported = missing


class OpeningAlarm:
    """Remembers which days were reported."""

    def __init__(self) -> None:
        self._reported: set[tuple[str, str]] = set()

    def look(
        self,
        grants: Grants,
        opened: Collection[tuple[str, str]],
        kept: Callable[[], Collection[tuple[str, str]]],
        now: float,
    ) -> None:
        """Report days (list, epoch name) due to be opened at ``now`` that are not among ``opened``, of those ``kept`` gives.

        That is asked for only where a day is missed.
        """
        missing = {
            (grant.list_id, epoch_name(day))
            for grant in grants.in_force(now)
            if grant.charging is not None
            for day in _due_days(grants, grant, now)
        }.difference(opened)
        if missing:
            missing.intersection_update(kept())
        for list_id, epoch in sorted(missing - self._reported):
            OPENING_ABSENT.labels(list_id).inc()
            log().warning("opening-absent", list=list_id, epoch=epoch)
        self._reported = missing


def _due_days(grants: Grants, grant: Grant, now: float) -> Iterator[Epoch]:
    """The days that should have been opened by now and whose reads may still be held, the newest first."""
    day = grant.epoch.rule().at(now)
    while day.index > 0:
        day = Epoch(day.rule, day.index - 1)
        if day.end() + hold_seconds(grant) <= now:
            return
        terms = grants.during(grant.grant_id, day) or (grant,)
        payment_days = [one.charging.payment_days for one in terms if one.charging is not None]
        if payment_days and payment_closes(day, max(payment_days)) + OPENING_SECONDS <= now:
            yield day
