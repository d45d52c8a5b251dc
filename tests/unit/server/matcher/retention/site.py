"""A matcher's storage and housekeeping without its services, under a clock that tests set: what it keeps, and ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection

from blindplate.core.domains import Domain
from blindplate.core.statements.erasures import Erasures, Looked, Place
from blindplate.core.statements.matching import RecordCount
from blindplate.core.statements.uploads import Stage
from blindplate.server.matcher import (
    answers_store,
    batch_entries,
    counts_store,
    keeping,
    media_store,
    outbox,
    records_store,
    segments_store,
)
from blindplate.server.matcher.backlog import Backlog
from blindplate.server.matcher.folding import Tagged
from blindplate.server.matcher.grants import Grants
from blindplate.server.matcher.keeper import Keeper
from blindplate.server.matcher.keeping import Shown
from blindplate.server.matcher.match_secrets import MatchSecrets
from blindplate.server.matcher.media_files import MediaFiles
from blindplate.server.matcher.media_store import Wanted
from blindplate.server.matcher.retention.check import look
from blindplate.server.matcher.retention.log_watch import LogWatch
from blindplate.server.matcher.retention.nightly import Nightly
from blindplate.server.matcher.retention_keys import RetentionKeys
from blindplate.server.matcher.segment_files import SegmentFiles
from blindplate.server.matcher.segments_store import Segment
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.window_keys import WindowKeys
from tests.unit.server.matcher.conftest import EPOCH, START, admitted, segment
from tests.unit.server.matcher.stores import BOUNDS, GRANTS, MATCHER, SLOTS

# 18 May 2033, 03:33 UTC: later than any file here was written, so that no file is spared for being new.
BEGINS = 2_000_000_000
DAY = 86_400
TOLERANCE = 900.0
# No read is held longer than this.
HOLD = 3 * DAY
T = TypeVar("T")


@dataclass
class Clock:
    """A clock that stands where it is put."""

    time: float = BEGINS

    def now(self) -> float:
        return self.time


class _Holds(Grants):
    def longest_hold(self, moment: float) -> int:
        return HOLD


@dataclass
class _Ledger:
    current: Grants = field(default_factory=_Holds)


class Site:
    """One matcher's folder; ``Site`` of a folder that has been used is that matcher started again."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self.clock = folder, clock
        self.database = Database(folder / "matcher.db")
        self.write(lambda connection: counts_store.begin(connection, self.now_ms))
        self.window_keys = WindowKeys(folder / "window-keys", MATCHER)
        self.retention_keys = RetentionKeys(folder / "retention-keys")
        self.files, self.media = SegmentFiles(folder / "segments"), MediaFiles(folder / "media")
        with self.database.read() as connection:
            self.files.keep_only(one.segment_id for one in segments_store.everything(connection))
        self.media.remove_parts()
        self.keeper = Keeper(
            self.database,
            cast("Any", _Ledger()),
            self.window_keys,
            self.retention_keys,
            MatchSecrets(self.window_keys, 10),
            self.files,
            self.media,
            Backlog(1000),
            Nightly(self.database, folder, MATCHER, TOLERANCE),
            clock,
            window_key_seconds=DAY,
            window_keys_ahead=1,
        )
        self.keeper.keep()

    @property
    def now_ms(self) -> int:
        return int(1000 * self.clock.time)

    def write(self, work: Callable[[Connection], T]) -> T:
        return self.database.write(work)

    def close(self) -> None:
        self.database.close()

    def read(self, seconds: float = 3600, *, opens: float | None = None) -> int:
        """A read comes in; its window ends after some ``seconds``. Its number."""
        now = self.clock.time
        one = admitted(START, expires=now + seconds, opens=None if opens is None else now + opens)
        [number] = self.write(lambda connection: records_store.take(connection, [one], self.now_ms))
        assert isinstance(number, int)
        return number

    def segment(self, version: int, seconds: float = 3600, *, stage: Stage = Stage.MATCH) -> Segment:
        """A list is uploaded; it ends after some ``seconds``."""
        one = replace(
            segment(version=version, made_at=version, stage=stage),
            ends_ms=self.now_ms + int(1000 * seconds),
        )
        with self.files.begin(one.segment_id) as file:
            file.write(b"ciphertexts")
            file.finish()
        _, emptied = self.write(lambda connection: segments_store.add(connection, one, BOUNDS, self.now_ms))
        self.files.remove(emptied)
        return one

    def answer(self, one: Segment, number: int) -> int:
        """A read is answered and the answer offered; its number."""
        retained = {number: bytes(64)} if one.stage is Stage.KEEP else None
        sequence = self.write(
            lambda connection: answers_store.store(
                connection, one, b"body", SLOTS, {0: number}, self.now_ms, retained
            )
        )
        self.enter()
        return sequence

    def enter(self) -> None:
        """The ledger takes what names the answers so far: they are offered."""
        self.write(
            lambda connection: connection.exec_driver_sql(
                "UPDATE answers SET entry = 0, ledger_index = 1 WHERE ledger_index IS NULL"
            )
        )

    def claim(self, sequence: int, number: int) -> None:
        """A read is claimed, and its media come."""
        reference = number.to_bytes(16, "big")

        def claim(connection: Connection) -> None:
            answers_store.claim(connection, "police", GRANTS, sequence, [0], self.now_ms)
            media_store.want(connection, [Wanted(number, reference, "police", "inner")])

        self.write(claim)
        with self.media.begin(reference) as file:
            file.write(b"sealed")
            file.finish()
        self.write(lambda connection: media_store.put(connection, reference, 6))

    def acknowledge(self, sequence: int) -> None:
        """An answer is acknowledged."""
        self.write(
            lambda connection: answers_store.acknowledge(connection, "police", GRANTS, sequence, self.now_ms)
        )

    def keep(self, sequence: int, number: int, vehicle: int) -> None:
        """The token of a read of a ``vehicle`` is shown."""
        with self.retention_keys.using("police", EPOCH) as key:
            tag = key.tag(Domain("police", "inner", 1), EPOCH, bytes([vehicle]) * 32)
            shown = Shown("police", GRANTS, sequence, [0])
            self.write(
                lambda connection: keeping.keep(
                    connection, shown, [Tagged(number, tag, alternate=False)], self.now_ms
                )
            )

    def looked(self) -> dict[Place, Looked]:
        """What a look sees now; the log is emptied first, whatever else is not done."""
        self.database.truncate_log()
        watch = LogWatch(self.folder / "matcher.db")
        return {one.place: one for one in look(self.folder, watch, self.clock.time, TOLERANCE)}

    def overdue(self) -> set[Place]:
        """Where a look finds something past its time."""
        return {place for place, one in self.looked().items() if one.overdue}

    def stated(self) -> list[Erasures]:
        """What the ledger was told; it takes it all."""
        with self.database.read() as connection:
            unsent = outbox.unsent(connection, 1000)
        self.write(lambda connection: batch_entries.entered(connection, {one.number: 0 for one in unsent}))
        return [Erasures.verified(one.statement, [MATCHER.public]) for one in unsent]

    def totals(self) -> tuple[RecordCount, ...]:
        """The counts in all."""
        with self.database.read() as connection:
            return counts_store.totals(connection).records
