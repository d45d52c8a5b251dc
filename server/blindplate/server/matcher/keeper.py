"""The matcher's housekeeping, once a second: window and retention keys, erasure, alarms, the write-ahead log, the day's statement.

Guarantees that a step which fails is logged and tried again, and keeps none of the others from being done.
Protocol sections 4, 5 and 7.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from blindplate.core.statements.uploads import Stage
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.server.matcher import erasure, keeping, media_store, records_store, segments_store
from blindplate.server.matcher.absence import AbsenceAlarm, OpeningAlarm
from blindplate.server.matcher.backlog import Backlog
from blindplate.server.matcher.following import FollowedLedger
from blindplate.server.matcher.match_secrets import MatchSecrets
from blindplate.server.matcher.media_files import MediaFiles
from blindplate.server.matcher.metrics import FAILED_ROUNDS, RECORDS, SEGMENTS
from blindplate.server.matcher.retention.nightly import Nightly
from blindplate.server.matcher.retention_keys import Place, RetentionKeys
from blindplate.server.matcher.segment_files import SegmentFiles
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.window_keys import WindowKeys

_PAUSE_SECONDS: Final = 1.0


@dataclass(slots=True)
class Keeper:
    """``window_key_seconds`` and ``window_keys_ahead`` are as in the settings."""

    database: Database
    ledger: FollowedLedger
    window_keys: WindowKeys
    retention_keys: RetentionKeys
    secrets: MatchSecrets
    files: SegmentFiles
    media: MediaFiles
    backlog: Backlog
    nightly: Nightly
    clock: Clock
    window_key_seconds: int
    window_keys_ahead: int
    _alarm: AbsenceAlarm = field(default_factory=AbsenceAlarm)
    _opening_alarm: OpeningAlarm = field(default_factory=OpeningAlarm)

    def run(self, stop: threading.Event) -> None:
        """Keep house until ``stop`` is set."""
        while not stop.wait(_PAUSE_SECONDS):
            self.keep()

    def keep(self) -> None:
        """Do everything that is due now."""
        now = self.clock.now()
        steps: tuple[tuple[str, Callable[[float], None]], ...] = (
            ("keys", self.provide_keys),
            ("key-destruction", self._destroy_keys),
            ("erasure", self._erase),
            ("media", self._sweep_media),
            ("retention-keys", self._destroy_retention_keys),
            ("count", self._count),
            # Last, when what is due has just been erased.
            ("day", self.nightly.step),
        )
        for name, step in steps:
            try:
                step(now)
            except Exception as error:  # noqa: BLE001  whatever it is, erasure must be tried again
                FAILED_ROUNDS.labels(name).inc()
                log().error("housekeeping-failed", step=name, error=error)

    def provide_keys(self, now: float) -> None:
        """Have window keys made ahead. Raises StorageError."""
        self.window_keys.provide(
            now, self.window_key_seconds, self.window_keys_ahead, self.ledger.current.longest_hold(now)
        )

    def _destroy_keys(self, now: float) -> None:
        self.window_keys.destroy_due(now)

    def _destroy_retention_keys(self, now: float) -> None:
        del now
        self.retention_keys.destroy_unused(self._tagged)

    def _tagged(self) -> list[Place]:
        with self.database.read() as connection:
            return keeping.tagged_places(connection)

    def _erase(self, now: float) -> None:
        now_ms = int(now * 1000)
        erased = 0
        while numbers := self.database.write(lambda connection: erasure.erase_ended(connection, now_ms)):
            self.secrets.forget(numbers)
            erased += len(numbers)
        self.files.remove(self.database.write(lambda connection: erasure.drop_ended(connection, now_ms)))
        self.database.truncate_log()
        if erased:
            RECORDS.labels("erased").inc(erased)
            log().info("windows-ended", records=erased)

    def _sweep_media(self, now: float) -> None:
        del now
        with self.database.read() as connection:
            kept = media_store.references(connection)
        self.media.sweep(kept)

    def _count(self, now: float) -> None:
        with self.database.read() as connection:
            self.backlog.set_held(records_store.held_by_list(connection))
            segments = segments_store.everything(connection)
        SEGMENTS.set(len(segments))
        self._alarm.look(self.ledger.current, {(one.list_id, one.epoch) for one in segments}, now)
        opened = {(one.list_id, one.epoch) for one in segments if one.stage is Stage.OPEN}
        self._opening_alarm.look(self.ledger.current, opened, self._tagged, now)
