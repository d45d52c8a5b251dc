"""Handing sealed records in: what is due goes to the matcher, and leaves the spool when the matcher has it.

Guarantees that a record is erased only after a receipt: accepted, or refused for good, because sealed as it is it can
be of no use to anyone. Any other refusal may pass, since somebody can install a grant, a register or a policy: the
record stays, and is tried again ever less often until no window could take it any more. A lost answer means the record
is sent again, which the matcher takes as the same. While the matcher is away nothing is lost and nobody is hurried.
Protocol section 4 (G8).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from random import SystemRandom
from typing import Final, Protocol

from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.matcher import MAX_WIRES, Receipt
from blindplate.client.camera.spool import Spool
from blindplate.core.errors import (
    BlindplateError,
    MatchProofError,
    MessageError,
    ProofError,
    ReplayError,
    StorageError,
    WindowOverError,
)
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.v1 import records_pb2

# Half of what a call may hold, so that no batch of ordinary records is ever too large.
MAX_BYTES: Final = 4 << 20
_IDLE_SECONDS: Final = 0.1
_RETRY_SECONDS: Final = (0.5, 15.0)
# A refused record waits once more as long as it has waited already, within these bounds.
_HELD_SECONDS: Final = (30.0, 900.0)
# What the record itself is refused for. A signature is not among them: the register that names its key can be wrong.
_FINAL_CODES: Final = frozenset(
    kind.code for kind in (MessageError, ProofError, MatchProofError, ReplayError, WindowOverError)
)
_RANDOM: Final = SystemRandom()


class Submits(Protocol):
    """The matcher, as ``Matcher`` asks it."""

    def submit(self, wires: Sequence[bytes]) -> list[Receipt]:
        """One receipt for each wire, in order."""
        ...


class Sender:
    """Sends from a spool. ``step`` and ``run`` are for one thread."""

    def __init__(
        self, spool: Spool, matcher: Submits, oldest_seconds: float, clock: Clock, counts: Counts
    ) -> None:
        """``oldest_seconds`` after its capture a record that is refused is kept no longer, whatever for."""
        self._spool = spool
        self._matcher = matcher
        self._oldest_seconds = oldest_seconds
        self._clock = clock
        self._counts = counts
        # Acknowledged, but the disk would not let them be erased yet: never sent again. Some of them were accepted.
        self._settled: set[int] = set()
        self._accepted: set[int] = set()

    def run(self, stop: threading.Event) -> None:
        """Send until ``stop`` is set, backing off while the matcher is away."""
        wait = _RETRY_SECONDS[0]
        away = False
        while not stop.is_set():
            try:
                sent = self.step()
            except BlindplateError as error:
                if not away:
                    log().warning("hand-in-failed", error=error, in_spool=len(self._spool))
                away = True
                stop.wait(wait * _RANDOM.uniform(0.5, 1.0))
                wait = min(2 * wait, _RETRY_SECONDS[1])
                continue
            if away and sent:
                log().info("hand-in-resumed", in_spool=len(self._spool))
                away = False
            wait = _RETRY_SECONDS[0]
            if not sent:
                stop.wait(_IDLE_SECONDS)

    def step(self) -> int:
        """Send one batch of what is due; how many records have their answer. Raises what matcher or disk says."""
        self._erase_settled()
        due = self._spool.due(self._clock.now(), MAX_WIRES, MAX_BYTES)
        if not due:
            return 0
        _RANDOM.shuffle(due)
        receipts = self._matcher.submit([spooled.wire for spooled in due])
        now = self._clock.now()
        until: dict[int, float] = {}
        refused: Counter[str] = Counter()
        held: Counter[str] = Counter()
        for spooled, receipt in zip(due, receipts, strict=True):
            age = now - _captured_by(spooled.wire)
            if receipt.accepted:
                self._settled.add(spooled.number)
                self._accepted.add(spooled.number)
                self._counts.add(Counted.ACCEPTED)
            elif receipt.refused and (receipt.code in _FINAL_CODES or age >= self._oldest_seconds):
                self._settled.add(spooled.number)
                refused[receipt.code] += 1
            elif receipt.refused:
                until[spooled.number] = now + _wait(age)
                held[receipt.code] += not spooled.held
        self._report(refused, held)
        answered = len(self._settled) + len(until)
        self._erase_settled()
        if until:
            self._spool.hold(until)
        return answered

    def _report(self, refused: Counter[str], held: Counter[str]) -> None:
        for code, number in refused.items():
            log().error("records-refused", code=code, records=number)
        for code, number in (+held).items():
            log().warning("records-held", code=code, records=number)
        self._counts.add(Counted.REFUSED, refused.total())
        self._counts.add(Counted.HELD, held.total())

    def _erase_settled(self) -> None:
        if not self._settled:
            return
        try:
            self._spool.remove(list(self._settled), self._accepted)
        except StorageError as error:
            raise StorageError(
                "Records that were handed in cannot be erased from the spool.", error.remedy
            ) from None
        self._settled.clear()
        self._accepted.clear()


def _captured_by(wire: bytes) -> float:
    """The latest moment a record's header allows for its capture, in seconds since 1970 (UTC)."""
    header = records_pb2.Wire.FromString(wire).record.header
    return (header.capture_time_ms + header.time_granularity_ms) / 1000


def _wait(age: float) -> float:
    shortest, longest = _HELD_SECONDS
    return min(max(age, shortest), longest) * _RANDOM.uniform(0.5, 1.0)
