"""A desk under every order of requests, words, receipts and days: what leaves was allowed to, and is in the ledger."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from blindplate.core.errors import ExpiredError, PolicyError, QuotaError, UnwitnessedError
from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement
from blindplate.core.statements.grants import ReleaseMode, ReleasePolicy, StandingAuthorisation
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.releases import Verdict
from blindplate.server.custodian.storage import open_database, reading

from .desk import LISTED, STRANGER, Desk
from .statements import OWNER

QUOTA, STANDING_QUOTA, OFFICERS = 4, 1, 2
POLICY = ReleasePolicy(
    mode=ReleaseMode.STANDING,
    daily_quota=QUOTA,
    officers=OFFICERS,
    emergency=True,
    standing=StandingAuthorisation(purposes=(Purpose.TERRORISM,), daily_quota=STANDING_QUOTA),
)


@dataclass
class Asked:
    """What was asked, as this test knows it."""

    statement: Statement
    listed: bool
    alternate: bool
    emergency: bool
    purpose: Purpose
    witnessed: bool = False
    taken_in: bool = False


class DeskLife(RuleBasedStateMachine):
    """Keeps its own book of what was asked and said, and holds the custodian to it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        self.engine = open_database(folder / "state" / "custodian.sqlite")
        self.desk = Desk(folder, self.engine, Custodian.B, {"release": POLICY})
        self.desk.receipts()
        self.asked: list[Asked] = []
        self.said: dict[bytes, set[str]] = {}
        self.entered = 0

    def teardown(self) -> None:
        self.engine.dispose()
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        self.sealed = {
            (plate, alternate): self.desk.sealed(plate, alternate=alternate)
            for plate in (LISTED, STRANGER)
            for alternate in (False, True)
        }

    @rule(
        listed=st.booleans(),
        alternate=st.booleans(),
        emergency=st.booleans(),
        purpose=st.sampled_from([Purpose.TERRORISM, Purpose.MURDER]),
        witnessed=st.booleans(),
    )
    def ask(self, listed: bool, alternate: bool, emergency: bool, purpose: Purpose, witnessed: bool) -> None:
        sealed = self.sealed[LISTED if listed else STRANGER, alternate]
        ends = int(self.desk.clock.now()) + 2 * 86_400
        statement = self.desk.signed(
            self.desk.request(sealed, emergency=emergency, purpose=purpose, expires_at=ends)
        )
        one = Asked(statement, listed, alternate, emergency, purpose)
        self.asked.append(one)
        if witnessed:
            self.desk.enter(sealed, statement)
            one.witnessed = True
        self._submit(one)

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        self._submit(data.draw(st.sampled_from(self.asked)))

    @precondition(lambda self: any(one.taken_in for one in self.asked))
    @rule(data=st.data(), officer=st.sampled_from(["anna", "ben"]), denies=st.booleans())
    def say(self, data: st.DataObject, officer: str, denies: bool) -> None:
        one = data.draw(st.sampled_from([one for one in self.asked if one.taken_in]))
        request_id = one.statement.statement_id
        try:
            self.desk.say(officer, request_id, Verdict.DENIED if denies else Verdict.APPROVED)
        except (PolicyError, ExpiredError):
            return
        except QuotaError:
            # The word counts for nothing: it may be said again on another day.
            return
        except UnwitnessedError:
            assert not self.desk.book.fresh
            return
        if not denies:
            self.said.setdefault(request_id, set()).add(officer)

    @rule()
    def take_in_the_ledger(self) -> None:
        self.desk.receipts()
        self.entered = len(self.desk.entries())

    @rule(fresh=st.booleans())
    def witness(self, fresh: bool) -> None:
        self.desk.book.fresh = fresh

    @rule()
    def sleep(self) -> None:
        self.desk.clock.moment += 86_400

    @invariant()
    def what_is_handed_out_was_allowed_to_leave(self) -> None:
        decisions = {entry.request_id: entry for entry in self.desk.entries()}
        for one in self.asked:
            if not one.taken_in:
                continue
            request_id = one.statement.statement_id
            standing = self.desk.submissions.standing(request_id, OWNER)
            if standing.sealed_reply is None:
                assert standing.state != "approved"
                continue
            entry = decisions[request_id]
            assert one.witnessed
            assert one.listed
            assert entry.subject_tag is not None
            assert entry.sequence < self.entered
            approved = len(self.said.get(request_id, ())) >= OFFICERS
            if entry.emergency:
                assert one.emergency
                assert not one.alternate
            elif entry.automatic:
                assert (one.purpose, one.alternate) == (Purpose.TERRORISM, False)
            else:
                assert approved

    @invariant()
    def quotas_hold_and_the_record_does(self) -> None:
        days: dict[int, int] = {}
        standing: dict[int, int] = {}
        for entry in self.desk.entries():
            if entry.verdict != "approved":
                continue
            day = entry.decided_at // 86_400
            days[day] = days.get(day, 0) + 1
            standing[day] = standing.get(day, 0) + (entry.automatic and not entry.emergency)
        assert all(count <= QUOTA for count in days.values())
        assert all(count <= STANDING_QUOTA for count in standing.values())
        with reading(self.engine) as connection:
            assert self.desk.docket.record.verify(connection) == len(self.desk.entries())

    def _submit(self, one: Asked) -> None:
        try:
            self.desk.submit(one.statement)
        except UnwitnessedError:
            assert not one.taken_in
            assert not one.witnessed or not self.desk.book.fresh
            return
        one.taken_in = True


TestDeskLife = DeskLife.TestCase
TestDeskLife.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
