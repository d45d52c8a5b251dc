"""G2: the matcher's whole state gives no plate, nor does it with one stolen camera of another zone.

Plates are enumerable: the attacker has a dictionary with every true plate in it, and all of the matcher: database,
lists, signing key, window keys, and hence the pseudonym of every read. For each plate of the dictionary he computes
whatever he can and looks it up among the pseudonyms.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256, sha512
from pathlib import Path

import numpy as np
import pytest

from blindplate.cli.demonstration.search import PlateSearch
from blindplate.core.domains import Domain, Epoch
from blindplate.core.errors import IdentityError, QuotaError, UnknownDomainError
from blindplate.core.parties import Custodian
from blindplate.core.plates import canonicalize
from blindplate.core.pseudonyms import DomainKey, combine, pseudonym
from blindplate.edge.keyfiles import read_secret
from blindplate.psi.blob import parse
from blindplate.psi.context import context_for
from blindplate.psi.layout import plan
from blindplate.psi.mapping import place
from blindplate.psi.owner import _opened_secret, build_upload
from blindplate.psi.parameters import load_set
from tests.adversary.conftest import marks
from tests.adversary.loot import Loot, taken
from tests.adversary.reading import (
    KnownRead,
    domain_of,
    grant_of,
    hand_in,
    pair_as,
    sealed_reads,
)
from tests.integration.owner.world import World

DICTIONARY = marks(2_000)
TRUE = DICTIONARY[1_000:1_040]
INNER, OUTER = domain_of("camera-1", "police"), domain_of("camera-2", "police")
# Everything that an attacker can compute for one plate encoding.
Guess = Callable[[bytes], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Matcher:
    """The matcher's folder as it was taken, its reads, their epoch, and every pseudonym the attacker finds in it."""

    folder: Path
    loot: Loot
    reads: Sequence[KnownRead]
    epoch: Epoch
    targets: set[bytes]


def look_up(targets: set[bytes], guess: Guess, dictionary: Iterable[str] = DICTIONARY) -> set[str]:
    """The attack: the plates of which some guess is among the pseudonyms."""
    return {
        plate for plate in dictionary if not targets.isdisjoint(guess(canonicalize(plate, "GB").encode()))
    }


def hash_everything(keys: Iterable[bytes], domain: Domain, epoch: Epoch) -> Guess:
    """Hashes of a plate, with and without the domain, under no key and under every one of ``keys``."""
    known, when = [b"", domain.encode(), *keys], epoch.encode()

    def guess(plate: bytes) -> Iterator[bytes]:
        for key in known:
            for f in (sha512(key + plate).digest(), hmac.digest(key, plate, "sha512")):
                yield hmac.digest(f, when, "sha256")
                yield pseudonym(combine(f, f, domain), epoch)
            yield sha256(key + plate + when).digest()
            yield hmac.digest(key, plate + when, "sha256")

    return guess


def with_keys(key_a: DomainKey, key_b: DomainKey, domain: Domain, epoch: Epoch) -> Guess:
    """The pseudonym that two evaluation keys give."""
    return lambda plate: [pseudonym(combine(key_a.evaluate(plate), key_b.evaluate(plate), domain), epoch)]


def unkeyed(plate: bytes, domain: Domain) -> bytes:
    """What stands in place of both custodians' keyed hash where the defence is removed."""
    return sha512(domain.encode() + plate).digest()


def seed_of(world: World, custodian: Custodian) -> bytes:
    return read_secret(world.deployment.folder / f"custodian-{custodian}" / "pseudonyms.seed")


def key_of(world: World, custodian: Custodian, domain: Domain) -> DomainKey:
    """A custodian's key of one domain, as local mode seals it to the cameras of its zone."""
    return DomainKey.derive(seed_of(world, custodian), domain)


def take_matcher(world: World, reads: Sequence[KnownRead], into: Path) -> Matcher:
    """Hand ``reads`` in, stop the matcher, and carry its folder off."""
    hand_in(world, reads)
    world.stop_matcher()
    folder = taken(world.deployment.folder / "matcher", into)
    world.start_matcher()
    loot = Loot(folder)
    targets = {y for y, _ in loot.pairs().values()}
    return Matcher(folder, loot, reads, reads[0].record.header.epoch, targets)


@pytest.fixture(scope="module")
def matcher(world: World, tmp_path_factory: pytest.TempPathFactory) -> Matcher:
    """The matcher with forty reads of the inner zone in it."""
    return take_matcher(world, sealed_reads(world, TRUE), tmp_path_factory.mktemp("matcher"))


def test_the_window_keys_give_the_attacker_every_pseudonym_and_no_plate(matcher: Matcher) -> None:
    assert matcher.targets == {read.y for read in matcher.reads}
    assert matcher.loot.plates() == {}
    files = [path for path in matcher.folder.rglob("*") if path.is_file()]
    assert list(PlateSearch(DICTIONARY).files(files)) == []


def test_a_dictionary_finds_nothing_in_the_matchers_whole_state(world: World, matcher: Matcher) -> None:
    with pair_as(world, "owner-police") as pair:
        public = pair.evaluation_keys(INNER)
    files = Loot(matcher.folder / "state" / "window-keys").keys | {
        read_secret(matcher.folder / "signing.key")
    }
    keys = {*public, public[0] + public[1], *files}
    assert len(files) > 20
    assert look_up(matcher.targets, hash_everything(keys, INNER, matcher.epoch)) == set()


def test_the_same_dictionary_names_every_vehicle_where_the_hash_has_no_key(
    world: World, tmp_path: Path
) -> None:
    reads = sealed_reads(world, TRUE, camera="camera-1", list_id="emissions", hash_with=unkeyed)
    domain = domain_of("camera-1", "emissions")
    broken = take_matcher(world, reads, tmp_path)
    assert look_up(broken.targets, hash_everything([], domain, broken.epoch)) == set(TRUE)


@pytest.mark.parametrize("custodian", Custodian)
def test_one_custodians_whole_seed_added_to_it_names_nobody(
    world: World, matcher: Matcher, custodian: Custodian
) -> None:
    key = key_of(world, custodian, INNER)
    assert look_up(matcher.targets, with_keys(key, key, INNER, matcher.epoch)) == set()
    keys = [seed_of(world, custodian), key.secret, key.public]
    assert look_up(matcher.targets, hash_everything(keys, INNER, matcher.epoch)) == set()


def test_both_custodians_keys_in_one_hand_name_every_vehicle(world: World, matcher: Matcher) -> None:
    """The defence removed; and what a stolen camera of the same zone can do in local mode: a documented limit."""
    key_a, key_b = (key_of(world, custodian, INNER) for custodian in Custodian)
    assert look_up(matcher.targets, with_keys(key_a, key_b, INNER, matcher.epoch)) == set(TRUE)


def test_a_stolen_local_camera_of_another_zone_names_nobody(world: World, matcher: Matcher) -> None:
    key_a, key_b = (key_of(world, custodian, OUTER) for custodian in Custodian)
    for domain in (OUTER, INNER):
        assert look_up(matcher.targets, with_keys(key_a, key_b, domain, matcher.epoch)) == set()


def test_a_stolen_oblivious_camera_of_another_zone_is_not_answered_for_this_zone(
    world: World, matcher: Matcher
) -> None:
    plates = [canonicalize(plate, "GB").encode() for plate in TRUE]
    with pair_as(world, "camera-2") as pair:
        inner = pair.evaluation_keys(INNER)
        with pytest.raises(IdentityError):
            pair.evaluate(INNER, plates, *inner)
        with pytest.raises(UnknownDomainError):
            pair.evaluate(Domain("police", "inner", 2), plates, *inner)
        # What it is answered, for its own zone, is of no use here.
        answered = dict(zip(plates, pair.evaluate(OUTER, plates, *pair.evaluation_keys(OUTER)), strict=True))
    assert look_up(matcher.targets, lambda plate: [pseudonym(answered[plate], matcher.epoch)], TRUE) == set()


def test_a_stolen_oblivious_camera_of_the_same_zone_tests_no_more_guesses_than_its_quota(
    world: World, matcher: Matcher
) -> None:
    """A documented limit, and where it ends: 400 an hour in this deployment, of a dictionary of 2,000."""
    guessed: dict[bytes, bytes] = {}
    # The luckiest attacker tries the true ones first.
    plates = [canonicalize(plate, "GB").encode() for plate in DICTIONARY[1_000:] + DICTIONARY[:1_000]]
    with pair_as(world, "camera-3") as pair:
        public = pair.evaluation_keys(INNER)
        for start in range(0, 400, 100):
            batch = plates[start : start + 100]
            guessed |= zip(batch, pair.evaluate(INNER, batch, *public), strict=True)
        with pytest.raises(QuotaError):
            pair.evaluate(INNER, plates[400:401], *public)
    named = look_up(matcher.targets, lambda plate: [pseudonym(guessed.get(plate, bytes(64)), matcher.epoch)])
    assert named == set(TRUE)


def test_one_vehicles_pseudonyms_do_not_meet_across_zones_lists_and_epochs(world: World) -> None:
    plates, now = TRUE[:5], world.clock.now()
    read = [
        sealed_reads(world, plates, camera=camera, list_id=list_id, at=at)
        for camera in ("camera-1", "camera-2")
        for list_id, epochs in (("police", 3600), ("emissions", 86_400))
        for at in (now, now - epochs)
    ]
    seen = {one.y for reads in read for one in reads}
    assert len(seen) == len(plates) * len(read)
    # The defence removed: a keyed hash that is not bound to its domain lets the matcher follow a vehicle about.
    follow = [
        sealed_reads(world, plates, camera=camera, hash_with=lambda plate, _: sha512(plate).digest())
        for camera in ("camera-1", "camera-2")
    ]
    assert [one.y for one in follow[0]] == [one.y for one in follow[1]]


def test_within_one_list_zone_and_epoch_the_matcher_links_a_vehicles_reads(world: World) -> None:
    """A documented limit."""
    first, second = (
        sealed_reads(world, TRUE[:5], camera=camera, list_id="emissions")
        for camera in ("camera-1", "camera-3")
    )
    assert [one.y for one in first] == [one.y for one in second]
    assert not {one.record_id for one in first} & {one.record_id for one in second}


def test_an_uploaded_list_does_not_tell_which_pseudonyms_are_on_it(world: World, matcher: Matcher) -> None:
    """The matcher knows the pseudonym of every read: with the owner's key it would see which are listed."""
    parameters = load_set(grant_of(world, "police").parameter_set)
    context, t = context_for(parameters), parameters.plain_modulus
    listed = [read.y for read in matcher.reads[:20]]
    upload = build_upload(listed, plan(len(listed), parameters), parameters)
    blobs = [parse(body, parameters) for body in list(upload.body)[1:]]
    elements = place([read.y for read in matcher.reads], upload.salt, 1, t).elements

    def zeros(key: bytes) -> list[int]:
        """Which of the reads' elements the list's polynomial is zero at, decrypted with ``key``."""
        decryptor = context.decryptor(context.load_key(key))
        total = np.ones(len(elements), object)
        for blob in reversed(blobs):
            slots = context.decrypt(decryptor, context.seeded(blob.first_half, blob.seed))
            total = (total * elements.astype(object) + int(slots[0])) % t
        return np.nonzero(total == 0)[0].tolist()

    assert zeros(context.key_bytes(context.new_key())) == []
    *_, key = _opened_secret(upload.secret)
    assert zeros(key) == list(range(20))
