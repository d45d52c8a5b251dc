"""The state machine of a release request, against every order of words and times."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from blindplate.core.errors import ExpiredError, PolicyError
from blindplate.core.statements.grants import ReleaseMode, ReleasePolicy, StandingAuthorisation
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.releases import Verdict
from blindplate.server.custodian.decision import (
    Case,
    State,
    Terms,
    lapsed,
    opened,
    refused,
    terms_of,
    voted,
)

OFFICERS = st.sampled_from(["anna", "ben", "cem", "dora"])
END = 100


class ReleaseRequestLife(RuleBasedStateMachine):
    """Keeps its own simple book of what was said, and holds the case to it."""

    @initialize(needed=st.integers(0, 3))
    def open(self, needed: int) -> None:
        self.needed = needed
        self.now = 0
        self.case = opened(Terms(needed, END))
        self.approvals: list[str] = []
        self.history = [self.case.state]

    @rule(seconds=st.integers(0, 60))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(officer=OFFICERS)
    def approve(self, officer: str) -> None:
        self._vote(officer, Verdict.APPROVED)

    @rule(officer=OFFICERS)
    def deny(self, officer: str) -> None:
        self._vote(officer, Verdict.DENIED)

    @rule()
    def lapse(self) -> None:
        before = self.case
        self.case = lapsed(self.case, self.now)
        if before.state.final or self.now < END:
            assert self.case == before
        else:
            assert self.case.state is State.EXPIRED
        self.history.append(self.case.state)

    @rule()
    def fail_a_check(self) -> None:
        if self.case.state.final:
            with pytest.raises(PolicyError):
                refused(self.case)
        else:
            self.case = refused(self.case)
            assert self.case.state is State.DENIED
        self.history.append(self.case.state)

    @invariant()
    def final_states_are_final(self) -> None:
        finals = [state for state in self.history if state.final]
        assert len(set(finals)) <= 1
        if finals:
            assert self.history[-1] is finals[0]

    @invariant()
    def approved_only_with_enough_distinct_officers(self) -> None:
        if self.case.state is State.APPROVED:
            assert len(set(self.approvals)) == self.needed
            assert self.case.denied_by is None
        assert len(set(self.case.officers)) == len(self.case.officers)

    def _vote(self, officer: str, verdict: Verdict) -> None:
        before = self.case
        try:
            self.case = voted(before, officer, verdict, self.now)
        except ExpiredError:
            assert before.state is State.EXPIRED or (before.state is State.PENDING and self.now >= END)
            return
        except PolicyError:
            assert before.state in {State.APPROVED, State.DENIED}
            return
        self.history.append(self.case.state)
        if self.case == before:
            assert officer in before.officers
            return
        assert before.state is State.PENDING
        assert self.now < END
        if verdict is Verdict.DENIED:
            assert self.case.state is State.DENIED
            assert self.case.denied_by == officer
        else:
            self.approvals.append(officer)
            assert (self.case.state is State.APPROVED) == (len(self.approvals) == self.needed)


TestReleaseRequestLife = ReleaseRequestLife.TestCase
TestReleaseRequestLife.settings = settings(max_examples=100, stateful_step_count=20)


@given(
    mode=st.sampled_from(ReleaseMode),
    officers=st.integers(0, 5),
    alternate=st.booleans(),
)
def test_only_an_automatic_policy_without_alternate_needs_no_officer(
    mode: ReleaseMode, officers: int, alternate: bool
) -> None:
    # A standing authorisation waives no officer yet: what it is for is not looked at here.
    standing = StandingAuthorisation(purposes=(Purpose.MURDER,), daily_quota=1)
    policy = ReleasePolicy(
        mode=mode,
        daily_quota=1,
        officers=officers,
        standing=standing if mode is ReleaseMode.STANDING else None,
    )
    needed = terms_of(policy, alternate=alternate, expires_at=END).officers_needed
    if mode is ReleaseMode.AUTOMATIC and not alternate:
        assert needed == 0
    else:
        assert needed == max(officers, 1)


def test_an_officers_own_approval_can_turn_into_a_denial() -> None:
    case = voted(opened(Terms(2, END)), "anna", Verdict.APPROVED, 1)
    case = voted(case, "anna", Verdict.DENIED, 2)
    assert (case.state, case.officers) == (State.DENIED, ("anna",))


def test_a_denial_cannot_turn_into_an_approval() -> None:
    case = voted(opened(Terms(1, END)), "anna", Verdict.DENIED, 1)
    with pytest.raises(PolicyError):
        voted(case, "anna", Verdict.APPROVED, 2)


def test_a_word_at_the_very_end_is_late() -> None:
    case = opened(Terms(1, END))
    assert voted(case, "anna", Verdict.APPROVED, END - 1).state is State.APPROVED
    with pytest.raises(ExpiredError):
        voted(case, "anna", Verdict.APPROVED, END)


def test_one_officer_twice_is_one_officer() -> None:
    case = opened(Terms(2, END))
    for moment in (1, 2, 3):
        case = voted(case, "anna", Verdict.APPROVED, moment)
    assert case == Case(Terms(2, END), State.PENDING, ("anna",))
