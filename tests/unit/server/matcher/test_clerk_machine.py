"""The clerk as a whole: whatever fails, and whenever the process dies, each batch is entered once and before it is offered."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from blindplate.core.errors import UnavailableError
from blindplate.server.matcher import counts_store
from blindplate.server.matcher.storage import Database
from tests.unit.server.matcher.conftest import segment
from tests.unit.server.matcher.entering import Ledger, SetClock, clerk_of, offered
from tests.unit.server.matcher.stores import NOW, acknowledge, add, put_batches, stored


class AnswersAreEnteredOnce(RuleBasedStateMachine):
    """Whatever fails and whenever the process dies, each batch is entered once, in order, and before it is offered."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "matcher.db"
        self.database = Database(self.path)
        self.database.write(lambda connection: counts_store.begin(connection, NOW))
        self.base = segment()
        add(self.database, self.base)
        self.ledger, self.clock = Ledger(), SetClock()
        self.clerk = clerk_of(self.database, self.ledger, self.clock)
        self.unacknowledged: list[int] = []

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    @rule(number=st.integers(1, 3))
    def answer(self, number: int) -> None:
        self.unacknowledged += [stored(self.database, self.base, []) for _ in range(number)]

    @rule(trouble=st.sampled_from(["", "away", "lost"]), seconds=st.integers(0, 1800))
    def enter(self, trouble: str, seconds: int) -> None:
        self.clock.time += seconds
        self.ledger.trouble = [trouble]
        try:
            self.clerk.step()
        except UnavailableError:
            assert trouble
        else:
            assert offered(self.database) == self.unacknowledged

    @rule()
    def die_after_signing(self) -> None:
        put_batches(self.database)
        self.restart()

    @rule()
    def restart(self) -> None:
        self.database.close()
        self.database = Database(self.path)
        self.clerk = clerk_of(self.database, self.ledger, self.clock)

    @rule()
    def acknowledge(self) -> None:
        for sequence in offered(self.database)[:1]:
            acknowledge(self.database, sequence)
            self.unacknowledged.remove(sequence)

    @invariant()
    def each_batch_is_entered_once_in_order(self) -> None:
        entered = [batch.sequence for batch in self.ledger.batches()]
        assert entered == list(range(1, len(entered) + 1))

    @invariant()
    def what_is_offered_was_entered(self) -> None:
        assert set(offered(self.database)) <= {batch.sequence for batch in self.ledger.batches()}


TestAnswersAreEnteredOnce = AnswersAreEnteredOnce.TestCase
TestAnswersAreEnteredOnce.settings = settings(max_examples=10, stateful_step_count=20, deadline=None)
