"""What becomes of a request over time: asked again, restarts, expiry, the end of its release key, the day's quota."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from blindplate.cli.deployment import Plan
from blindplate.client.officer import decide, decisions, pending
from blindplate.core.errors import ExpiredError, GoneError, MessageError, NotFoundError, QuotaError
from blindplate.core.parties import Custodian
from blindplate.core.statements.releases import Verdict
from blindplate.server.custodian.authentic import MAX_STATEMENT_BYTES
from blindplate.v1 import release_pb2 as v1
from tests.integration.ledger_site import party_key

from .conftest import Custodians
from .requesting import PLATE, Case, officer

A = Custodian.A


@pytest.fixture
def emissions(custodians: Custodians) -> Case:
    return Case(custodians, "emissions")


@pytest.fixture
def police(custodians: Custodians) -> Case:
    return Case(custodians, "police")


def test_the_same_bytes_get_the_same_answer_also_after_a_restart(emissions: Case) -> None:
    statement = emissions.asked(emissions.sealed())
    first = emissions.released(A, statement)
    assert emissions.submit(A, statement) == first
    emissions.custodians.restart(A)
    assert emissions.submit(A, statement) == first
    assert emissions.check(A, statement) == first
    assert len(decisions(officer(emissions, A))) == 1


def test_the_same_bytes_at_once_make_one_decision(emissions: Case) -> None:
    statement = emissions.asked(emissions.sealed())
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: emissions.submit(A, statement), range(8)))
    emissions.approved(A, statement)
    assert len(decisions(officer(emissions, A))) == 1


def test_a_request_waits_over_a_restart(police: Case) -> None:
    statement = police.asked(police.sealed())
    police.submit(A, statement)
    police.custodians.restart(A)
    assert decide(officer(police, A), statement.statement_id, Verdict.APPROVED, "Warrant seen.")
    assert police.approved(A, statement).sealed_share


def test_another_owner_learns_nothing_of_a_request(emissions: Case) -> None:
    statement = emissions.asked(emissions.sealed())
    emissions.submit(A, statement)
    with pytest.raises(NotFoundError):
        emissions.check(A, statement, party="owner-police")
    with pytest.raises(NotFoundError):
        emissions.submit(A, statement, party="owner-police")


def test_a_padded_request_is_refused_unrecorded(police: Case) -> None:
    statement = police.request(police.sealed()).statement()
    key = party_key(police.custodians.deployment, police.owner)
    # Spaces between fields change nothing of what it says, but all of it is kept for ever.
    padded = replace(statement, payload=statement.payload.ljust(MAX_STATEMENT_BYTES + 1)).signed_by(key)
    police.enter(padded)
    with pytest.raises(MessageError, match="longer"):
        police.submit(A, padded)
    assert pending(officer(police, A)) == []
    longest = replace(statement, payload=statement.payload.ljust(MAX_STATEMENT_BYTES)).signed_by(key)
    police.enter(longest)
    police.submit(A, longest)
    assert len(pending(officer(police, A))) == 1


def test_expires_undecided(police: Case) -> None:
    statement = police.asked(police.sealed())
    police.submit(A, statement)
    clock = police.custodians.clock
    clock.offset += 3601
    status = police.check(A, statement)
    assert status.state == v1.RELEASE_STATE_EXPIRED
    assert police.decision(A, status).verdict == "expired"
    with pytest.raises(ExpiredError):
        decide(officer(police, A), statement.statement_id, Verdict.APPROVED, "Late.", clock)
    assert pending(officer(police, A)) == []


def test_the_answer_is_erased_with_the_release_key(emissions: Case) -> None:
    statement = emissions.asked(emissions.sealed())
    late = emissions.asked(emissions.sealed())
    sealed_share = emissions.released(A, statement).sealed_share
    folder = emissions.custodians.settings(A).data
    seeds = {file.read_bytes() for file in folder.glob("release-keys/*.seed")}

    # The key in force a day, the longest window four.
    emissions.custodians.clock.offset += 6 * 86_400 + 3600
    for custodian in Custodian:
        emissions.custodians.restart(custodian)
    with pytest.raises(GoneError):
        emissions.check(A, statement)
    # Something new, so that the ledger's checkpoint is of today.
    emissions.enter(emissions.signed(emissions.request(emissions.sealed())))
    assert emissions.decision(A, emissions.submit(A, late)).code == "expired"
    data = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    assert sealed_share not in data
    assert not any(seed in data for seed in seeds)


def test_nothing_at_a_custodian_gives_plate_pseudonym_or_share(emissions: Case) -> None:
    sealed = emissions.sealed()
    statement = emissions.asked(sealed)
    reply = emissions.reply(A, statement, emissions.released(A, statement))
    folder = emissions.custodians.settings(A).data
    data = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    # A canary of the same kind is found: its absence elsewhere means something.
    assert statement.statement_id in data
    member = emissions.output()
    for secret in (PLATE, b"AB12CDE", sealed.pseudonym, sealed.match_secret, reply.share, reply.n_y, member):
        for form in (secret, secret.hex().encode(), base64.b64encode(secret)):
            assert form not in data


class TestQuota:
    """Three releases a day."""

    @pytest.fixture
    def plan(self, plan: Plan) -> Plan:
        return replace(plan, lists=tuple(replace(entry, daily_releases=3) for entry in plan.lists))

    def test_automatic_releases_a_day_over_a_restart(self, emissions: Case) -> None:
        sealed = emissions.sealed()
        for _ in range(3):
            emissions.released(A, emissions.asked(sealed))
        emissions.custodians.restart(A)
        refused = emissions.asked(sealed)
        assert emissions.refusal(refused) == "quota"
        # The refusal stays what it was; a new request on the next day is another matter.
        emissions.custodians.clock.offset += 86_400
        assert emissions.refusal(refused) == "quota"
        emissions.released(A, emissions.asked(sealed))

    def test_no_more_wait_than_may_be_released(self, police: Case) -> None:
        sealed = police.sealed()
        statements = [police.signed(police.request(sealed)) for _ in range(4)]
        police.enter(*statements)
        for statement in statements[:3]:
            assert police.submit(A, statement).state == v1.RELEASE_STATE_PENDING
        assert police.refusal(statements[3]) == "quota"

    def test_an_approval_beyond_the_quota_waits_for_another_day(self, emissions: Case) -> None:
        clock = emissions.custodians.clock
        # A request that outlives the day; the automatic ones use the day up while it waits.
        ends = int(clock.now()) + 3 * 86_400
        waits = emissions.asked(emissions.sealed(alternate=True), expires_at=ends)
        assert emissions.submit(A, waits).state == v1.RELEASE_STATE_PENDING
        sealed = emissions.sealed()
        for _ in range(3):
            emissions.released(A, emissions.asked(sealed))
        with pytest.raises(QuotaError):
            decide(officer(emissions, A), waits.statement_id, Verdict.APPROVED, "Compared by eye.", clock)
        assert emissions.check(A, waits).state == v1.RELEASE_STATE_PENDING
        clock.offset += 86_400
        # Something new, so that the ledger's checkpoint is of today.
        emissions.asked(sealed)
        assert decide(officer(emissions, A), waits.statement_id, Verdict.APPROVED, "Compared.", clock)
        assert emissions.approved(A, waits).sealed_share
