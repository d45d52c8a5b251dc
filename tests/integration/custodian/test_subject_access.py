"""Did they look at me? From an officer's tool through both custodians to the releases, over real TLS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blindplate.cli.deployment import Plan
from blindplate.client.officer import OfficerSettings
from blindplate.client.subjects import find_releases
from blindplate.core.errors import IdentityError, QuotaError
from blindplate.core.parties import Custodian
from blindplate.core.plates import canonicalize
from blindplate.core.statements.evaluations import EvaluationCounts
from blindplate.server.custodian import subjects
from blindplate.server.custodian.counts import CountEntries
from blindplate.server.custodian.storage import reading
from tests.integration.ledger_site import party_key

from .conftest import Custodians
from .requesting import Case, officer

A, B = Custodian
SUBJECT, OTHER, STRANGER = (canonicalize(text, "GB") for text in ("AB12 CDE", "XY34 ZZZ", "LM56 NOP"))
LISTED = (SUBJECT.encode(), OTHER.encode())


@pytest.fixture
def plan(plan: Plan) -> Plan:
    """Emergencies may skip officers, who have no part in this."""
    return replace(plan, lists=tuple(replace(entry, emergency=True) for entry in plan.lists))


@pytest.fixture
def cases(custodians: Custodians) -> tuple[Case, Case]:
    """The same vehicles on both lists."""
    return Case(custodians, "emissions", listed=LISTED), Case(custodians, "police", listed=LISTED)


def overseer(case: Case, custodian: Custodian = B, name: str = "1") -> OfficerSettings:
    addresses = {f"custodian_{one}": case.custodians.address(one) for one in Custodian}
    return officer(case, custodian, name).model_copy(update=addresses)


def release(case: Case, plate: bytes) -> bytes:
    """Have a read of a listed vehicle released by both; the request's id."""
    statement = case.asked(case.sealed(plate=plate), emergency=case.list_id == "police")
    for custodian in Custodian:
        case.released(custodian, statement)
    return statement.statement_id


def test_a_keeper_is_told_of_every_release_and_of_no_other_vehicles(cases: tuple[Case, Case]) -> None:
    emissions, police = cases
    mine = [release(emissions, LISTED[0]), release(police, LISTED[0])]
    theirs = release(police, LISTED[1])
    settings, clock = overseer(police), police.custodians.clock
    found = find_releases(settings, SUBJECT, clock)
    assert [one.entry.request_id for one in found] == mine
    assert [(one.entry.list_id, one.entry.grant_id, one.entry.zone) for one in found] == [
        ("emissions", "emissions-1", "inner"),
        ("police", "police-1", "inner"),
    ]
    assert [one.entry.purpose for one in found] == ["unpaid-charge", "murder"]
    assert [one.entry.request_id for one in find_releases(settings, OTHER, clock)] == [theirs]
    assert find_releases(settings, STRANGER, clock) == []


def test_the_public_sees_how_often_it_was_asked(cases: tuple[Case, Case]) -> None:
    _, police = cases
    clock = police.custodians.clock
    for _ in range(2):
        find_releases(overseer(police), STRANGER, clock)
    for custodian in Custodian:
        running = police.custodians.running[custodian]
        signer = party_key(police.custodians.deployment, f"custodian-{custodian}")
        entries = CountEntries(custodian, signer, running.engine, 1)
        with reading(running.engine) as connection:
            counts: EvaluationCounts = entries._counts(
                connection, int(clock.now()) // 86_400, int(clock.now())
            )
        assert counts.subject_searches == 2


@pytest.mark.parametrize(("custodian", "name"), [(A, "1"), (A, "2")])
def test_an_officer_nobody_named_for_it(cases: tuple[Case, Case], custodian: Custodian, name: str) -> None:
    _, police = cases
    assert f"officer-{custodian}-{name}" not in police.custodians.settings(B).subject_officers
    with pytest.raises(IdentityError):
        find_releases(overseer(police, custodian, name), SUBJECT, police.custodians.clock)


def test_no_more_than_the_days_quota(cases: tuple[Case, Case], monkeypatch: pytest.MonkeyPatch) -> None:
    _, police = cases
    monkeypatch.setattr(subjects, "SUBJECTS_PER_DAY", 1)
    find_releases(overseer(police), STRANGER, police.custodians.clock)
    police.custodians.restart(B)
    with pytest.raises(QuotaError):
        find_releases(overseer(police), STRANGER, police.custodians.clock)
