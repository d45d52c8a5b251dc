"""Parties that append all the time, and remember what they were given receipts for."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from blindplate.cli.deployment import Deployment
from blindplate.core.errors import BlindplateError
from blindplate.core.ledger.checkpoints import Checkpoint
from blindplate.core.ledger.entries import entry_bytes
from blindplate.core.merkle import leaf_hash
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.evaluations import EvaluationCounts
from blindplate.core.statements.matching import MatcherCounts
from blindplate.edge.ledger.appender import LedgerClient
from blindplate.edge.settings import LedgerAccess
from tests.integration.ledger_site import party_key, party_tls


@dataclass
class Acknowledged:
    """Leaf hashes by index, and every checkpoint that a receipt was given under."""

    leaves: dict[int, bytes] = field(default_factory=dict[int, bytes])
    checkpoints: set[Checkpoint] = field(default_factory=set[Checkpoint])
    # Where two receipts contradict each other.
    contradictions: list[int] = field(default_factory=list[int])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, index: int, leaf: bytes, checkpoint: Checkpoint) -> None:
        with self._lock:
            if self.leaves.setdefault(index, leaf) != leaf:
                self.contradictions.append(index)
            self.checkpoints.add(checkpoint)


class Writer:
    """One party in a thread of its own, from ``start`` to ``stop``; what fails is sent again."""

    def __init__(self, deployment: Deployment, access: LedgerAccess, party: str, kept: Acknowledged) -> None:
        self._client = LedgerClient(access.address, party_tls(deployment, party), access.keys.keys())
        self._key = party_key(deployment, party)
        self._party = party
        self._kept = kept
        self._rng = Random(party)
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=party, daemon=True)
        self.codes: set[str] = set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        unanswered: Sequence[Statement] = ()
        while not self._stop.is_set():
            unanswered = unanswered or [
                self._statement() for _ in range(self._rng.choice((1, 1, 3, 40, 200)))
            ]
            try:
                receipts = self._client.append(unanswered)
            except BlindplateError as error:
                self.codes.add(error.code)
                time.sleep(0.05)
                continue
            for statement, receipt in zip(unanswered, receipts, strict=True):
                self._kept.note(
                    receipt.index, leaf_hash(entry_bytes(statement)), receipt.checkpoint.checkpoint
                )
            unanswered = ()

    def _statement(self) -> Statement:
        return counts(self._party, next(self._numbers), self._key)


def counts(party: str, number: int, key: SigningKey) -> Statement:
    """A statement of the party's own, that nothing depends on."""
    if party == "matcher":
        return MatcherCounts(since=1, records=(), refused_claims=number, made_at=number).statement(key)
    return EvaluationCounts(
        custodian=Custodian(party.removeprefix("custodian-")),
        day="2026-01-01",
        grants=(),
        zones=(),
        subject_searches=number,
        made_at=number,
    ).statement(key)


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait; fail when it does not come in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "It did not come to pass."
        time.sleep(0.02)
