"""Rounds of witnessing: what is published, what one custodian's silence or word does, and when it is asked again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

import pytest

from blindplate.core.errors import (
    BlindplateError,
    ForkError,
    NotFoundError,
    RollbackError,
    StorageError,
    UnavailableError,
)
from blindplate.core.ledger.checkpoints import SignedCheckpoint, verify_checkpoint
from blindplate.core.parties import Custodian
from blindplate.edge.ledger.source import FolderSource
from blindplate.server.ledger import metrics
from blindplate.server.ledger import witnesses as module
from blindplate.server.ledger.storage import SignedHead, Storage
from blindplate.server.ledger.witness_client import Cosigned, WitnessClient
from blindplate.server.ledger.witnesses import Witnesses
from tests.unit.server.ledger.site import COSIGNERS, KEYS, MOMENT, Site, append, entries

A, B = Custodian.A, Custodian.B


@dataclass
class Clock:
    moment: float = MOMENT

    def now(self) -> float:
        return self.moment


@dataclass
class Played:
    """A custodian that cosigns, waits while it is held, or fails as it is told."""

    custodian: Custodian
    clock: Clock
    error: BlindplateError | None = None
    refusal: BlindplateError | None = None
    sizes: list[int] = field(default_factory=list[int])
    asked: list[float] = field(default_factory=list[float])
    free: threading.Event = field(default_factory=threading.Event)

    def confirm(self) -> None:
        if self.refusal:
            raise self.refusal

    def cosign(self, head: SignedHead) -> Cosigned:
        self.asked.append(time.monotonic())
        self.free.wait()
        if self.error:
            raise self.error
        self.sizes.append(head.checkpoint.size)
        moment = int(self.clock.now())
        return Cosigned(COSIGNERS[self.custodian].cosign(head.checkpoint, moment), moment)

    def close(self) -> None:
        self.free.set()


@dataclass
class Rounds:
    storage: Storage
    site: Site
    clock: Clock
    played: dict[Custodian, Played]
    witnesses: Witnesses
    fatal: list[BlindplateError]

    def append(self, count: int) -> None:
        append(self.storage, entries(count, self.storage.head.checkpoint.size))
        self.witnesses.notify()

    def public(self) -> SignedCheckpoint | None:
        try:
            data = FolderSource(self.site.public).get("checkpoint")
        except NotFoundError:
            return None
        return verify_checkpoint(data, KEYS)

    def published(self, size: int) -> bool:
        public = self.public()
        return public is not None and public.checkpoint.size == size and public.require_both() > 0


@pytest.fixture
def rounds(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rounds]:
    """Witnesses that run, at a pace for tests."""
    for name in ("_LOOK_SECONDS", "_PACE_SECONDS", "_FIRST_DELAY_SECONDS"):
        monkeypatch.setattr(module, name, 0.01)
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.1)
    storage, clock = site.create(), Clock()
    played = {custodian: Played(custodian, clock) for custodian in Custodian}
    for one in played.values():
        one.free.set()
    fatal: list[BlindplateError] = []
    clients = {custodian: cast("WitnessClient", one) for custodian, one in played.items()}
    made = Rounds(storage, site, clock, played, Witnesses(storage, clients, clock, 15.0, fatal.append), fatal)
    yield made
    made.witnesses.stop()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "It did not come to pass."
        time.sleep(0.005)


def test_what_both_cosigned_is_published(rounds: Rounds) -> None:
    rounds.append(5)
    rounds.witnesses.start()
    until(lambda: rounds.published(5))
    rounds.append(300)
    until(lambda: rounds.published(305))


def test_files_are_public_before_anybody_is_asked(rounds: Rounds) -> None:
    seen: list[bool] = []
    cosign = rounds.played[A].cosign

    def looking(head: SignedHead) -> Cosigned:
        seen.append((rounds.site.public / f"tile/entries/000.p/{head.checkpoint.size}").exists())
        return cosign(head)

    rounds.played[A].cosign = looking  # type: ignore[method-assign]  # a custodian that looks
    rounds.append(5)
    rounds.witnesses.start()
    until(lambda: rounds.published(5))
    rounds.append(1)
    until(lambda: rounds.published(6))
    assert seen == [True] * len(seen)


def test_nothing_is_published_that_one_alone_cosigned(rounds: Rounds) -> None:
    rounds.played[B].error = UnavailableError("away")
    rounds.append(5)
    rounds.witnesses.start()
    until(lambda: rounds.played[A].sizes == [5] and len(rounds.played[B].asked) > 3)
    assert rounds.public() is None


def test_a_custodian_that_comes_back_completes_the_round(rounds: Rounds) -> None:
    rounds.played[B].error = UnavailableError("away")
    rounds.append(5)
    rounds.witnesses.start()
    until(lambda: len(rounds.played[B].asked) > 1)
    rounds.played[B].error = None
    until(lambda: rounds.published(5))
    # The other one was not asked again for what it had cosigned.
    assert rounds.played[A].sizes == [5]


@pytest.mark.parametrize("away", [UnavailableError("away"), None], ids=["failing", "silent"])
def test_the_other_custodian_learns_of_new_entries_meanwhile(
    rounds: Rounds, away: BlindplateError | None
) -> None:
    rounds.played[B].error = away
    if away is None:
        rounds.played[B].free.clear()
    rounds.append(5)
    rounds.witnesses.start()
    until(lambda: rounds.played[A].sizes == [5])
    rounds.append(5)
    until(lambda: rounds.played[A].sizes == [5, 10])
    rounds.played[B].error = None
    rounds.played[B].free.set()
    until(lambda: rounds.published(10))


def test_a_late_cosignature_takes_nothing_back(rounds: Rounds) -> None:
    """One of an older round comes while a newer one is published already: it is of no use any more."""
    rounds.witnesses.start()
    rounds.append(5)
    until(lambda: rounds.published(5))
    sizes: list[int] = []
    for _ in range(20):
        rounds.append(3)
        public = rounds.public()
        sizes.append(public.checkpoint.size if public else 0)
    until(lambda: rounds.published(65))
    assert sizes == sorted(sizes)


def test_without_entries_a_fresh_checkpoint_is_made_by_the_clock(rounds: Rounds) -> None:
    rounds.witnesses.start()
    rounds.append(5)
    until(lambda: rounds.published(5))
    for moved, expected in ((14.0, MOMENT), (15.0, MOMENT + 15), (20.0, MOMENT + 15)):
        rounds.clock.moment = MOMENT + moved
        time.sleep(0.1)
        until(lambda expected=expected: _oldest(rounds) == expected)  # type: ignore[misc]  # bound now
    # Also when the clock was set back.
    rounds.clock.moment = MOMENT - 100.0
    until(lambda: _oldest(rounds) == MOMENT - 100)


def _oldest(rounds: Rounds) -> int:
    public = rounds.public()
    return 0 if public is None else public.oldest()


@pytest.mark.parametrize("error", [ForkError("two histories"), RollbackError("it knows more")])
def test_a_fork_or_rollback_that_a_custodian_tells_of_is_alarmed(
    rounds: Rounds, error: BlindplateError, capsys: pytest.CaptureFixture[str]
) -> None:
    alarms = metrics.WITNESS_ALARMS.labels(B, error.code)
    before = alarms._value.get()
    rounds.played[B].error = error
    rounds.append(5)
    rounds.witnesses.start()
    until(lambda: alarms._value.get() > before)
    rounds.append(5)
    until(lambda: rounds.played[A].sizes[-1:] == [10])
    # Asked once: the next time is half a minute away.
    assert len(rounds.played[B].asked) == 1
    assert '"event": "witness-alarm"' in capsys.readouterr().err
    assert rounds.fatal == []


def test_appends_wait_for_both_custodians_word(rounds: Rounds) -> None:
    rounds.played[B].refusal = UnavailableError("away")
    with pytest.raises(UnavailableError, match="A and custodian B"):
        rounds.witnesses.require_confirmed()
    rounds.witnesses.start()
    until(lambda: _unconfirmed(rounds) == "B")
    rounds.played[B].refusal = None
    until(lambda: _unconfirmed(rounds) == "")
    # Once is enough.
    rounds.played[B].error = rounds.played[B].refusal = UnavailableError("away again")
    rounds.append(1)
    until(lambda: rounds.played[B].asked != [])
    rounds.witnesses.require_confirmed()


def _unconfirmed(rounds: Rounds) -> str:
    try:
        rounds.witnesses.require_confirmed()
    except UnavailableError as error:
        return "".join(name for name in "AB" if f"custodian {name}" in error.what)
    return ""


@pytest.mark.parametrize("error", [RollbackError("set back"), ForkError("another history")])
def test_proof_of_having_been_set_back_is_fatal(rounds: Rounds, error: BlindplateError) -> None:
    rounds.played[A].refusal = error
    rounds.witnesses.start()
    until(lambda: rounds.fatal != [])
    assert rounds.fatal == [error]
    assert _unconfirmed(rounds) != ""
    assert rounds.played[A].sizes == []


def test_a_disk_that_fails_to_publish_is_tried_again(rounds: Rounds, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter([StorageError("full")] * 3)
    publish, replace = rounds.storage.publish, rounds.storage.replace_checkpoint

    def failing_publish() -> SignedHead:
        for error in failures:
            raise error
        return publish()

    checkpoint_failures = iter([StorageError("full")])

    def failing_replace(note: bytes) -> None:
        for error in checkpoint_failures:
            raise error
        replace(note)

    monkeypatch.setattr(rounds.storage, "publish", failing_publish)
    monkeypatch.setattr(rounds.storage, "replace_checkpoint", failing_replace)
    rounds.append(5)
    rounds.witnesses.start()
    until(lambda: rounds.published(5))


def test_an_unforeseen_error_does_not_end_the_rounds(rounds: Rounds) -> None:
    def broken(_head: SignedHead) -> Cosigned:
        raise ValueError("a plate")

    cosign, rounds.played[A].cosign = rounds.played[A].cosign, broken  # type: ignore[assignment, method-assign]  # a defect
    rounds.append(5)
    rounds.witnesses.start()
    until(lambda: rounds.played[B].sizes == [5])
    rounds.played[A].cosign = cosign  # type: ignore[method-assign]  # mended
    until(lambda: rounds.published(5))
