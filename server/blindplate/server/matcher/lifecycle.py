"""The life of one read at the matcher, as a state machine without clock, database or keys.

Rules it enforces (protocol section 5; guarantees G7 and G8):

1. A read waits for every segment that is to match it, and is answered at most once by each.
2. It can be claimed only under an answer that holds it and has not been acknowledged.
3. A claimed read waits for nothing more: its match secret is no longer needed, only the record is.
4. An acknowledgement erases an unclaimed read once nothing that could still be claimed is left: it was answered,
   it waits for no segment, and every answer that holds it is acknowledged.
5. A read that no segment has answered yet is never erased before its window ends, whatever its owner does.
6. A claimed read is kept until its window ends. At its window's end every read is erased.
7. Nothing happens to an erased read.

It does not handle who may call, whether a claim's secret is right, or in what order reads are answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from blindplate.core.errors import GoneError, NotFoundError


class State(StrEnum):
    """Where a read stands."""

    RECEIVED = "received"
    ANSWERED = "answered"
    CLAIMED = "claimed"
    ERASED = "erased"


class Erasure(StrEnum):
    """Why a read was erased."""

    ACKNOWLEDGED = "acknowledged"
    WINDOW_ENDED = "window-ended"


@dataclass(frozen=True, slots=True)
class Read:
    """One read.

    ``expires_ms`` is its window's end (milliseconds since 1970, UTC); ``waiting`` the segments still to match it;
    ``answered`` those that did; ``offered`` the sequence numbers of answers that hold it, not yet acknowledged.
    """

    expires_ms: int
    waiting: frozenset[bytes] = frozenset()
    answered: frozenset[bytes] = frozenset()
    offered: frozenset[int] = frozenset()
    claimed: bool = False
    erasure: Erasure | None = field(default=None)

    @property
    def state(self) -> State:
        """The state that the rules above speak of."""
        if self.erasure is not None:
            return State.ERASED
        if self.claimed:
            return State.CLAIMED
        return State.ANSWERED if self.answered else State.RECEIVED


def receive(expires_ms: int, segments: Iterable[bytes]) -> Read:
    """A read that has become durable, waiting for the ``segments`` in force for it."""
    return Read(expires_ms, waiting=frozenset(segments))


def join(read: Read, segment: bytes) -> Read:
    """A segment that is to match the read has been uploaded. Claimed reads, and a segment's second time, pass by."""
    _require_held(read)
    if read.claimed or segment in read.answered:
        return read
    return replace(read, waiting=read.waiting | {segment})


def leave(read: Read, *segments: bytes) -> Read:
    """These segments will not match the read any more: they were superseded before they answered."""
    _require_held(read)
    return _settled(replace(read, waiting=read.waiting.difference(segments)))


def answer(read: Read, segment: bytes, sequence: int) -> Read:
    """The read is in the durable answer ``sequence`` of ``segment``.

    Raises NotFoundError when it does not wait for that segment, so that no segment answers it twice.
    """
    _require_held(read)
    if segment not in read.waiting:
        raise NotFoundError("A read does not wait for the segment that would answer it.")
    return replace(
        read,
        waiting=read.waiting - {segment},
        answered=read.answered | {segment},
        offered=read.offered | {sequence},
    )


def claim(read: Read, sequence: int) -> Read:
    """The owner has shown the read's match secret. Again under the same answer changes nothing.

    Raises GoneError when that answer was acknowledged or never held the read.
    """
    _require_held(read)
    if sequence not in read.offered:
        raise GoneError("The answer under which a read is claimed was acknowledged before.")
    return replace(read, claimed=True, waiting=frozenset())


def acknowledge(read: Read, sequence: int) -> Read:
    """The owner wants nothing more of answer ``sequence``. Again changes nothing."""
    _require_held(read)
    return _settled(replace(read, offered=read.offered - {sequence}))


def expire(read: Read, now_ms: int) -> Read:
    """Time has come to ``now_ms`` (milliseconds since 1970, UTC): at its window's end the read is erased."""
    _require_held(read)
    if now_ms < read.expires_ms:
        return read
    return _erased(read, Erasure.WINDOW_ENDED)


def _settled(read: Read) -> Read:
    if read.claimed or not read.answered or read.waiting or read.offered:
        return read
    return _erased(read, Erasure.ACKNOWLEDGED)


def _erased(read: Read, erasure: Erasure) -> Read:
    return replace(
        read, waiting=frozenset(), answered=frozenset(), offered=frozenset(), claimed=False, erasure=erasure
    )


def _require_held(read: Read) -> None:
    if read.erasure is not None:
        raise GoneError("A read was erased.")
