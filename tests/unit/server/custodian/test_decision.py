"""The state machine of a release request, against every order of words and times."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from blindplate.core.errors import ExpiredError, PolicyError
from blindplate.core.statements.grants import ReleaseMode, ReleasePolicy, StandingAuthorisation
from blindplate.core.statements.priorities import Priority
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.releases import Verdict
from blindplate.server.custodian.decision import (
    Case,
    State,
    Terms,
    Way,
    lapsed,
    opened,
    refused,
    terms_of,
    unexamined,
    voted,
)

OFFICERS = st.sampled_from(["anna", "ben", "cem", "dora"])
END = 100


def terms(needed: int) -> Terms:
    return Terms(Way.OFFICERS, needed, END)


class ReleaseRequestLife(RuleBasedStateMachine):
    """Keeps its own simple book of what was said, and holds the case to it."""

    @initialize(needed=st.integers(0, 3))
    def open(self, needed: int) -> None:
        self.needed = needed
        self.now = 0
        self.case = opened(terms(needed))
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


POLICIES = st.builds(
    lambda mode, officers, emergency, quota: ReleasePolicy(
        mode=mode,
        daily_quota=1,
        officers=officers,
        emergency=emergency,
        standing=StandingAuthorisation(
            purposes=(Purpose.MURDER,), daily_quota=quota, priorities=(Priority.HIGH, Priority.LOW)
        )
        if mode is ReleaseMode.STANDING
        else None,
    ),
    st.sampled_from(ReleaseMode),
    st.integers(1, 5),
    st.booleans(),
    st.integers(0, 3),
)


@given(
    policy=POLICIES,
    purpose=st.sampled_from([Purpose.MURDER, Purpose.ROAD_SAFETY]),
    priority=st.sampled_from(Priority),
    doubted=st.booleans(),
    emergency=st.booleans(),
    left=st.integers(0, 2),
)
def test_officers_are_spared_by_nothing_but_the_grants_own_words(
    policy: ReleasePolicy, purpose: Purpose, priority: Priority, doubted: bool, emergency: bool, left: int
) -> None:
    found = terms_of(
        policy,
        purpose,
        priority,
        doubted=doubted,
        emergency=emergency,
        standing_left=left,
        expires_at=END,
    )
    automatic = policy.mode is ReleaseMode.AUTOMATIC
    covered = purpose is Purpose.MURDER and priority in (Priority.HIGH, Priority.LOW)
    standing = policy.mode is ReleaseMode.STANDING and covered and left > 0
    overridden = emergency and policy.emergency
    if doubted or not (automatic or standing or overridden):
        assert (found.way, found.officers_needed) == (Way.OFFICERS, policy.officers)
        assert opened(found).state is State.PENDING
        return
    assert found.officers_needed == 0
    case = opened(found)
    assert (case.state, case.automatic) == (State.APPROVED, True)
    # An emergency is flagged where it was needed, and nowhere else.
    assert case.emergency == (overridden and not automatic and not standing)


def test_nothing_is_approved_under_terms_nobody_looked_up() -> None:
    case = opened(unexamined(END))
    for number in range(20):
        case = voted(case, f"officer {number}", Verdict.APPROVED, 1)
    assert case.state is State.PENDING


@pytest.mark.parametrize("verdict", [Verdict.APPROVED, Verdict.DENIED])
def test_what_an_officer_decided_is_neither_automatic_nor_an_emergency(verdict: Verdict) -> None:
    case = voted(opened(terms(1)), "anna", verdict, 1)
    assert (case.automatic, case.emergency) == (False, False)


def test_an_officers_own_approval_can_turn_into_a_denial() -> None:
    case = voted(opened(terms(2)), "anna", Verdict.APPROVED, 1)
    case = voted(case, "anna", Verdict.DENIED, 2)
    assert (case.state, case.officers) == (State.DENIED, ("anna",))


def test_a_denial_cannot_turn_into_an_approval() -> None:
    case = voted(opened(terms(1)), "anna", Verdict.DENIED, 1)
    with pytest.raises(PolicyError):
        voted(case, "anna", Verdict.APPROVED, 2)


def test_a_word_at_the_very_end_is_late() -> None:
    case = opened(terms(1))
    assert voted(case, "anna", Verdict.APPROVED, END - 1).state is State.APPROVED
    with pytest.raises(ExpiredError):
        voted(case, "anna", Verdict.APPROVED, END)


def test_one_officer_twice_is_one_officer() -> None:
    case = opened(terms(2))
    for moment in (1, 2, 3):
        case = voted(case, "anna", Verdict.APPROVED, moment)
    assert case == Case(terms(2), State.PENDING, ("anna",))
