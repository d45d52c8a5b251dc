"""Did they look at me? From an officer's tool through both custodians to the releases, over real TLS."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from blindplate.cli.demonstration.processes import command
from blindplate.cli.deployment import Plan
from blindplate.client.officer import OfficerSettings
from blindplate.client.subjects import find_releases
from blindplate.core.errors import IdentityError, PolicyError, QuotaError, UnavailableError
from blindplate.core.parties import Custodian
from blindplate.core.plates import canonicalize
from blindplate.core.pseudonyms import DomainKey, combine
from blindplate.core.statements.evaluations import EvaluationCounts
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.statuses import remote_errors
from blindplate.server.custodian import subjects
from blindplate.server.custodian.counts import CountEntries
from blindplate.server.custodian.storage import reading
from blindplate.server.custodian.subject_keys import SubjectKeys
from blindplate.server.custodian.subject_tags import SubjectTags
from blindplate.v1 import subjects_pb2 as v1
from blindplate.v1 import types_pb2
from blindplate.v1.subjects_pb2_grpc import SubjectAccessStub
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


def test_an_officer_types_it_and_reads_what_the_ledger_says_of_each(cases: tuple[Case, Case]) -> None:
    emissions, police = cases
    release(emissions, LISTED[0])
    release(police, LISTED[0])
    found = find_releases(overseer(police), SUBJECT, police.custodians.clock)
    shown = typed(police, SUBJECT.text)
    assert (
        shown.count("unpaid-charge, UK GDPR article 6(1)(e), by spiffe://blindplate/owner/owner-emissions")
        == 1
    )
    assert shown.count("murder, Data Protection Act 2018, by spiffe://blindplate/owner/owner-police") == 1
    for one in found:
        assert f"zone inner; entry {one.ledger_index} of the ledger" in shown
    assert "Releases of this vehicle: 2." in shown
    assert typed(police, STRANGER.text) == "Plate: Releases of this vehicle: 0.\n"


def typed(case: Case, plate: str, name: str = "officer-b-1", expected: int = 0) -> str:
    """What an officer sees of the command, in a process of its own."""
    words = command("audit", "subject", case.custodians.deployment.settings(name))
    done = subprocess.run(words, input=f"{plate}\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout


class TestOneCustodianAlone:
    """Neither finds anything by itself, with all that it holds and the plate besides."""

    @pytest.fixture
    def police(self, custodians: Custodians) -> Case:
        case = Case(custodians, "police", listed=LISTED)
        release(case, LISTED[0])
        return case

    def test_b_finds_nothing_without_the_evaluation_of_a(self, police: Case) -> None:
        own, others = (
            DomainKey.derive(read_secret(home / "pseudonyms.seed"), police.domain).evaluate(LISTED[0])
            for home in (police.custodians.deployment.home(f"custodian-{one}") for one in (B, A))
        )
        tags = SubjectTags(SubjectKeys(police.custodians.settings(B).data / "subject-keys", 365))
        with reading(police.custodians.running[B].engine) as connection:
            for guessed in (own, bytes(64), LISTED[0].ljust(64)):
                output = combine(guessed, own, police.domain)
                assert list(tags.search(connection, {police.domain: output})) == []
            # It is there to be found.
            assert list(tags.search(connection, {police.domain: combine(others, own, police.domain)}))

    def test_a_has_nothing_to_search(self, police: Case) -> None:
        output = v1.SubjectOutput(domain=wire(police), output=police.output(LISTED[0]))
        stub = SubjectAccessStub(police.custodians.channel(A, "officer-b-1"))
        with pytest.raises(PolicyError), remote_errors("custodian"):
            stub.Search(v1.SearchSubjectRequest(outputs=[output]), timeout=20)

    @pytest.mark.parametrize("away", Custodian)
    def test_the_officer_learns_nothing_while_one_is_away(self, police: Case, away: Custodian) -> None:
        settings = overseer(police)
        police.custodians.stop(away)
        with pytest.raises(UnavailableError):
            find_releases(settings, SUBJECT, police.custodians.clock)


@pytest.mark.parametrize("named_by", Custodian)
def test_an_officer_whom_one_custodian_alone_names(cases: tuple[Case, Case], named_by: Custodian) -> None:
    _, police = cases
    other = A if named_by is B else B
    file = police.custodians.deployment.settings(f"custodian-{other}")
    file.write_text(file.read_text().replace('"officer-b-1",', ""))
    assert "officer-b-1" not in police.custodians.settings(other).subject_officers
    assert "officer-b-1" in police.custodians.settings(named_by).subject_officers
    police.custodians.restart(other)
    with pytest.raises(IdentityError):
        find_releases(overseer(police), SUBJECT, police.custodians.clock)


@pytest.mark.parametrize("party", ["camera-1", "matcher", "owner-police", "custodian-a", "officer-a-1"])
@pytest.mark.parametrize("custodian", Custodian)
def test_a_certificate_that_is_not_for_it(custodians: Custodians, custodian: Custodian, party: str) -> None:
    police = Case(custodians, "police", listed=LISTED)
    stub = SubjectAccessStub(custodians.channel(custodian, party))
    output = v1.SubjectOutput(domain=wire(police), output=police.output(LISTED[0]))
    with pytest.raises(IdentityError), remote_errors("custodian"):
        stub.Search(v1.SearchSubjectRequest(outputs=[output]), timeout=20)
    asked = v1.EvaluateSubjectRequest(blinded=bytes(32), domains=[wire(police)])
    with pytest.raises(IdentityError), remote_errors("custodian"):
        stub.Evaluate(asked, timeout=20)


def wire(case: Case) -> types_pb2.Domain:
    domain = case.domain
    return types_pb2.Domain(list_id=domain.list_id, zone=domain.zone, generation=domain.generation)


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
        # At custodian B each plate is evaluated, and searched for.
        assert counts.subject_searches == (2 if custodian is A else 4)


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
