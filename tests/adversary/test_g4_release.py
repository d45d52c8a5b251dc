"""G4: a record opens only with three secrets, the match secret and a share of each custodian; a false share is named.

Every pair of the three is stolen in turn, custodians and owner collude, a custodian's own program is altered to lie,
and a ciphertext is made that opens to two plates. What can be tried with requests is in ``test_g4_requests``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from blindplate.client.owner.hits import HitState, find_hit
from blindplate.client.owner.release import follow, request_release
from blindplate.client.owner.requests import Standing
from blindplate.client.owner.reveal import reveal_hit
from blindplate.client.owner.session import Session
from blindplate.core.errors import CommitmentError, MatchProofError, ShareError
from blindplate.core.hpke import SealingKey
from blindplate.core.parties import Custodian
from blindplate.core.plates import canonicalize
from blindplate.core.records import commitments, opening
from blindplate.core.records.cipher import RecordKey
from blindplate.core.records.commitments import match_proof
from blindplate.core.records.opening import open_payload
from blindplate.core.records.padding import pad
from blindplate.core.records.record import digest_of
from blindplate.core.records.reply import Reply, seal_reply
from blindplate.core.statements.purposes import Purpose
from blindplate.server.custodian import docket
from blindplate.v1 import records_pb2
from tests.adversary.asking import Desk
from tests.adversary.conftest import marks
from tests.adversary.custody import NONCE, binding_of, data_of, envelope_of, opened_by_hand, share_of
from tests.adversary.loot import Loot, taken
from tests.adversary.reading import KnownRead, sealed_reads
from tests.integration.owner.world import World, publish_now, put_on_list, settled_hits, within
from tests.unit.core.records.two_keys import ciphertext_under_two_keys

A, B = Custodian
PLATE, OTHER, LISTED = marks(3)
SECRETS = ("share A", "share B", "match secret")


@pytest.fixture(scope="module")
def reads(world: World) -> list[KnownRead]:
    return sealed_reads(world, [PLATE, OTHER], list_id="emissions")


@pytest.fixture(scope="module")
def listing(world: World) -> Iterator[Session]:
    """The emissions authority, with one vehicle on its list."""
    world.owner = "owner-emissions"
    with world.session() as session:
        put_on_list(session, LISTED)
        publish_now(session)
        yield session


def secrets_of(world: World, read: KnownRead) -> dict[str, bytes]:
    """All three, in the order in which they are taken."""
    return dict(zip(SECRETS, (share_of(world, read, A), share_of(world, read, B), read.s), strict=True))


def guesses(size: int, *known: bytes) -> list[bytes]:
    """What stands in for a secret that is lacking: nothing, zeros, and all that is known, cut or filled to size."""
    return [b"", bytes(size), *(one.ljust(size, b"\0")[:size] for one in known)]


@pytest.mark.parametrize("missing", SECRETS)
def test_two_of_the_three_secrets_open_nothing(missing: str, world: World, reads: list[KnownRead]) -> None:
    read, true = reads[0], secrets_of(world, reads[0])
    tried = {name: [value] for name, value in true.items()}
    assert opened_by_hand(read.record, tried["share A"], tried["share B"], tried["match secret"]) == {PLATE}
    known = [value for name, value in true.items() if name != missing]
    known += [secrets_of(world, reads[1])[missing], match_proof(read.s, read.record.header.digest())]
    tried[missing] = guesses(16 if missing == "match secret" else 32, *known)
    assert opened_by_hand(read.record, tried["share A"], tried["share B"], tried["match secret"]) == set()
    for value in tried[missing]:
        given = true | {missing: value}
        with pytest.raises(MatchProofError if missing == "match secret" else ShareError):
            open_payload(read.record, given["share A"], given["share B"], given["match secret"])


@pytest.mark.parametrize("left_out", SECRETS)
def test_two_secrets_open_a_record_whose_key_leaves_the_third_out(
    left_out: str, world: World, reads: list[KnownRead]
) -> None:
    """The defence removed: one of the three has no part in the key."""
    record, secrets = reads[0].record, secrets_of(world, reads[0])
    given = secrets | {left_out: b""}
    key = RecordKey.derive(binding_of(record), given["share A"], given["share B"], given["match secret"])
    payload = records_pb2.Payload(plate=canonicalize(PLATE, "GB").encode())
    ciphertext = key.encrypt(binding_of(record), pad(payload.SerializeToString()))
    weak = replace(record, c_k=key.c_k, ciphertext=ciphertext, ciphertext_digest=digest_of(ciphertext))
    tried = {name: [value] for name, value in secrets.items()} | {left_out: guesses(32)}
    assert opened_by_hand(weak, tried["share A"], tried["share B"], tried["match secret"]) == {PLATE}


@pytest.mark.parametrize("colluding", Custodian)
def test_an_owner_and_one_custodian_together_open_nothing(
    colluding: Custodian, world: World, reads: list[KnownRead], tmp_path: Path
) -> None:
    """The owner's match secret and the custodian's whole folder."""
    record, s = reads[0].record, reads[0].s
    loot = Loot(taken(world.deployment.folder / f"custodian-{colluding}", tmp_path))
    other = B if colluding is A else A
    mine = share_of(world, reads[0], colluding)
    shares = {colluding: [mine], other: guesses(32, mine, record.share_commitment(other), *loot.keys)}
    assert (loot.shares(record, colluding), loot.shares(record, other)) == ({mine}, set())
    assert opened_by_hand(record, shares[A], shares[B], [s]) == set()
    # The defence removed: the other custodian's folder lies there too.
    loot.add_keys(Loot(taken(world.deployment.folder / f"custodian-{other}", tmp_path)).keys)
    assert opened_by_hand(record, loot.shares(record, A), loot.shares(record, B), [s]) == {PLATE}


def test_both_custodians_without_the_match_secret_open_nothing(world: World, reads: list[KnownRead]) -> None:
    """They have both shares, and all that the owner's request told them."""
    read, desk = reads[0], Desk(world)

    def opened(proof: bytes) -> set[str]:
        request = desk.request(read, match_proof=proof)
        n_y = envelope_of(world, read, A).n_y
        told = (request.match_proof, request.nonce, request.ciphertext_digest, n_y)
        tried = [field[start : start + 16] for field in told for start in range(len(field) - 15)]
        return opened_by_hand(read.record, [share_of(world, read, A)], [share_of(world, read, B)], tried)

    assert opened(desk.request(read).match_proof) == set()
    # The defence removed: a request that shows the match secret itself in place of a proof.
    assert opened(read.s.ljust(32, b"\0")) == {PLATE}


@pytest.mark.parametrize("liar", Custodian)
def test_a_custodian_that_gives_a_false_share_is_named_by_the_owner(
    liar: Custodian, world: World, listing: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The custodian runs a program of its own that seals, and signs for, a share it made up."""

    def lying(reply: Reply, key: SealingKey, custodian: Custodian, request_id: bytes) -> bytes:
        told = replace(reply, share=bytes(32)) if custodian is liar else reply
        return seal_reply(told, key, custodian, request_id)

    monkeypatch.setattr(docket, "seal_reply", lying)
    world.read([LISTED])
    hit = settled_hits(world, listing)[-1]
    request = request_release(listing, hit.hit_id, Purpose.UNPAID_CHARGE, "case 1")
    standing = within(lambda: follow(listing, request).standing, lambda one: one is Standing.APPROVED)
    assert standing is Standing.APPROVED
    with pytest.raises(ShareError) as caught:
        reveal_hit(listing, hit.hit_id)
    assert caught.value.custodian == liar.value
    with listing.store.reading() as connection:
        assert find_hit(connection, hit.hit_id).hit.state is not HitState.REVEALED


def test_without_the_commitments_to_shares_nobody_could_say_who_lied(
    world: World, reads: list[KnownRead], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The defence removed: whichever share is false, all that is seen is that the key is wrong."""
    read = reads[0]
    monkeypatch.setattr(commitments, "check_share", lambda *_: None)
    told: set[str] = set()
    for shares in ((share_of(world, read, A), bytes(32)), (bytes(32), share_of(world, read, B))):
        with pytest.raises(CommitmentError) as caught:
            open_payload(read.record, *shares, read.s)
        told.add(str(caught.value))
    assert len(told) == 1


def test_one_ciphertext_with_two_plates_is_refused_and_without_c_k_opens_to_both(
    world: World, reads: list[KnownRead], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A camera and custodian B would show one plate to the owner and swear to another before a court."""
    read, forged = reads[0], b"2" * 32
    true, bound = secrets_of(world, read), binding_of(read.record)
    one = RecordKey.derive(bound, true["share A"], true["share B"], read.s)
    two = RecordKey.derive(bound, true["share A"], forged, read.s)
    plates = [canonicalize(plate, "GB").encode() for plate in (PLATE, OTHER)]
    first = pad(records_pb2.Payload(plate=plates[0]).SerializeToString())[:256]
    record = replace(read.record, c_k=one.c_k)
    data = data_of(record)
    crafted = ciphertext_under_two_keys(one.dek, two.dek, first, plates[1].ljust(240, b"\0"), data)
    record = replace(record, ciphertext=crafted, ciphertext_digest=digest_of(crafted))
    # By hand, with no look at c_K: two keys, two plates.
    assert plates[0] in AESGCM(one.dek).decrypt(NONCE, crafted, data)
    assert plates[1] in AESGCM(two.dek).decrypt(NONCE, crafted, data)
    # As the owner opens it the forged share is named; with that check out of the way c_K refuses all the same.
    with pytest.raises(ShareError):
        open_payload(record, true["share A"], forged, read.s)
    monkeypatch.setattr(commitments, "check_share", lambda *_: None)
    monkeypatch.setattr(opening, "unpad", lambda text: text)
    with pytest.raises(CommitmentError, match="key"):
        open_payload(record, true["share A"], forged, read.s)
