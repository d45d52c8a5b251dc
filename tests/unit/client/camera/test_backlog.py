"""Reads in memory: bounded, in order, and a ticket never says durable of what was lost."""

from __future__ import annotations

import threading
from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from blindplate.client.camera.backlog import Backlog, Ticket
from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.reads import CameraRead
from tests.unit.client.camera.samples import read

LIMIT = 5


def reads(start: int, number: int) -> list[CameraRead]:
    return [CameraRead(b"", str(start + offset).encode(), 0, False, read().event) for offset in range(number)]


class Memory(RuleBasedStateMachine):
    """One list, against a plain list of numbers. Each read ends as durable or as lost, once."""

    def __init__(self) -> None:
        super().__init__()
        self.counts = Counts()
        self.backlog = Backlog(LIMIT, self.counts, drop_oldest=True)
        self.added = 0
        self.waiting: deque[bytes] = deque()
        self.taken: list[CameraRead] = []
        self.durable: set[bytes] = set()
        self.lost: set[bytes] = set()
        self.tickets: list[tuple[Ticket, set[bytes]]] = []

    def trim(self) -> None:
        while self.waiting and len(self.waiting) + len(self.taken) > LIMIT:
            self.lost.add(self.waiting.popleft())

    @rule(number=st.integers(1, 4))
    def add(self, number: int) -> None:
        new = reads(self.added, number)
        self.added += number
        tags = [one.tag for one in new]
        self.tickets.append((self.backlog.add(new, ["police"]), set(tags)))
        self.waiting.extend(tags)
        self.trim()

    @precondition(lambda self: not self.taken)
    @rule(number=st.integers(1, 4))
    def take(self, number: int) -> None:
        self.taken = self.backlog.take("police", number)
        expected = [self.waiting.popleft() for _ in range(min(number, len(self.waiting)))]
        assert [one.tag for one in self.taken] == expected

    @precondition(lambda self: bool(self.taken))
    @rule()
    def done(self) -> None:
        self.backlog.done("police", self.taken)
        self.durable |= {one.tag for one in self.taken}
        self.taken = []

    @precondition(lambda self: bool(self.taken))
    @rule()
    def give_back(self) -> None:
        self.backlog.give_back("police", self.taken)
        self.waiting.extendleft(one.tag for one in reversed(self.taken))
        self.taken = []
        self.trim()

    @invariant()
    def is_bounded_and_counts_what_it_lost(self) -> None:
        assert len(self.backlog) == len(self.waiting) + len(self.taken) <= LIMIT
        assert self.counts[Counted.LOST_FROM_MEMORY] == len(self.lost)

    @invariant()
    def no_ticket_lies(self) -> None:
        for ticket, tags in self.tickets:
            if self.backlog.settled([ticket], 0):
                assert tags <= self.durable

    @invariant()
    def what_is_durable_and_nothing_lost_is_said_to_be(self) -> None:
        if not self.lost:
            for ticket, tags in self.tickets:
                assert self.backlog.settled([ticket], 0) == (tags <= self.durable)


TestMemory = Memory.TestCase
TestMemory.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_a_read_lost_before_older_ones_were_given_back_and_lost_is_not_called_durable() -> None:
    backlog = Backlog(LIMIT, Counts(), drop_oldest=True)
    tickets = [backlog.add(reads(number, 1), ["police"]) for number in range(LIMIT)]
    taken = backlog.take("police", 2)
    backlog.add(reads(LIMIT, 1), ["police"])
    backlog.give_back("police", taken)
    backlog.add(reads(LIMIT + 1, 1), ["police"])
    backlog.done("police", backlog.take("police", 1))
    assert not backlog.settled([tickets[2]], 0)


def test_each_list_has_its_own_queue() -> None:
    backlog = Backlog(LIMIT, Counts(), drop_oldest=True)
    backlog.add(reads(0, 2), ["police", "emissions"])
    assert len(backlog.take("police", 10)) == 2
    assert len(backlog.take("emissions", 10)) == 2
    assert backlog.take("unknown", 10) == []


def test_a_source_that_can_wait_loses_nothing() -> None:
    counts = Counts()
    backlog = Backlog(LIMIT, counts, drop_oldest=False)
    backlog.add(reads(0, LIMIT), ["police"])
    waiting = threading.Thread(target=backlog.wait_for_room, args=(threading.Event(),))
    waiting.start()
    taken = backlog.take("police", 2)
    waiting.join(0.4)
    # Taken is not yet room: it may come back.
    assert waiting.is_alive()
    backlog.done("police", taken)
    waiting.join(5)
    assert not waiting.is_alive()
    assert counts[Counted.LOST_FROM_MEMORY] == 0


def test_waiting_for_room_can_be_ended() -> None:
    backlog = Backlog(1, Counts(), drop_oldest=False)
    backlog.add(reads(0, 1), ["police"])
    stop = threading.Event()
    stop.set()
    backlog.wait_for_room(stop)


@pytest.mark.parametrize("drop", ["keep_only", "abandon"])
def test_what_is_dropped_is_counted_and_no_ticket_calls_it_durable(drop: str) -> None:
    counts = Counts()
    backlog = Backlog(LIMIT, counts, drop_oldest=False)
    ticket = backlog.add(reads(0, 3), ["police"])
    if drop == "abandon":
        assert backlog.abandon() == 3
    else:
        backlog.keep_only(["emissions"])
    assert counts[Counted.LOST_FROM_MEMORY] == 3
    assert len(backlog) == 0
    assert not backlog.settled([ticket], 0)


def test_a_ticket_for_everything_waits_for_what_is_there_now() -> None:
    backlog = Backlog(LIMIT, Counts(), drop_oldest=False)
    assert backlog.settled([backlog.everything()], 0)
    backlog.add(reads(0, 1), ["police"])
    ticket = backlog.everything()
    backlog.add(reads(1, 1), ["police"])
    assert not backlog.settled([ticket], 0)
    backlog.done("police", backlog.take("police", 1))
    assert backlog.settled([ticket], 0)
