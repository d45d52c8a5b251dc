"""The daemon's part in retention: a round of erasure every hour, a check and a statement for the ledger every UTC day.

Guarantees that a round which failed is tried again within a minute, that a log which could not be emptied, since
somebody was reading, is emptied as soon as it can be, and that a day is checked before it is told of. Specified in
docs/spec/owner.md section 8.
"""

from __future__ import annotations

from typing import Final

from blindplate.client.owner.retention.check import TOLERANCE_SECONDS, Checked, check
from blindplate.client.owner.retention.erasing import erase_due
from blindplate.client.owner.retention.telling import enter_statements, make_statement, untold_days
from blindplate.client.owner.session import Session
from blindplate.edge.logs import log

ROUND_SECONDS: Final = 3600.0
_LOOK_SECONDS: Final = 20.0


class Retaining:
    """Erases, checks and tells for one session; for one thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._done_at = float("-inf")
        # When the log was last known to hold nothing that was erased.
        self._emptied_at = session.now()

    def step(self) -> float:
        """One look. Gives the seconds to wait before the next. Raises StorageError, or what the ledger says."""
        session, now = self._session, self._session.now()
        if not 0 <= now - self._done_at < ROUND_SECONDS:
            erased = erase_due(session)
            if erased.hits or erased.files:
                log().info("evidence-erased", hits=erased.hits, files=erased.files)
            if erased.emptied:
                self._done_at = self._emptied_at = now
        with session.store.reading() as connection:
            days = untold_days(connection, now)
        if days:
            overdue = tell_overdue(check(session, emptied=now - self._emptied_at <= TOLERANCE_SECONDS))
            for day in days:
                make_statement(session, day, overdue)
        enter_statements(session)
        return _LOOK_SECONDS


def tell_overdue(found: tuple[Checked, ...]) -> int:
    """Log what is overdue, place by place, without saying which. Gives how much it is."""
    for one in found:
        if one.overdue:
            log().error(
                "retention-overdue",
                place=one.place,
                found=one.overdue,
                oldest_seconds=round(one.oldest_seconds),
            )
    return sum(one.overdue for one in found)
