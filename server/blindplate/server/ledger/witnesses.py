"""Both custodians as witnesses: every new head is shown to both at once, and published when both have cosigned it.

Rounds: a round has one head, whose files are public before it begins; a round is complete when both custodians cosigned
its head, and the next begins when each has either cosigned, failed, or kept the ledger waiting for long. So one that
is slow or away delays the public checkpoint, but not the other's knowledge. Without entries a round begins every
``rewitness_seconds`` by the clock, so that a fresh checkpoint exists.
Guarantees that ``checkpoint`` is only ever replaced by one of a later round, and that appends are held back until both
custodians, asked once since the start, showed nothing that this ledger does not have: otherwise it was set back, and
the process has to end. A custodian that refuses with a fork or a rollback is alarmed and asked again, slowly.
Protocol section 7. Source: https://c2sp.org/tlog-witness.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from blindplate.core.errors import (
    BlindplateError,
    ForkError,
    ProofError,
    RollbackError,
    StorageError,
    UnavailableError,
)
from blindplate.core.ledger.notes import Note
from blindplate.core.parties import Custodian
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.server.ledger import metrics
from blindplate.server.ledger.storage import SignedHead, Storage
from blindplate.server.ledger.witness_client import Cosigned, WitnessClient

_ALARMING: Final = (ForkError, RollbackError, ProofError)
# How often the clock is looked at.
_LOOK_SECONDS: Final = 0.5
# Rounds that follow each other closely cost everyone more than they tell.
_PACE_SECONDS: Final = 0.05
_PATIENCE_SECONDS: Final = 2.0
_FIRST_DELAY_SECONDS: Final = 0.25
_LONGEST_DELAY_SECONDS: Final = 10.0
_ALARM_DELAY_SECONDS: Final = 30.0


@dataclass(slots=True)
class _Round:
    number: int
    head: SignedHead
    # By the clock, for freshness; and by the monotonic one, for patience.
    begun_at: float
    begun: float
    cosigned: dict[Custodian, Cosigned] = field(default_factory=dict[Custodian, Cosigned])


@dataclass(slots=True)
class _Witness:
    client: WitnessClient
    confirmed: bool = False
    # The round it was asked about last, whether it is being asked, and when it may be asked again after a failure.
    round: int = 0
    busy: bool = False
    failed: bool = False
    delay: float = _FIRST_DELAY_SECONDS
    retry: float = 0.0


class Witnesses:
    """Runs the rounds in threads of its own, from ``start`` to ``stop``; ``notify`` tells of a new head.

    ``on_fatal`` is called once when a custodian proves that this ledger was set back or forked.
    """

    def __init__(
        self,
        storage: Storage,
        clients: Mapping[Custodian, WitnessClient],
        clock: Clock,
        rewitness_seconds: float,
        on_fatal: Callable[[BlindplateError], None],
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._rewitness_seconds = rewitness_seconds
        self._on_fatal = on_fatal
        self._bell = threading.Condition()
        self._stopped = False
        self._witnesses = {custodian: _Witness(client) for custodian, client in clients.items()}
        self._round: _Round | None = None
        self._completed: _Round | None = None
        self._published = 0
        self._threads = [threading.Thread(target=self._lead, name="rounds", daemon=True)]
        self._threads += [
            threading.Thread(target=self._attend, args=(custodian,), name=f"witness-{custodian}", daemon=True)
            for custodian in self._witnesses
        ]

    def start(self) -> None:
        """Start the rounds."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the rounds and close the channels."""
        with self._bell:
            self._stopped = True
            self._bell.notify_all()
        for witness in self._witnesses.values():
            witness.client.close()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def notify(self) -> None:
        """There is a new head."""
        with self._bell:
            self._bell.notify_all()

    def require_confirmed(self) -> None:
        """Raise UnavailableError while a custodian has not yet said how far it has witnessed this ledger."""
        with self._bell:
            unheard = [name for name, witness in self._witnesses.items() if not witness.confirmed]
        if unheard:
            names = " and ".join(f"custodian {custodian.name}" for custodian in unheard)
            raise UnavailableError(
                f"The ledger has not heard yet from {names} how far it was witnessed.",
                "Try again when both custodians run.",
            )

    def _lead(self) -> None:
        """Begin rounds, and publish the completed ones: all that is written to the public files is written here."""
        while True:
            with self._bell:
                while not (self._stopped or self._completed or self._due()):
                    self._bell.wait(_PACE_SECONDS if self._grown() else _LOOK_SECONDS)
                if self._stopped:
                    return
                completed, self._completed = self._completed, None
            try:
                if completed:
                    self._publish(completed)
                else:
                    self._begin()
            except StorageError as error:
                metrics.STORAGE_FAILURES.inc()
                log().error("publishing-failed", error=error)
                self._put_back(completed)

    def _put_back(self, unpublished: _Round | None) -> None:
        """What could not be published is published later, unless another round was completed meanwhile."""
        with self._bell:
            if self._completed is None:
                self._completed = unpublished
            self._bell.wait(_LOOK_SECONDS)

    def _due(self) -> bool:
        last = self._round
        if last is None:
            return True
        elapsed = time.monotonic() - last.begun
        stale = not 0 <= self._clock.now() - last.begun_at < self._rewitness_seconds
        return (stale or self._grown()) and elapsed >= _PACE_SECONDS and self._settled(last, elapsed)

    def _grown(self) -> bool:
        return (
            self._round is not None and self._storage.head.checkpoint.size > self._round.head.checkpoint.size
        )

    def _settled(self, last: _Round, elapsed: float) -> bool:
        """Whether nobody is about to cosign the round's head, or that has taken long enough."""
        open_for = [
            witness
            for witness in self._witnesses.values()
            if not witness.failed and (witness.round < last.number or witness.busy)
        ]
        return not open_for or elapsed >= _PATIENCE_SECONDS

    def _begin(self) -> None:
        head = self._storage.publish()
        with self._bell:
            number = self._round.number + 1 if self._round else 1
            self._round = _Round(number, head, self._clock.now(), time.monotonic())
            self._bell.notify_all()

    def _publish(self, completed: _Round) -> None:
        if completed.number <= self._published:
            return
        note = Note.from_bytes(completed.head.note)
        for cosigned in completed.cosigned.values():
            note = note.with_signatures(cosigned.signatures)
        self._storage.replace_checkpoint(note.to_bytes())
        self._published = completed.number
        metrics.WITNESSED_SIZE.set(completed.head.checkpoint.size)
        metrics.WITNESSED_AT.set(min(cosigned.moment for cosigned in completed.cosigned.values()))

    def _attend(self, custodian: Custodian) -> None:
        """Show one custodian each round's head, as long as there are rounds."""
        witness = self._witnesses[custodian]
        while (asked := self._next(witness)) is not None:
            try:
                if not witness.confirmed:
                    self._confirm(witness)
                cosigned = witness.client.cosign(asked.head)
            except BlindplateError as error:
                self._note_failure(custodian, witness, error)
            except Exception as error:  # noqa: BLE001  whatever a custodian answers, it is asked again
                log().error("witness-failed", witness=custodian, error=error)
                self._note_failure(custodian, witness, UnavailableError("A custodian could not be asked."))
            else:
                self._note_success(custodian, witness, asked, cosigned)

    def _next(self, witness: _Witness) -> _Round | None:
        """The round to ask a custodian about, as soon as there is one; None at the end."""
        with self._bell:
            while not self._stopped:
                now, latest = time.monotonic(), self._round
                if latest and (witness.failed or witness.round < latest.number) and now >= witness.retry:
                    witness.round, witness.busy, witness.failed = latest.number, True, False
                    return latest
                self._bell.wait(witness.retry - now if now < witness.retry else None)
            return None

    def _confirm(self, witness: _Witness) -> None:
        try:
            witness.client.confirm()
        except (ForkError, RollbackError) as error:
            self._on_fatal(error)
            raise
        with self._bell:
            witness.confirmed = True

    def _note_failure(self, custodian: Custodian, witness: _Witness, error: BlindplateError) -> None:
        alarming = isinstance(error, _ALARMING)
        with self._bell:
            if self._stopped:
                return
            witness.busy, witness.failed = False, True
            delay = _ALARM_DELAY_SECONDS if alarming else witness.delay
            witness.retry = time.monotonic() + delay
            witness.delay = min(2 * witness.delay, _LONGEST_DELAY_SECONDS)
            self._bell.notify_all()
        if alarming:
            metrics.WITNESS_ALARMS.labels(custodian, error.code).inc()
            log().error("witness-alarm", witness=custodian, error=error)
        else:
            metrics.WITNESS_FAILURES.labels(custodian, error.code).inc()
            log().warning("witness-failed", witness=custodian, error=error)

    def _note_success(
        self, custodian: Custodian, witness: _Witness, asked: _Round, cosigned: Cosigned
    ) -> None:
        with self._bell:
            witness.busy, witness.delay, witness.retry = False, _FIRST_DELAY_SECONDS, 0.0
            asked.cosigned[custodian] = cosigned
            if len(asked.cosigned) == len(self._witnesses) and asked.number > self._published:
                self._completed = asked
            self._bell.notify_all()
