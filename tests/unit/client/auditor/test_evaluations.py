"""Every rule about evaluated pseudonyms, shown to fire; and what must not set it off."""

from __future__ import annotations

from typing import Any

import pytest

from blindplate.client.auditor.findings import Kind
from blindplate.core.parties import Custodian
from blindplate.core.statements.evaluations import EvaluationCounts, ZoneEvaluations
from blindplate.core.statements.policies import PseudonymMode
from tests.unit.client.auditor.ledgers import (
    BEGINS,
    CUSTODIANS,
    DAY,
    EMISSIONS,
    POLICE,
    Ledger,
    findings,
    grant,
    granted,
    noted,
    register,
    violated,
)

A, B = Custodian.A, Custodian.B


@pytest.mark.parametrize(
    ("grants", "cameras"), [({POLICE: 10}, {}), ({}, {("hotlist", "inner"): 10})], ids=["owner", "cameras"]
)
def test_evaluations_of_a_day_that_begins_after_the_grants_end_are_found(
    grants: dict[str, int], cameras: dict[tuple[str, str], int]
) -> None:
    ledger = Ledger.begun()
    ledger.end()
    ledger.now += 3600
    ledger.evaluations(grants=grants, cameras=cameras)
    assert violated(ledger) == set()
    ledger.now += DAY
    ledger.evaluations(day="2025-03-04", grants=grants, cameras=cameras)
    assert violated(ledger) == {Kind.EVALUATIONS_GRANT}


@pytest.mark.parametrize(
    ("grants", "cameras"), [({POLICE: 10}, {}), ({}, {("hotlist", "inner"): 10})], ids=["owner", "cameras"]
)
def test_evaluations_by_a_custodian_that_suspended_the_grant_all_day_are_found(
    grants: dict[str, int], cameras: dict[tuple[str, str], int]
) -> None:
    ledger = Ledger.begun()
    ledger.suspend(A)
    ledger.evaluations(A, grants=grants, cameras=cameras)
    ledger.now += DAY
    # The other custodian has suspended nothing.
    ledger.evaluations(B, day="2025-03-04", grants=grants, cameras=cameras)
    assert violated(ledger) == set()
    ledger.evaluations(A, day="2025-03-04", grants=grants, cameras=cameras)
    assert violated(ledger) == {Kind.EVALUATIONS_GRANT}


def test_evaluations_of_the_day_on_which_a_suspension_is_lifted_are_green() -> None:
    ledger = Ledger.begun()
    ledger.suspend(A)
    ledger.now += DAY
    ledger.suspend(A, suspended=False)
    ledger.evaluations(A, day="2025-03-04", grants={POLICE: 10})
    assert violated(ledger) == set()


@pytest.mark.parametrize(("custodian", "allowed"), [(A, 50), (B, 100)])
def test_more_questions_on_keepers_behalf_than_a_custodian_takes_are_found(
    custodian: Custodian, allowed: int
) -> None:
    ledger = Ledger.begun()
    ledger.evaluations(custodian, searches=allowed)
    assert violated(ledger) == set()
    ledger.evaluations(custodian, searches=allowed + 1)
    assert violated(ledger) == {Kind.SEARCHES}


def test_keys_for_cameras_are_green_up_to_their_bound_under_a_policy_of_local_mode() -> None:
    ledger = Ledger.begun()
    ledger.policy()
    ledger.evaluations(keys={("hotlist", "inner"): 100})
    assert violated(ledger) == set()
    ledger.evaluations(keys={("hotlist", "inner"): 101})
    assert violated(ledger) == {Kind.LOCAL_KEYS}


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": PseudonymMode.OBLIVIOUS},
        {"zone": "outer"},
        {"not_after": BEGINS},
        {"not_before": BEGINS + DAY},
        {"lists": ()},
    ],
)
def test_keys_for_cameras_under_no_policy_of_local_mode_are_found(changes: dict[str, Any]) -> None:
    ledger = Ledger.begun()
    ledger.policy(**changes)
    ledger.evaluations(keys={("hotlist", "inner"): 1})
    assert violated(ledger) == {Kind.LOCAL_KEYS}


@pytest.mark.parametrize(
    ("a", "b", "apart"), [(5000, 0, True), (900, 0, False), (5000, 2600, False), (2000, 5000, True)]
)
def test_custodians_whose_counts_of_a_day_are_far_apart_are_noted(a: int, b: int, apart: bool) -> None:
    ledger = Ledger.begun()
    ledger.evaluations(A, grants={POLICE: a})
    ledger.evaluations(B, grants={POLICE: b})
    # The day is under way.
    assert findings(ledger) == []
    ledger.now += 3 * DAY
    ledger.counts()
    assert (violated(ledger), noted(ledger)) == (set(), {Kind.EVALUATIONS_APART} if apart else set())


def test_evaluations_within_the_grants_quotas_are_green() -> None:
    ledger = Ledger.begun()
    ledger.evaluations(
        grants={POLICE: 5000, EMISSIONS: 10}, cameras={("hotlist", "inner"): 48_000}, searches=1
    )
    ledger.evaluations(
        grants={POLICE: 5000, EMISSIONS: 20}, cameras={("hotlist", "inner"): 48_000}, searches=1
    )
    assert findings(ledger) == []


def test_more_evaluations_a_day_than_the_grant_allows_are_found() -> None:
    ledger = Ledger.begun()
    ledger.evaluations(grants={POLICE: 5001})
    assert violated(ledger) == {Kind.EVALUATIONS_DAY}


def test_more_evaluations_than_the_key_generations_allow_are_found() -> None:
    ledger = Ledger.begun()
    for number in range(4):
        ledger.evaluations(day=f"2025-03-0{number + 3}", grants={POLICE: 5000})
        ledger.now += DAY
    assert violated(ledger) == set()
    ledger.evaluations(day="2025-03-07", grants={POLICE: 1})
    assert violated(ledger) == {Kind.EVALUATIONS_GENERATION}
    # A new generation of one zone brings the quota anew.
    ledger.register(register("inner", 2))
    ledger.grant(grant(amendment=1, zones=(granted("inner", 2), granted("outer"))))
    ledger.evaluations(day="2025-03-07", grants={POLICE: 2})
    assert len([one for one in findings(ledger) if one.kind is Kind.EVALUATIONS_GENERATION]) == 1


def test_each_custodians_evaluations_are_counted_apart() -> None:
    ledger = Ledger.begun()
    for custodian in Custodian:
        ledger.evaluations(custodian, grants={POLICE: 5000})
    assert findings(ledger) == []


@pytest.mark.parametrize(
    ("day", "grants", "cameras"),
    [
        ("2025-03-03", {"unknown": 1}, {}),
        ("2025-03-03", {}, {("hotlist", "elsewhere"): 1}),
        ("2025-03-03", {}, {("another", "inner"): 1}),
        ("2025-01-03", {POLICE: 1}, {}),
    ],
)
def test_evaluations_under_no_grant_of_the_day_are_found(
    day: str, grants: dict[str, int], cameras: dict[tuple[str, str], int]
) -> None:
    ledger = Ledger.begun()
    ledger.evaluations(day=day, grants=grants, cameras=cameras)
    assert Kind.EVALUATIONS_GRANT in violated(ledger)


def test_more_evaluations_than_a_zones_cameras_may_have_are_found() -> None:
    ledger = Ledger.begun()
    ledger.evaluations(cameras={("hotlist", "inner"): 48_001})
    assert violated(ledger) == {Kind.EVALUATIONS_CAMERAS}


def test_a_days_evaluations_that_decrease_are_found() -> None:
    ledger = Ledger.begun()
    ledger.evaluations(grants={POLICE: 10})
    ledger.evaluations(grants={POLICE: 9})
    assert violated(ledger) == {Kind.EVALUATIONS_DECREASE}


@pytest.mark.parametrize("day", ["2025-02-30", "2025-03-09"])
def test_evaluations_of_no_day_or_one_to_come_are_found(day: str) -> None:
    ledger = Ledger.begun()
    ledger.evaluations(day=day)
    assert Kind.EVALUATIONS_DECREASE in violated(ledger)


def evaluation_parts(ledger: Ledger, extra: int = 0) -> tuple[EvaluationCounts, ...]:
    zones = [("hotlist", "inner", 5), *((f"list-{number:03}", "inner", 0) for number in range(450))]
    return EvaluationCounts(
        custodian=A,
        day="2025-03-03",
        grants=(),
        zones=tuple(
            ZoneEvaluations(list_id=list_id, zone=zone, evaluated=count and count + extra, local_keys=0)
            for list_id, zone, count in zones
        ),
        subject_searches=0,
        made_at=ledger.now,
    ).split()


def test_evaluations_in_several_entries_are_judged_as_one() -> None:
    ledger = Ledger.begun()
    for extra in (0, 1):
        # The other custodian's may stand between them.
        for part in evaluation_parts(ledger, extra):
            ledger.enter(part, CUSTODIANS[A])
            ledger.evaluations(B)
    assert findings(ledger) == []
    for part in evaluation_parts(ledger, 0):
        ledger.enter(part, CUSTODIANS[A])
    assert violated(ledger) == {Kind.EVALUATIONS_DECREASE}


def test_a_part_of_the_evaluations_that_is_missing_is_found() -> None:
    ledger = Ledger.begun()
    for part in (*evaluation_parts(ledger)[:3], *evaluation_parts(ledger)):
        ledger.enter(part, CUSTODIANS[A])
    assert violated(ledger) == {Kind.EVALUATIONS_DECREASE}
