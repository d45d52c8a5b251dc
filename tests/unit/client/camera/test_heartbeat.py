"""Signs of life: what was counted since the matcher last heard, once, whatever call fails."""

from __future__ import annotations

from dataclasses import dataclass, field

from structlog.testing import capture_logs

from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.heartbeat import Heartbeat
from blindplate.core.errors import UnavailableError


@dataclass
class Matcher:
    heard: list[tuple[float, int, int]] = field(default_factory=list[tuple[float, int, int]])
    away: bool = False

    def beat(self, seconds: float, events: int, passes: int) -> None:
        if self.away:
            raise UnavailableError("Away.")
        self.heard.append((seconds, events, passes))


@dataclass
class Clock:
    moment: float = 1000.0

    def now(self) -> float:
        return self.moment


def test_what_was_not_heard_is_told_with_the_next_and_alternates_are_no_passes() -> None:
    matcher, counts, clock = Matcher(), Counts(), Clock()
    heart = Heartbeat(matcher, counts, clock)
    assert heart.beat()
    counts.add(Counted.EVENTS, 5)
    counts.add(Counted.READS, 6)
    counts.add(Counted.ALTERNATES, 2)
    matcher.away, clock.moment = True, 1060.0
    with capture_logs() as told:
        assert not heart.beat()
        assert not heart.beat()
    assert [one["event"] for one in told] == ["heartbeat-not-heard"]
    counts.add(Counted.EVENTS)
    matcher.away, clock.moment = False, 1120.0
    assert heart.beat()
    clock.moment = 1100.0
    assert heart.beat()
    assert matcher.heard == [(0.0, 0, 0), (120.0, 6, 4), (0.0, 0, 0)]


def test_the_time_before_the_first_that_is_heard_counts() -> None:
    matcher, counts, clock = Matcher(away=True), Counts(), Clock()
    heart = Heartbeat(matcher, counts, clock)
    heart.beat()
    counts.add(Counted.EVENTS, 3)
    matcher.away, clock.moment = False, 1180.0
    heart.beat()
    assert matcher.heard == [(180.0, 3, 0)]
