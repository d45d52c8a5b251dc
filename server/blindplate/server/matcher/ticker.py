"""The clock of the match: one thread that starts a round for every list whose tick has come.

Guarantees at most ``batches_per_tick`` batches for each segment and tick of the segment's grant, none while that grant
is not in force, and none while too many answers under it are left unacknowledged, by their owner or for want of the
ledger: its reads then wait, and are not lost before their windows end. Protocol sections 5 and 7.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

from blindplate.core.statements.grants import Grant
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.server.matcher import answers_store, segments_store
from blindplate.server.matcher.following import FollowedLedger
from blindplate.server.matcher.metrics import FAILED_ROUNDS
from blindplate.server.matcher.rounds import Due, Matching
from blindplate.server.matcher.segments_store import Segment
from blindplate.server.matcher.storage import Database

# How often it looks which ticks have come: a list's tick is as exact as this.
_LOOK_SECONDS: Final = 0.05


@dataclass(slots=True)
class Ticker:
    """Decides what is due; ``run`` does so until told to stop."""

    database: Database
    ledger: FollowedLedger
    matching: Matching
    clock: Clock
    max_unacknowledged: int
    answer_empty_ticks: bool
    _next: dict[str, float] = field(default_factory=dict[str, float])

    def run(self, stop: threading.Event) -> None:
        """Tick until ``stop`` is set. An error of one round is logged; the next goes on."""
        while not stop.wait(_LOOK_SECONDS):
            try:
                self.tick()
            except Exception as error:  # noqa: BLE001  whatever it is, the lists after it must still be matched
                FAILED_ROUNDS.labels("tick").inc()
                log().error("tick-failed", error=error)

    def tick(self) -> int:
        """Do what is due now; give the number of answers stored."""
        now = self.clock.now()
        in_force = {grant.grant_id: grant for grant in self.ledger.current.in_force(now)}
        ticking = [grant for grant in in_force.values() if self._next.get(grant.list_id, 0) <= now]
        lists = {grant.list_id: grant.tick_seconds for grant in ticking}
        if not lists:
            return 0
        self._next |= {list_id: now + seconds for list_id, seconds in lists.items()}
        with self.database.read() as connection:
            segments: list[Segment] = []
            for list_id in lists:
                left = answers_store.unacknowledged(connection, list_id)
                segments += [
                    segment
                    for segment in segments_store.of_list(connection, list_id, superseded=True)
                    if left.get(segment.grant_id, 0) < self.max_unacknowledged
                ]
        due = [
            Due(segment, grant.batches_per_tick, self.answer_empty_ticks and _current(segment, grant, now))
            for segment in segments
            if (grant := in_force.get(segment.grant_id)) is not None
        ]
        return self.matching.round(due)


def _current(segment: Segment, grant: Grant, now: float) -> bool:
    epoch = segment.manifest.epoch.epoch()
    return segment.matches_until is None and epoch == grant.epoch.rule().at(now)
