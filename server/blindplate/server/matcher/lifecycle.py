"""The life of one read at the matcher, as a state machine without clock, database or keys.

Rules it enforces (protocol sections 5 and 8; guarantees G7 and G8):

1. A read waits for every segment that is to match it, and is answered at most once by each.
2. It can be claimed only under an answer that holds it and has not been acknowledged.
3. A claimed read waits for nothing more: its match secret is no longer needed, only the record is.
4. An acknowledgement erases an unclaimed read once nothing that could still be claimed is left: it was answered,
   it waits for no segment, and every answer that holds it is acknowledged.
5. A read that no segment has answered yet is never erased before its window ends, whatever its owner does.
6. A claimed read is kept until its window ends. At its window's end every read is erased.
7. Nothing happens to an erased read.

And of a read under charging terms, which is matched in two stages:

8. It is matched by KEEP segments first. What they answer it cannot be claimed under, only kept. One that is not kept is
   erased by rule 4, like any other.
9. With its keeping its life begins anew: it waits for the OPEN segments in force, and no answer of before counts.
10. No OPEN segment answers it before payment for its day has closed, and a segment of stage MATCH never does.
11. Of a vehicle's kept reads of one day one stays. Another is folded into it, erased at once, unless an OPEN segment has
    answered it, or it is claimed.

It does not handle who may call, whether a claim's secret is right, or in what order reads are answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from blindplate.core.errors import GoneError, NotFoundError, TooEarlyError
from blindplate.core.statements.uploads import Stage


class State(StrEnum):
    """Where a read stands."""

    RECEIVED = "received"
    ANSWERED = "answered"
    KEPT = "kept"
    CLAIMED = "claimed"
    ERASED = "erased"


class Erasure(StrEnum):
    """Why a read was erased."""

    ACKNOWLEDGED = "acknowledged"
    WINDOW_ENDED = "window-ended"
    FOLDED = "folded"


@dataclass(frozen=True, slots=True)
class Read:
    """One read.

    ``expires_ms`` is its window's end (milliseconds since 1970, UTC); ``waiting`` the segments still to match it;
    ``answered`` those that did; ``offered`` the sequence numbers of answers that hold it, not yet acknowledged: each
    of its present stage. ``opens_ms`` is when payment for its day closes, None without charging terms.
    """

    expires_ms: int
    waiting: frozenset[bytes] = frozenset()
    answered: frozenset[bytes] = frozenset()
    offered: frozenset[int] = frozenset()
    claimed: bool = False
    erasure: Erasure | None = field(default=None)
    opens_ms: int | None = None
    kept: bool = False

    @property
    def stage(self) -> Stage:
        """Of which stage the segments are that may match it."""
        if self.opens_ms is None:
            return Stage.MATCH
        return Stage.OPEN if self.kept else Stage.KEEP

    @property
    def state(self) -> State:
        """The state that the rules above speak of."""
        if self.erasure is not None:
            return State.ERASED
        if self.claimed:
            return State.CLAIMED
        if self.kept:
            return State.KEPT
        return State.ANSWERED if self.answered else State.RECEIVED


def receive(expires_ms: int, segments: Iterable[bytes], opens_ms: int | None = None) -> Read:
    """A read that has become durable, waiting for the ``segments`` in force for it: of stage KEEP with ``opens_ms``."""
    return Read(expires_ms, waiting=frozenset(segments), opens_ms=opens_ms)


def join(read: Read, segment: bytes, stage: Stage = Stage.MATCH) -> Read:
    """A segment that is to match the read has been uploaded.

    Claimed reads, a segment's second time, and a segment of another ``stage`` than the read's pass by.
    """
    _require_held(read)
    if read.claimed or segment in read.answered or stage is not read.stage:
        return read
    return replace(read, waiting=read.waiting | {segment})


def leave(read: Read, *segments: bytes) -> Read:
    """These segments will not match the read any more: they were superseded before they answered."""
    _require_held(read)
    return _settled(replace(read, waiting=read.waiting.difference(segments)))


def answer(read: Read, segment: bytes, sequence: int, now_ms: int) -> Read:
    """The read is in the durable answer ``sequence`` of ``segment``.

    Raises NotFoundError when it does not wait for that segment, so that no segment answers it twice; TooEarlyError
    when the answer would open it while payment has not closed at ``now_ms`` (milliseconds since 1970, UTC).
    """
    _require_held(read)
    if segment not in read.waiting:
        raise NotFoundError("A read does not wait for the segment that would answer it.")
    if read.kept and read.opens_ms is not None and now_ms < read.opens_ms:
        raise TooEarlyError("A read would be opened before payment for its day has closed.")
    return replace(
        read,
        waiting=read.waiting - {segment},
        answered=read.answered | {segment},
        offered=read.offered | {sequence},
    )


def claim(read: Read, sequence: int) -> Read:
    """The owner has shown the read's match secret. Again under the same answer changes nothing.

    Raises GoneError when that answer was acknowledged or never held the read, TooEarlyError when the read is one that
    can only be kept yet.
    """
    _require_offered(read, sequence)
    if read.stage is Stage.KEEP:
        raise TooEarlyError("A read that can only be kept was to be claimed.")
    return replace(read, claimed=True, waiting=frozenset())


def keep(read: Read, sequence: int, segments: Iterable[bytes]) -> Read:
    """The owner has shown the read's retention token: it waits for the OPEN ``segments`` in force for it.

    A read that is kept, or claimed, is left as it is. Raises GoneError when that answer was acknowledged or never held
    the read, NotFoundError for a read without charging terms.
    """
    _require_held(read)
    if read.stage is Stage.OPEN:
        return read
    _require_offered(read, sequence)
    if read.stage is Stage.MATCH:
        raise NotFoundError("A read without charging terms was to be kept.")
    return replace(read, kept=True, waiting=frozenset(segments), answered=frozenset(), offered=frozenset())


def foldable(read: Read) -> bool:
    """Whether a kept read may be erased because another of its vehicle's reads of that day stands for it."""
    return read.state is State.KEPT and not read.answered


def fold(read: Read) -> Read:
    """Another kept read of the vehicle's day stands for this one. Raises GoneError for a read that must stay."""
    if not foldable(read):
        raise GoneError(
            "A read that was not kept, or was offered to be opened, was to be folded into another."
        )
    return _erased(read, Erasure.FOLDED)


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
        read,
        waiting=frozenset(),
        answered=frozenset(),
        offered=frozenset(),
        claimed=False,
        kept=False,
        erasure=erasure,
    )


def _require_offered(read: Read, sequence: int) -> None:
    _require_held(read)
    if sequence not in read.offered:
        raise GoneError("The answer under which a read is claimed was acknowledged before.")


def _require_held(read: Read) -> None:
    if read.erasure is not None:
        raise GoneError("A read was erased.")
