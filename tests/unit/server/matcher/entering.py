"""A ledger that the clerk's tests enter in, and that fails as they tell it to; a clock that stands; who is offered what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blindplate.core.errors import UnavailableError
from blindplate.core.ledger.checkpoints import Checkpoint, SignedCheckpoint
from blindplate.core.ledger.entries import entry_bytes
from blindplate.core.signing import Statement
from blindplate.core.statements.matching import AnsweredBatch, Batches, MatcherCounts
from blindplate.edge.ledger.appender import EntryReceipt
from blindplate.server.matcher import answers_store
from blindplate.server.matcher.bell import Bell
from blindplate.server.matcher.clerk import Clerk
from blindplate.server.matcher.storage import Database
from tests.unit.core.ledger.samples import ORIGIN, signed
from tests.unit.server.matcher.conftest import START
from tests.unit.server.matcher.stores import GRANTS, MATCHER

RECEIPT = EntryReceipt(0, SignedCheckpoint(Checkpoint(ORIGIN, 1, b"r" * 32), signed(), {}, START))


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.time = float(START)

    def now(self) -> float:
        return self.time


class Ledger:
    """Enters each entry once. ``trouble`` of the next calls: ``away``, or ``lost``: it enters and the answer is lost."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.statements: list[Statement] = []
        self.sent: list[bytes] = []
        self.trouble: list[str] = []
        self.sizes: list[int] = []

    def append(self, statements: Sequence[Statement]) -> list[EntryReceipt]:
        trouble = self.trouble.pop(0) if self.trouble else ""
        if trouble == "away":
            raise UnavailableError("The ledger is away.")
        self.sizes.append(len(statements))
        for statement in statements:
            entry = entry_bytes(statement)
            self.sent.append(entry)
            if entry not in self.entries:
                self.entries.append(entry)
                self.statements.append(statement)
        if trouble == "lost":
            raise UnavailableError("The answer was lost.")
        return [replace(RECEIPT, index=self.entries.index(entry_bytes(one))) for one in statements]

    def batches(self) -> list[AnsweredBatch]:
        return [
            batch
            for statement in self.statements
            if statement.payload_type == Batches.media_type()
            for batch in Batches.verified(statement, [MATCHER.public]).batches
        ]

    def counts(self) -> list[MatcherCounts]:
        return [
            MatcherCounts.verified(statement, [MATCHER.public])
            for statement in self.statements
            if statement.payload_type == MatcherCounts.media_type()
        ]


def clerk_of(database: Database, ledger: Ledger, clock: SetClock | None = None) -> Clerk:
    return Clerk(database, ledger, MATCHER, Bell(), Bell(), clock or SetClock(), 3600)


def offered(database: Database, after: int = 0) -> list[int]:
    """The answers that the owner can fetch."""
    sequences = [after]
    with database.read() as connection:
        while answer := answers_store.following(connection, "police", GRANTS, sequences[-1]):
            sequences.append(answer.sequence)
    return sequences[1:]
