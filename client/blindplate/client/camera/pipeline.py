"""The camera's main path: reads to pseudonyms to sealed records to the spool, list by list.

Guarantees that a read leaves memory only once its record is durable, or counted as what it became instead; that one
list that cannot be served (its grant suspended, its quota used up) holds up no other; and that nothing is sealed
without a policy in force and keys in force. Takes the reads, does not parse events; see ``reads``. Protocol
sections 3 and 4.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, Protocol

from blindplate.client.camera.backlog import Backlog
from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.keys import SealingKeys
from blindplate.client.camera.media.index import Offer
from blindplate.client.camera.policy import PolicyFile
from blindplate.client.camera.pseudonymise import EvaluationScope, Pseudonymiser
from blindplate.client.camera.reads import CameraRead
from blindplate.client.camera.seal import CameraIdentity, seal_batch
from blindplate.client.camera.spool import Spool
from blindplate.core.errors import (
    BlindplateError,
    ExpiredError,
    GrantError,
    QuotaError,
    SecurityError,
    StateError,
    UnknownDomainError,
)
from blindplate.core.statements.policies import ListPolicy, PseudonymMode, ZonePolicy
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log

_STATE_SECONDS: Final = (0.5, 15.0)
# A refusal changes when somebody acts on it; a failed check, hardly ever by itself.
_REFUSED_SECONDS: Final = 30.0
# Around the moment at which one policy follows another.
_CHANGE_SECONDS: Final = 30.0
_SECURITY_SECONDS: Final = 60.0
_IDLE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Batching:
    """``size`` reads at once; fewer once the first has waited ``wait_seconds``."""

    size: int
    wait_seconds: float


@dataclass(slots=True)
class _Pause:
    """A list that failed: when it is tried again, how long this wait is, why, and how often in a row."""

    until: float
    seconds: float
    code: str
    tries: int


class KnowsKeys(Protocol):
    """What to seal to, as ``KeyRing`` knows it."""

    def at(self, moment: float) -> SealingKeys:
        """The keys in force at ``moment``. Raises UnavailableError or ExpiredError when there are none."""
        ...


class KeepsOffers(Protocol):
    """Where it is remembered whose media are whose, as ``MediaStore`` does."""

    def offer(self, offers: Sequence[Offer]) -> None:
        """Remember them, durably. Raises StorageError."""
        ...


class Pipeline:
    """Works off a backlog. ``step`` and ``run`` are for one thread."""

    def __init__(
        self,
        camera: CameraIdentity,
        policy: PolicyFile,
        pseudonymisers: Mapping[PseudonymMode, Pseudonymiser],
        keys: KnowsKeys,
        spool: Spool,
        backlog: Backlog,
        batching: Batching,
        clock: Clock,
        counts: Counts,
        media: KeepsOffers,
        media_seconds: float,
    ) -> None:
        """The media of a record may be asked for until ``media_seconds`` after its capture."""
        self._camera = camera
        self._policy = policy
        self._pseudonymisers = pseudonymisers
        self._keys = keys
        self._spool = spool
        self._backlog = backlog
        self._batching = batching
        self._clock = clock
        self._counts = counts
        self._media = media
        self._media_seconds = media_seconds
        self._pauses: dict[str, _Pause] = {}
        # How many reads to try next, where a quota left no room for a whole batch.
        self._sizes: dict[str, int] = {}

    def run(self, stop: threading.Event) -> None:
        """Seal what the backlog holds until ``stop`` is set."""
        while not stop.is_set():
            self._backlog.wait_for_reads(1, _IDLE_SECONDS)
            self._backlog.wait_for_reads(self._batching.size, self._batching.wait_seconds)
            if len(self._backlog) and not self.step():
                stop.wait(_STATE_SECONDS[0] / 2)

    def step(self) -> int:
        """Try one batch of every list that is not paused; how many records were spooled."""
        now = self._clock.now()
        try:
            policy = self._policy.current(now)
        except BlindplateError as error:
            self._fail("", error, now)
            return 0
        self._pauses.pop("", None)
        self._backlog.keep_only({entry.list_id for entry in policy.lists})
        return sum(self._try(policy, entry, now) for entry in policy.lists)

    def _try(self, policy: ZonePolicy, entry: ListPolicy, now: float) -> int:
        pause = self._pauses.get(entry.list_id)
        if pause is not None and now < pause.until:
            return 0
        reads = self._backlog.take(entry.list_id, self._sizes.get(entry.list_id, self._batching.size))
        policy, reads = self._of_one_policy(policy, entry, reads)
        if not reads:
            return 0
        try:
            if policy.not_before > now:
                raise ExpiredError("A read was captured ahead of this machine's clock.", "Set both clocks.")
            # Keys first: without them an evaluation would be paid for and its outcome left to expire.
            keys = self._keys.at(now)
            entry = _entry_of(policy, entry)
            scope = EvaluationScope.of(policy, entry)
            outputs = self._pseudonymisers[policy.mode].evaluate(scope, reads, now)
            pairs = list(zip(reads, outputs, strict=True))
            batch = seal_batch(self._camera, entry, scope.domain, pairs, keys, now, self._media_seconds)
            # First: a record whose media nobody would find again must not be sent.
            self._media.offer(batch.offers)
            self._spool.add(batch.items)
        except BaseException as error:
            if isinstance(error, GrantError | UnknownDomainError) and self._policy.sequence.is_over(
                policy, now
            ):
                # Captured under a policy that was followed by another while custodians or keys were away for too long.
                self._backlog.done(entry.list_id, reads)
                self._counts.add(Counted.UNSEALABLE, len(reads))
                log().error("reads-unsealable", list=entry.list_id, serial=policy.serial, reads=len(reads))
                return 0
            self._backlog.give_back(entry.list_id, reads)
            if not isinstance(error, BlindplateError):
                raise
            if isinstance(error, QuotaError) and len(reads) > 1:
                # A quota refuses a batch as a whole; what is left of it may do for a smaller one.
                self._sizes[entry.list_id] = len(reads) // 2
                return self._try(policy, entry, now)
            self._fail(entry.list_id, error, now, changed_at=policy.not_before)
            return 0
        self._backlog.done(entry.list_id, reads)
        self._sizes.pop(entry.list_id, None)
        self._counts.add(Counted.SPOOLED, len(batch.items))
        self._counts.add(Counted.UNSEALABLE, batch.unsealable)
        if self._pauses.pop(entry.list_id, None):
            log().info("sealing-resumed", list=entry.list_id, in_memory=len(self._backlog))
        return len(batch.items)

    def _of_one_policy(
        self, present: ZonePolicy, entry: ListPolicy, reads: list[CameraRead]
    ) -> tuple[ZonePolicy, list[CameraRead]]:
        """The first reads that are to be sealed under one policy, by when they were captured; the rest is given back."""
        sequence = self._policy.sequence

        def governing(read: CameraRead) -> ZonePolicy:
            policy = sequence.at(read.capture_time_ms / 1000)
            # What was captured before any that is known is tried under the present one.
            return policy if policy.not_before <= read.capture_time_ms / 1000 else present

        if not reads:
            return present, reads
        policy = governing(reads[0])
        same = list(takewhile(lambda read: governing(read) == policy, reads))
        if len(same) < len(reads):
            self._backlog.give_back(entry.list_id, reads[len(same) :])
        return policy, same

    def _fail(self, list_id: str, error: BlindplateError, now: float, changed_at: float = 0.0) -> None:
        earlier = self._pauses.get(list_id)
        if isinstance(error, SecurityError):
            seconds = _SECURITY_SECONDS
        elif isinstance(error, StateError):
            shortest, longest = _STATE_SECONDS
            seconds = min(2 * earlier.seconds, longest) if earlier else shortest
        elif now - changed_at < _CHANGE_SECONDS or isinstance(error, ExpiredError):
            # Custodians whose clocks are a little behind take the change in a moment.
            seconds = _STATE_SECONDS[0]
        else:
            seconds = _REFUSED_SECONDS
        # A failed check each time, since it must not be overlooked; anything else once, and a state that passes by
        # itself (keys not fetched yet) not before it has lasted to a second try.
        tries = earlier.tries + 1 if earlier and earlier.code == error.code else 1
        self._pauses[list_id] = _Pause(now + seconds, seconds, error.code, tries)
        if isinstance(error, SecurityError) or tries == (2 if isinstance(error, StateError) else 1):
            level = "error" if isinstance(error, SecurityError) else "warning"
            getattr(log(), level)(
                "sealing-waits", list=list_id or "all", error=error, in_memory=len(self._backlog)
            )


def _entry_of(policy: ZonePolicy, present: ListPolicy) -> ListPolicy:
    """What ``policy`` says of the list that the present policy treats so. Raises UnknownDomainError."""
    for entry in policy.lists:
        if entry.list_id == present.list_id:
            return entry
    raise UnknownDomainError("The policy of the time of a read's capture does not name its list.")
