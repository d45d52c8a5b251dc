"""Alarms for owners that have uploaded no list for an epoch that is about to begin, or has begun.

Reads of such an epoch wait and are not lost before their windows end; nobody is matched meanwhile. Each missing
epoch is reported once as it nears and once as it begins. Protocol section 5.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from blindplate.edge.logs import log
from blindplate.server.matcher.epochs import epoch_name
from blindplate.server.matcher.grants import Grants
from blindplate.server.matcher.metrics import OWNER_ABSENT

# How long before an epoch begins its list is missed.
NOTICE_SECONDS: Final = 60.0


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
