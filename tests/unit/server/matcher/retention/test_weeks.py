"""Simulated weeks of a matcher that is killed again and again: nothing outlives its window, and the days add up.

The clock is ours. What is killed is everything after some writing, durable or not, or in the midst of sweeping files and
keys; what the process held in memory is lost, and the matcher is started again over the same folder. Attacks on a whole
process are in tests/adversary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blindplate.core.errors import BlindplateError
from blindplate.core.statements.erasures import DAY_COUNTED, Erasures, next_day
from blindplate.core.statements.uploads import Stage
from blindplate.server.matcher.segments_store import Segment
from tests.unit.server.matcher.retention.site import BEGINS, DAY, HOLD, Clock, Site

WEEKS = 2
HOUR = 3600


class Killed(BaseException):
    """The process is gone."""


class Weeks:
    """Random work of a matcher over some weeks."""

    def __init__(self, folder: Path, rng: Random) -> None:
        self.folder, self.rng, self.clock = folder, rng, Clock()
        self.statements: list[Erasures] = []
        self.version = 0
        self.kills = 0
        self.left = -1
        self.site = self.start()

    def start(self) -> Site:
        """Start the matcher."""
        site = Site(self.folder, self.clock)
        # From here on it may be killed: before, or after, some writing or sweeping.
        self.left = self.rng.randrange(1, 150)
        database: Any = site.database
        database.write = self.killable(database.write)
        for part, name in (
            (site.files, "remove"),
            (site.media, "sweep"),
            (site.window_keys, "destroy_due"),
            (site.retention_keys, "destroy_unused"),
        ):
            setattr(part, name, self.killable(getattr(part, name)))
        return site

    def killable(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            self.left -= 1
            if self.left == 0 and self.rng.random() < 0.5:
                raise Killed
            done = work(*arguments)
            if self.left == 0:
                raise Killed
            return done

        return run

    def run(self) -> None:
        end = BEGINS + WEEKS * 7 * DAY
        while self.clock.time < end:
            try:
                self.work()
                self.site.keeper.keep()
                assert self.site.overdue() == set()
            except Killed:
                self.kills += 1
                self.site.close()
                # Away for a moment, for hours, or over days.
                self.clock.time += self.rng.choice((1, 5 * HOUR, 2 * DAY))
                self.site = self.start()
            self.hear()
            self.clock.time += self.rng.choice((60, HOUR, 3 * HOUR, 8 * HOUR))

    def work(self) -> None:
        site, rng = self.site, self.rng
        self.version += 1
        segments = {
            stage: site.segment(self.version, rng.randrange(HOUR, HOLD), stage=stage)
            for stage in (Stage.MATCH, Stage.KEEP)
        }
        for _ in range(rng.randrange(4)):
            try:
                self.one(segments)
            except BlindplateError:
                # Whatever a clock that leaps has made impossible.
                continue

    def one(self, segments: dict[Stage, Segment]) -> None:
        site, rng = self.site, self.rng
        charged = rng.random() < 0.4
        number = site.read(rng.randrange(60, HOLD), opens=1000 if charged else None)
        if rng.random() < 0.3:
            return
        sequence = site.answer(segments[Stage.KEEP if charged else Stage.MATCH], number)
        happens = rng.random()
        if charged and happens < 0.6:
            site.keep(sequence, number, rng.randrange(5))
        elif not charged and happens < 0.4:
            site.claim(sequence, number)
        if rng.random() < 0.7:
            site.acknowledge(sequence)

    def hear(self) -> None:
        # The ledger's part, and not the matcher's.
        self.left, left = -1, self.left
        self.site.enter()
        self.statements += self.site.stated()
        self.left = left


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 32))
def test_nothing_outlives_its_window_and_every_day_is_stated_once(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    weeks = Weeks(tmp_path_factory.mktemp("weeks"), Random(seed))
    try:
        weeks.run()
        # All of it ends, and the day is stated on which it did.
        weeks.left = -1
        for seconds in (HOLD + DAY, DAY):
            weeks.clock.time += seconds
            weeks.site.keeper.keep()
            weeks.hear()
        counted = weeks.site.totals()
        assert {place: one.items for place, one in weeks.site.looked().items() if one.overdue} == {}
    finally:
        weeks.site.close()
    days = [one.day for one in weeks.statements]
    assert weeks.kills > 0
    assert days[0] == "2033-05-18"
    assert days[1:] == [next_day(day) for day in days[:-1]]
    assert [one.overdue for one in weeks.statements] == [0] * len(days)
    stated = Counter[str]()
    for one in weeks.statements:
        for row in one.records:
            stated.update({name: getattr(row, name) for name in DAY_COUNTED})
    [total] = counted
    assert {name: getattr(total, name) for name in DAY_COUNTED} == {
        name: stated[name] for name in DAY_COUNTED
    }
    assert total.open == 0
