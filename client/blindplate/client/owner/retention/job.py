"""The daemon's part in retention: a round of erasure every hour.

Guarantees that a round which failed is tried again within a minute, and that a log which could not be emptied, since
somebody was reading, is emptied as soon as it can be. Specified in docs/spec/owner.md section 8.
"""

from __future__ import annotations

from typing import Final

from blindplate.client.owner.retention.erasing import erase_due
from blindplate.client.owner.session import Session
from blindplate.edge.logs import log

ROUND_SECONDS: Final = 3600.0
_LOOK_SECONDS: Final = 20.0


class Retaining:
    """Erases for one session; for one thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._done_at = float("-inf")

    def step(self) -> float:
        """One look. Gives the seconds to wait before the next. Raises StorageError."""
        now = self._session.now()
        if not 0 <= now - self._done_at < ROUND_SECONDS:
            erased = erase_due(self._session)
            if erased.hits or erased.files:
                log().info("evidence-erased", hits=erased.hits, files=erased.files)
            if erased.emptied:
                self._done_at = now
        return _LOOK_SECONDS
