"""Reads that are not sealed yet, in memory only, list by list.

Guarantees a bound. Where events cannot wait (a live camera), the oldest read makes room for the newest and is
counted as lost; where they can (a file), whoever adds waits. What is here when the process dies is lost: that is the
price of a plate never touching the disk. ``settled`` says true only of reads that all left memory as durable
records. Protocol section 4 (G1).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.reads import CameraRead

_POLL_SECONDS: Final = 0.25


@dataclass(slots=True)
class _Queue:
    """One list's reads, oldest first; ``taken`` more, older still, are being sealed.

    Reads are numbered from 1 as they are added. ``left`` counts those that left memory, whichever way;
    ``lost_until`` is the highest number that was lost.
    """

    reads: deque[CameraRead] = field(default_factory=deque[CameraRead], repr=False)
    taken: int = 0
    left: int = 0
    lost_until: int = 0

    def __len__(self) -> int:
        return len(self.reads) + self.taken


@dataclass(frozen=True, slots=True)
class Ticket:
    """Which numbers the reads of one ``add`` have: first and last, by list."""

    numbers: dict[str, tuple[int, int]]


class Backlog:
    """Safe to use from several threads."""

    def __init__(self, limit: int, counts: Counts, *, drop_oldest: bool) -> None:
        """``limit``: reads held for any one list. Without ``drop_oldest``, call ``wait_for_room`` before ``add``."""
        self._limit = limit
        self._counts = counts
        self._drop_oldest = drop_oldest
        self._changed = threading.Condition()
        self._queues: dict[str, _Queue] = {}

    def add(self, reads: Sequence[CameraRead], lists: Collection[str]) -> Ticket:
        """Add ``reads`` for each of ``lists``."""
        numbers: dict[str, tuple[int, int]] = {}
        with self._changed:
            for list_id in lists if reads else ():
                queue = self._queues.setdefault(list_id, _Queue())
                first = queue.left + len(queue) + 1
                numbers[list_id] = (first, first + len(reads) - 1)
                queue.reads.extend(reads)
                self._trim(queue)
            self._changed.notify_all()
        return Ticket(numbers)

    def everything(self) -> Ticket:
        """A ticket for all reads that are in memory now."""
        with self._changed:
            return Ticket(
                {
                    list_id: (queue.left + 1, queue.left + len(queue))
                    for list_id, queue in self._queues.items()
                    if len(queue)
                }
            )

    def settled(self, tickets: Sequence[Ticket], seconds: float) -> bool:
        """Whether all reads of ``tickets`` are durable; waits for it ``seconds`` at most. False when any was lost."""
        with self._changed:
            self._changed.wait_for(lambda: all(map(self._has_left, tickets)), seconds)
            return all(self._has_left(ticket) and not self._is_lost(ticket) for ticket in tickets)

    def left(self, tickets: Sequence[Ticket], seconds: float) -> bool:
        """Whether all reads of ``tickets`` have left memory, durable or lost; waits for it ``seconds`` at most."""
        with self._changed:
            return self._changed.wait_for(lambda: all(map(self._has_left, tickets)), seconds)

    def has_room(self) -> bool:
        """Whether every list has room for more."""
        with self._changed:
            return all(len(queue) < self._limit for queue in self._queues.values())

    def wait_for_room(self, stop: threading.Event) -> None:
        """Wait until every list has room for more, or ``stop`` is set."""
        with self._changed:
            while not stop.is_set() and any(len(queue) >= self._limit for queue in self._queues.values()):
                self._changed.wait(_POLL_SECONDS)

    def wait_for_reads(self, count: int, seconds: float) -> None:
        """Wait until some list has ``count`` reads, ``seconds`` at most."""
        with self._changed:
            self._changed.wait_for(
                lambda: any(len(queue.reads) >= count for queue in self._queues.values()), seconds
            )

    def take(self, list_id: str, count: int) -> list[CameraRead]:
        """The oldest ``count`` reads of a list. They count against the bound until ``done`` or ``give_back``."""
        with self._changed:
            queue = self._queues.setdefault(list_id, _Queue())
            taken = [queue.reads.popleft() for _ in range(min(count, len(queue.reads)))]
            queue.taken += len(taken)
            return taken

    def done(self, list_id: str, reads: Sequence[CameraRead]) -> None:
        """What was taken is sealed and durable, or counted otherwise."""
        with self._changed:
            queue = self._queues[list_id]
            queue.taken -= len(reads)
            queue.left += len(reads)
            self._changed.notify_all()

    def give_back(self, list_id: str, reads: Sequence[CameraRead]) -> None:
        """Put back what was taken and could not be sealed, in its old place."""
        with self._changed:
            queue = self._queues[list_id]
            queue.taken -= len(reads)
            queue.reads.extendleft(reversed(reads))
            self._trim(queue)

    def keep_only(self, lists: Collection[str]) -> None:
        """Drop, and count as lost, what waits for lists that the policy no longer names."""
        with self._changed:
            for list_id, queue in self._queues.items():
                if list_id not in lists:
                    self._lose(queue, len(queue.reads))

    def abandon(self) -> int:
        """Drop everything, counted as lost; how many. For the end of the process."""
        with self._changed:
            number = sum(len(queue.reads) for queue in self._queues.values())
            for queue in self._queues.values():
                self._lose(queue, len(queue.reads))
            return number

    def __len__(self) -> int:
        with self._changed:
            return sum(map(len, self._queues.values()))

    def _trim(self, queue: _Queue) -> None:
        if self._drop_oldest:
            self._lose(queue, min(len(queue) - self._limit, len(queue.reads)))

    def _lose(self, queue: _Queue, number: int) -> None:
        if number <= 0:
            return
        # Reads given back can be lost after younger ones: what was lost before stays lost.
        queue.lost_until = max(queue.lost_until, queue.left + queue.taken + number)
        queue.left += number
        for _ in range(number):
            queue.reads.popleft()
        self._counts.add(Counted.LOST_FROM_MEMORY, number)
        self._changed.notify_all()

    def _has_left(self, ticket: Ticket) -> bool:
        return all(last <= self._queues[list_id].left for list_id, (_, last) in ticket.numbers.items())

    def _is_lost(self, ticket: Ticket) -> bool:
        # Errs towards lost: reads that were being sealed while later ones were dropped count as dropped too.
        return any(
            first <= self._queues[list_id].lost_until for list_id, (first, _) in ticket.numbers.items()
        )
