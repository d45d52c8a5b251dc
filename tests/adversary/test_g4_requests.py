"""G4 at the desk: requests replayed, borrowed, forged and made too often, at both real custodians over gRPC.

What each check stands in front of is shown beside it: the custodian's key gives the share to whoever gets past.
**Not defended yet:** that the pseudonym was on the list *before the capture* needs the ledger, which this version does
not have; the last test says what matcher and owner together can still do.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from blindplate.core.errors import GrantError, IdentityError, SignatureError
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.parties import Custodian
from blindplate.core.plates import CanonicalPlate
from blindplate.core.records.commitments import match_proof
from blindplate.core.records.opening import open_payload
from blindplate.edge.settings import load
from blindplate.edge.tls import spiffe_id
from blindplate.server.custodian.checks import Authentic, check
from blindplate.server.custodian.grants import PermissionFolders
from blindplate.server.custodian.settings import CustodianSettings
from tests.adversary.asking import Desk
from tests.adversary.conftest import marks
from tests.adversary.custody import release_key, share_of
from tests.adversary.reading import KnownRead, sealed_reads
from tests.integration.owner.world import World

A, B = Custodian
PLATES = marks(5)


@pytest.fixture(scope="module")
def reads(world: World) -> list[KnownRead]:
    return sealed_reads(world, PLATES, list_id="emissions")


@pytest.fixture(scope="module")
def desk(world: World) -> Desk:
    return Desk(world)


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
            request = desk.request(wanted, match_proof=proof)
            assert desk.refusal(custodian, desk.signed(request)) == "match-proof"
    # The defence removed: nothing else depends on having matched; the key gives what the proof would have given.
    honest = desk.reply(A, desk.signed(desk.request(wanted)))
    assert share_of(desk.world, wanted, A) == honest.share


def test_a_borrowed_request_gives_the_thief_nothing(reads: list[KnownRead], desk: Desk) -> None:
    """Another owner hands in a request that it overheard: as it is, in its own name, with a reply key of its own."""
    thief, read = replace(desk, list_id="police", reply_seed=generate_seed()), reads[2]
    overheard = desk.signed(desk.request(read))
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
    settings = load(CustodianSettings, desk.world.deployment.settings("custodian-a"))
    folders = PermissionFolders(
        settings.grants, settings.registers, settings.data / "suspended", settings.trust
    )
    permissions, unsigned = folders.current(), redirected.statement()
    unchecked = Authentic(unsigned.statement_id, unsigned, redirected, permissions.grant("emissions-1"))
    evidence = check(
        unchecked, permissions, lambda _: release_key(desk.world, read, A), A, desk.world.clock.now()
    )
    assert evidence.reply_key.public == key


def test_a_replayed_request_opens_no_second_record(reads: list[KnownRead], desk: Desk) -> None:
    first = desk.request(reads[3])
    answer = desk.reply(A, desk.signed(first))
    # Word for word it gets the same answer, which is of the same record.
    assert desk.reply(A, desk.signed(first)) == answer
    assert desk.refusal(A, desk.signed(desk.request(reads[4], nonce=first.nonce))) == "replay"
    # The defence removed: only the nonce is in the way.
    assert desk.reply(A, desk.signed(desk.request(reads[4]))).share == share_of(desk.world, reads[4], A)


def test_no_more_records_are_asked_for_than_the_quota_allows(world: World) -> None:
    """Four a day for the police here: the fifth is refused, however many nonces and records the owner has."""
    police, read = Desk(world, "police"), sealed_reads(world, PLATES)
    outcomes = [police.submit(B, police.signed(police.request(one))) for one in read]
    assert [one.HasField("decision") for one in outcomes] == [False] * 4 + [True]
    assert police.refusal(B, police.signed(police.request(read[0]))) == "quota"
    # The defence removed: the custodian's key alone knows no quota.
    assert len({share_of(world, one, B) for one in read}) == 5


def test_until_there_is_a_ledger_matcher_and_owner_together_release_what_was_never_listed(
    world: World, desk: Desk
) -> None:
    """A documented limit: a matcher that hands its owner a match secret needs no list. Membership will refuse this."""
    (read,) = sealed_reads(world, PLATES[:1], list_id="emissions")
    statement = desk.signed(desk.request(read))
    share_a, share_b = (desk.reply(custodian, statement).share for custodian in Custodian)
    payload = open_payload(read.record, share_a, share_b, read.s)
    assert CanonicalPlate.decode(payload.plate).text == PLATES[0]
