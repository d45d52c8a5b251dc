"""G4 at the desk: requests replayed, borrowed, forged and made too often, at both real custodians over gRPC.

All are entered in the ledger as the honest one is, and all vehicles are listed: what is attacked here is the desk. What
each check stands in front of is shown beside it: the custodian's key gives the share to whoever gets past.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from blindplate.core.errors import GrantError, IdentityError, SignatureError
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.parties import Custodian
from blindplate.core.records.commitments import match_proof
from blindplate.core.signing import Statement
from blindplate.core.statements.releases import ReleaseRequest
from blindplate.edge.tls import spiffe_id
from blindplate.server.custodian.authentic import authenticate
from blindplate.server.custodian.checks import check
from blindplate.server.custodian.grants import current_permissions
from tests.adversary.asking import Desk
from tests.adversary.auditing import decided
from tests.adversary.conftest import marks
from tests.adversary.custody import release_key, share_of
from tests.adversary.reading import KnownRead, sealed_reads
from tests.integration.owner.world import World

A, B = Custodian
PLATES = marks(5)


@pytest.fixture(scope="module")
def desk(world: World) -> Desk:
    return Desk(world, listed=PLATES).commit()


@pytest.fixture(scope="module")
def reads(world: World, desk: Desk) -> list[KnownRead]:
    return sealed_reads(world, PLATES, list_id=desk.list_id)


def test_a_proof_of_another_record_or_a_made_up_one_is_refused(reads: list[KnownRead], desk: Desk) -> None:
    """An owner that matched one record asks for another, whose match secret it does not have."""
    mine, wanted = reads[:2]
    for proof in (
        match_proof(mine.s, mine.record.header.digest()),
        match_proof(mine.s, wanted.record.header.digest()),
        wanted.record.c_s,
        bytes(32),
    ):
        for custodian in Custodian:
            assert desk.refusal(custodian, desk.entered(wanted, match_proof=proof)) == "match-proof"
    # The defence removed: nothing else depends on having matched; the key gives what the proof would have given.
    honest = desk.reply(A, desk.entered(wanted))
    assert share_of(desk.world, wanted, A) == honest.share


def test_a_borrowed_request_gives_the_thief_nothing(
    reads: list[KnownRead], desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another owner hands in a request that it overheard: as it is, in its own name, with a reply key of its own."""
    thief, read = replace(desk, list_id="police", reply_seed=generate_seed()), reads[2]
    overheard = desk.entered(read)
    with pytest.raises(IdentityError):
        desk.submit(A, overheard, thief.owner)
    renamed = desk.request(read, requester=spiffe_id("owner", thief.owner))
    with pytest.raises(GrantError):
        thief.submit(A, thief.signed(renamed))
    key = OpeningKey.from_seed(thief.reply_seed).public
    redirected = desk.request(read, reply_key=key)
    for statement in (thief.signed(redirected), replace(overheard, payload=redirected.statement().payload)):
        with pytest.raises(SignatureError):
            desk.submit(A, statement)
    # The defence removed: without the owner's signature over every field, the share is sealed to the thief.
    monkeypatch.setattr(ReleaseRequest, "verified", _believed)
    custodian, now = desk.world.custodians[A], desk.world.clock.now()
    public = desk.world.settings().trust.custodian_a
    permissions = current_permissions(A, public, custodian.replica, custodian.engine)
    unsigned = redirected.statement()
    unchecked = authenticate(unsigned, desk.candidates(), redirected.requester, permissions)
    evidence = check(unchecked, permissions, lambda _: release_key(desk.world, read, A), A, now)
    assert evidence.reply_key.public == key


def test_a_replayed_request_opens_no_second_record(reads: list[KnownRead], desk: Desk) -> None:
    nonce = os.urandom(16)
    first = desk.entered(reads[3], nonce=nonce)
    answer = desk.reply(A, first)
    # Word for word it gets the same answer, which is of the same record.
    assert desk.reply(A, first) == answer
    again = desk.entered(reads[4], nonce=nonce)
    assert desk.refusal(A, again) == "replay"
    assert decided(desk.world, again.statement_id) == {A: "replay"}
    # The defence removed: only the nonce is in the way.
    assert desk.reply(A, desk.entered(reads[4])).share == share_of(desk.world, reads[4], A)


def test_no_more_records_are_asked_for_than_the_quota_allows(world: World) -> None:
    """Four a day for the police here: the fifth is refused, however many nonces and records the owner has."""
    police = Desk(world, "police", listed=PLATES).commit()
    read = sealed_reads(world, PLATES)
    outcomes = [police.submit(B, police.entered(one)) for one in read]
    assert [one.HasField("decision") for one in outcomes] == [False] * 4 + [True]
    beyond = police.entered(read[0])
    assert police.refusal(B, beyond) == "quota"
    assert decided(world, beyond.statement_id) == {B: "quota"}
    # The defence removed: the custodian's key alone knows no quota.
    assert len({share_of(world, one, B) for one in read}) == 5


def _believed(statement: Statement, _keys: object) -> ReleaseRequest:
    return ReleaseRequest.parsed(statement.payload)
