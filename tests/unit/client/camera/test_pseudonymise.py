"""F_D: asked for once, remembered a short while, and the same with keys on the camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from blindplate.client.camera.pseudonymise import EvaluationScope, Local, Oblivious
from blindplate.core.domains import Domain
from blindplate.core.errors import BlindplateError, GrantError, ProofError, UnavailableError
from blindplate.core.pseudonyms import DomainKey, combine
from tests.unit.client.camera.samples import read

DOMAIN = Domain("police", "inner", 1)
OTHER = Domain("emissions", "inner", 1)
KEY_A, KEY_B = DomainKey.derive(b"a" * 32, DOMAIN), DomainKey.derive(b"b" * 32, DOMAIN)
SCOPE = EvaluationScope(DOMAIN, KEY_A.public, KEY_B.public)


@dataclass
class Custodians:
    """Evaluates in the clear and remembers what it was asked."""

    asked: list[bytes] = field(default_factory=list)
    away: bool = False

    def evaluate(
        self, domain: Domain, plates: Sequence[bytes], public_a: bytes, public_b: bytes
    ) -> list[bytes]:
        del public_a, public_b
        if self.away:
            raise UnavailableError("away")
        self.asked += plates
        return [combine(KEY_A.evaluate(plate), KEY_B.evaluate(plate), domain) for plate in plates]


@pytest.fixture
def custodians() -> Custodians:
    return Custodians()


def test_a_plate_is_asked_for_once_while_it_is_remembered(custodians: Custodians) -> None:
    oblivious = Oblivious(custodians, cache_seconds=60)
    reads = [read("KT21ABC"), read("LB99XYZ"), read("KT21ABC")]
    first = oblivious.evaluate(SCOPE, reads, 0)
    assert first[0] == first[2] != first[1]
    assert len(custodians.asked) == 2
    assert oblivious.evaluate(SCOPE, reads, 59) == first
    assert len(custodians.asked) == 2
    assert oblivious.evaluate(SCOPE, reads, 60) == first
    assert len(custodians.asked) == 4


def test_domains_do_not_share_what_is_remembered(custodians: Custodians) -> None:
    oblivious = Oblivious(custodians)
    other = EvaluationScope(OTHER, KEY_A.public, KEY_B.public)
    assert oblivious.evaluate(SCOPE, [read()], 0) != oblivious.evaluate(other, [read()], 0)


def test_nothing_is_remembered_under_replaced_evaluation_keys(custodians: Custodians) -> None:
    oblivious = Oblivious(custodians)
    oblivious.evaluate(SCOPE, [read()], 0)
    oblivious.evaluate(EvaluationScope(DOMAIN, KEY_B.public, KEY_A.public), [read()], 0)
    assert len(custodians.asked) == 2


def test_no_more_is_remembered_than_the_bound(custodians: Custodians) -> None:
    oblivious = Oblivious(custodians, cache_limit=2)
    reads = [read(f"KT21AB{letter}") for letter in "ABC"]
    assert len(set(oblivious.evaluate(SCOPE, reads, 0))) == 3
    assert len(oblivious._cache) == 2


def test_a_failed_batch_leaves_nothing_behind(custodians: Custodians) -> None:
    oblivious = Oblivious(custodians)
    custodians.away = True
    with pytest.raises(UnavailableError):
        oblivious.evaluate(SCOPE, [read()], 0)
    custodians.away = False
    oblivious.evaluate(SCOPE, [read()], 0)
    assert len(custodians.asked) == 1


def test_memory_holds_no_plate_as_a_key(custodians: Custodians) -> None:
    oblivious = Oblivious(custodians)
    oblivious.evaluate(SCOPE, [read()], 0)
    ((scope, tag),) = oblivious._cache
    assert (scope, tag) == (SCOPE, read().tag)


@dataclass
class LocalKeys:
    """Gives the domain's keys, unless told to fail."""

    failure: BlindplateError | None = None
    pair: tuple[DomainKey, DomainKey] = (KEY_A, KEY_B)
    asked: list[Domain] = field(default_factory=list)

    def fetch(self, domain: Domain) -> tuple[DomainKey, DomainKey]:
        self.asked.append(domain)
        if self.failure is not None:
            raise self.failure
        return self.pair


@pytest.fixture
def keys() -> LocalKeys:
    return LocalKeys()


def test_both_modes_give_the_same(custodians: Custodians, keys: LocalKeys) -> None:
    reads = [read("KT21ABC"), read("LB99XYZ")]
    local = Local(keys.fetch)
    assert local.refresh([SCOPE], 0) == []
    assert local.evaluate(SCOPE, reads, 0) == Oblivious(custodians).evaluate(SCOPE, reads, 0)


def test_local_keys_are_fetched_before_any_read_and_once(keys: LocalKeys) -> None:
    local = Local(keys.fetch)
    local.refresh([SCOPE], 0)
    keys.failure = UnavailableError("away")
    assert local.refresh([SCOPE], 10_000) == []
    assert local.evaluate(SCOPE, [read()], 0)
    assert keys.asked == [DOMAIN]


def test_without_local_keys_nothing_is_evaluated_until_they_come(keys: LocalKeys) -> None:
    local = Local(keys.fetch)
    keys.failure = UnavailableError("away")
    assert local.refresh([SCOPE], 0) == [keys.failure]
    with pytest.raises(UnavailableError):
        local.evaluate(SCOPE, [read()], 0)
    keys.failure = None
    assert local.refresh([SCOPE], 20) == []
    assert local.evaluate(SCOPE, [read()], 0)


def test_a_custodian_that_is_away_is_not_asked_without_pause(keys: LocalKeys) -> None:
    local = Local(keys.fetch)
    keys.failure = UnavailableError("away")
    for tenth in range(600):
        local.refresh([SCOPE, EvaluationScope(OTHER, KEY_A.public, KEY_B.public)], tenth / 10)
    assert len(keys.asked) <= 8


def test_one_list_without_local_keys_holds_up_no_other(keys: LocalKeys) -> None:
    def fetch(domain: Domain) -> tuple[DomainKey, DomainKey]:
        if domain == OTHER:
            raise GrantError("suspended")
        return keys.fetch(domain)

    local = Local(fetch)
    (error,) = local.refresh([EvaluationScope(OTHER, KEY_A.public, KEY_B.public), SCOPE], 0)
    assert error.code == "grant"
    assert local.evaluate(SCOPE, [read()], 0)


def test_local_keys_that_are_not_wanted_any_more_are_forgotten(keys: LocalKeys) -> None:
    local = Local(keys.fetch)
    local.refresh([SCOPE], 0)
    local.refresh([], 1)
    with pytest.raises(UnavailableError):
        local.evaluate(SCOPE, [read()], 2)


@pytest.mark.parametrize("pair", [(KEY_B, KEY_A), (KEY_A, KEY_A)], ids=["swapped", "b replaced"])
def test_a_local_key_that_is_not_the_policys_is_refused(
    keys: LocalKeys, pair: tuple[DomainKey, DomainKey]
) -> None:
    local = Local(keys.fetch)
    keys.pair = pair
    (error,) = local.refresh([SCOPE], 0)
    assert isinstance(error, ProofError)
    assert "custodian" in error.what
    with pytest.raises(UnavailableError):
        local.evaluate(SCOPE, [read()], 0)
