"""A feed of one format, and a worker that makes durable what waits when it is told to."""

from __future__ import annotations

from pathlib import Path

from blindplate.client.camera.backlog import Backlog
from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.events import parser_of
from blindplate.client.camera.feed import Feed
from blindplate.client.camera.passes import Passes
from blindplate.client.camera.reads import Reader
from tests.unit.client.camera.samples import NOW, MovedClock, Parties

LISTS = ("police", "emissions")


class Bench:
    """``clock`` stands at NOW; reads of one plate within ten seconds are one pass."""

    def __init__(self, folder: Path, name: str, engine_camera: str | None = None, limit: int = 1000) -> None:
        parties = Parties()
        self.counts = Counts()
        self.clock = MovedClock(NOW)
        self.backlog = Backlog(limit, self.counts, drop_oldest=False)
        reader = Reader(Passes(10), "GB", 3600, self.counts)
        policy = parties.policy_file(folder, parties.policy())
        self.feed = Feed(
            parser_of(name), reader, self.backlog, policy, self.clock, self.counts, engine_camera
        )

    def work(self, lists: tuple[str, ...] = LISTS) -> None:
        """Make durable what waits for ``lists``."""
        for list_id in lists:
            self.backlog.done(list_id, self.backlog.take(list_id, 1000))

    def reads(self) -> int:
        """How many reads there were, alternates left out."""
        return self.counts[Counted.READS] - self.counts[Counted.ALTERNATES]
