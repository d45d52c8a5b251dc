"""Blinded evaluation and announced keys over real TLS: who gets what, quotas, restarts, bad elements."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from blindplate.client.custodians import CustodianPair
from blindplate.core.domains import Domain
from blindplate.core.errors import (
    BlindplateError,
    GrantError,
    IdentityError,
    MessageError,
    QuotaError,
    SignatureError,
    UnknownDomainError,
)
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import Blinding, DomainKey, combine
from blindplate.core.statements.grant_changes import GrantEnd
from blindplate.core.statements.grants import GrantedZone
from blindplate.core.statements.policies import ZoneRegister
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.statuses import remote_errors
from blindplate.server.custodian.suspending import give_word
from blindplate.server.custodian.suspensions import Word
from blindplate.v1 import pseudonyms_pb2, types_pb2
from blindplate.v1.pseudonyms_pb2_grpc import PseudonymsStub
from tests.integration.ledger_site import party_key, until

from .conftest import Custodians

INNER = Domain("police", "inner", 1)
OUTER = Domain("police", "outer", 1)
PairOf = Callable[[str], CustodianPair]


def evaluate(pair: CustodianPair, domain: Domain, plates: list[bytes]) -> list[bytes]:
    return pair.evaluate(domain, plates, *pair.evaluation_keys(domain))


def plates(count: int) -> list[bytes]:
    return [b"plate %d" % number for number in range(count)]


def call(custodians: Custodians, party: str, blinded: list[bytes], domain: Domain = INNER) -> None:
    """One raw call to custodian A."""
    request = pseudonyms_pb2.EvaluateRequest(
        domain=types_pb2.Domain(list_id=domain.list_id, zone=domain.zone, generation=domain.generation),
        blinded=blinded,
    )
    with remote_errors("custodian a"):
        PseudonymsStub(custodians.channel(Custodian.A, party)).Evaluate(request, timeout=30)


def test_owner_and_camera_get_the_pseudonym_both_seeds_make(custodians: Custodians, pair_of: PairOf) -> None:
    keys = [
        DomainKey.derive(read_secret(custodians.settings(one).pseudonym_seed), INNER) for one in Custodian
    ]
    expected = [combine(keys[0].evaluate(plate), keys[1].evaluate(plate), INNER) for plate in plates(3)]

    assert evaluate(pair_of("owner-police"), INNER, plates(3)) == expected
    assert evaluate(pair_of("camera-1"), INNER, plates(3)) == expected


def test_large_batch_goes_through_the_processes_with_the_same_result(pair_of: PairOf) -> None:
    owner = pair_of("owner-police")
    large = evaluate(owner, INNER, plates(600))
    assert large[:5] == evaluate(owner, INNER, plates(5))
    assert len(set(large)) == 600


@pytest.mark.parametrize(
    ("party", "domain", "error"),
    [
        pytest.param("owner-emissions", INNER, UnknownDomainError, id="list-of-another-owner"),
        pytest.param("owner-police", Domain("police", "nowhere", 1), UnknownDomainError, id="no-such-zone"),
        pytest.param(
            "owner-police", Domain("police", "inner", 2), UnknownDomainError, id="generation-to-come"
        ),
        pytest.param("camera-1", OUTER, IdentityError, id="camera-of-another-zone"),
        pytest.param("matcher", INNER, IdentityError, id="matcher"),
        pytest.param("officer-a-1", INNER, IdentityError, id="officer"),
        pytest.param("operator", INNER, IdentityError, id="operator"),
    ],
)
def test_refused(custodians: Custodians, party: str, domain: Domain, error: type[BlindplateError]) -> None:
    with pytest.raises(error):
        call(custodians, party, Blinding.blind(plates(1)).blinded, domain)


@pytest.mark.parametrize(
    "blinded",
    [
        pytest.param([], id="empty"),
        pytest.param([bytes(31)], id="short-element"),
        pytest.param([bytes(32)], id="identity-element"),
        pytest.param([b"\xff" * 32], id="not-a-point"),
        pytest.param([bytes(32)] * 300, id="identity-elements-in-a-large-batch"),
        pytest.param([bytes(32)] * 8193, id="too-many"),
    ],
)
def test_bad_element_refused(custodians: Custodians, blinded: list[bytes]) -> None:
    with pytest.raises(MessageError):
        call(custodians, "owner-police", blinded)


def test_grant_not_yet_in_force_or_over_refused(custodians: Custodians, pair_of: PairOf) -> None:
    owner, camera = pair_of("owner-police"), pair_of("camera-1")
    for offset in (-7200.0, 366 * 86_400.0):
        custodians.clock.offset = offset
        for pair in (owner, camera):
            with pytest.raises(GrantError):
                evaluate(pair, INNER, plates(1))
    custodians.clock.offset = 0
    evaluate(owner, INNER, plates(1))


def test_suspended_by_one_custodian_refused_until_resumed(custodians: Custodians, pair_of: PairOf) -> None:
    owner, settings = pair_of("owner-police"), custodians.settings(Custodian.B)
    give_word(settings, Word("police-1", True, "A complaint."), custodians.clock.now())
    with pytest.raises(GrantError):
        evaluate(owner, INNER, plates(1))
    # The same once it stands in the ledger.
    until(lambda: entered(custodians) == [True])
    with pytest.raises(GrantError):
        evaluate(owner, INNER, plates(1))
    give_word(settings, Word("police-1", False, "It was groundless."), custodians.clock.now())
    evaluate(owner, INNER, plates(1))
    until(lambda: entered(custodians) == [True, False])
    evaluate(owner, INNER, plates(1))


def entered(custodians: Custodians) -> list[bool]:
    """The suspensions of the police's grant that custodian B has witnessed."""
    history = custodians.running[Custodian.B].replica.state.grants["police-1"]
    return [one.statement.suspended for one in history.suspensions]


def test_an_ended_grant_is_refused_as_soon_as_its_end_is_witnessed(
    custodians: Custodians, pair_of: PairOf
) -> None:
    owner = pair_of("owner-police")
    evaluate(owner, INNER, plates(1))
    end = GrantEnd(grant_id="police-1", reason="Over.", made_at=int(custodians.clock.now()))
    custodians.enter(end.statement(party_key(custodians.deployment, "operator")))
    with pytest.raises(GrantError):
        evaluate(owner, INNER, plates(1))
    evaluate(pair_of("owner-emissions"), Domain("emissions", "inner", 1), plates(1))


def test_an_amendment_that_one_custodian_has_not_signed_is_not_taken(
    custodians: Custodians, pair_of: PairOf
) -> None:
    before = custodians.grant("police-1")
    amended = before.model_copy(update={"amendment": 1, "evaluations_per_day": 1_000_000})
    signers = [party_key(custodians.deployment, party) for party in ("operator", "custodian-a")]
    with pytest.raises(SignatureError):
        custodians.enter(amended.statement(*signers))
    assert custodians.grant("police-1") == before


def test_camera_quota_is_of_each_list_and_outlives_a_restart(custodians: Custodians, pair_of: PairOf) -> None:
    evaluate(pair_of("camera-1"), INNER, plates(390))
    custodians.restart(Custodian.A)
    with pytest.raises(QuotaError):
        evaluate(pair_of("camera-1"), INNER, plates(11))
    # Nothing was counted for what was refused; the other list and the other camera have quotas of their own.
    evaluate(pair_of("camera-1"), INNER, plates(10))
    evaluate(pair_of("camera-1"), Domain("emissions", "inner", 1), plates(11))
    evaluate(pair_of("camera-3"), INNER, plates(11))
    custodians.clock.offset = 3600
    evaluate(pair_of("camera-1"), INNER, plates(11))


def test_owner_quota_is_over_all_zones_of_the_grant_and_a_day(custodians: Custodians) -> None:
    custodians.amend("police-1", evaluations_per_day=30)
    element = Blinding.blind(plates(1)).blinded
    call(custodians, "owner-police", element * 20, INNER)
    call(custodians, "owner-police", element * 10, OUTER)
    with pytest.raises(QuotaError):
        call(custodians, "owner-police", element, INNER)
    custodians.clock.offset = 86_400
    call(custodians, "owner-police", element, INNER)


def test_owner_quota_of_a_key_generation_is_never_renewed(custodians: Custodians) -> None:
    """A quota of each day alone would let an owner collect the pseudonym of every plate in the end."""
    custodians.amend("police-1", evaluations_per_day=30, evaluations_per_generation=50)
    element = Blinding.blind(plates(1)).blinded
    call(custodians, "owner-police", element * 30, INNER)
    custodians.clock.offset = 86_400
    # What is refused by either count is counted by neither.
    with pytest.raises(QuotaError):
        call(custodians, "owner-police", element * 21, OUTER)
    call(custodians, "owner-police", element * 20, OUTER)
    custodians.restart(Custodian.A)
    for days in (2, 60):
        custodians.clock.offset = days * 86_400
        with pytest.raises(QuotaError):
            call(custodians, "owner-police", element, INNER)
    custodians.amend("police-1", evaluations_per_generation=51)
    call(custodians, "owner-police", element, INNER)


def test_each_key_generation_has_a_quota_of_its_own(custodians: Custodians) -> None:
    element = Blinding.blind(plates(1)).blinded
    custodians.amend("police-1", evaluations_per_generation=10)
    spend(custodians, element, Domain("police", "outer", 1))
    register = custodians.running[Custodian.A].replica.state.current_register("outer")
    assert register is not None
    cameras = custodians.running[Custodian.A].replica.state.registers[register.register_digest].cameras
    digest = custodians.ledger.enter_register(ZoneRegister(zone="outer", generation=2, cameras=cameras))
    zones = custodians.grant("police-1").zones
    later = GrantedZone(zone="outer", generation=2, register_digest=digest)
    custodians.amend("police-1", zones=tuple(later if zone.zone == "outer" else zone for zone in zones))
    spend(custodians, element, Domain("police", "outer", 2))
    # The generation before is the earlier amendment's, and that is over.
    with pytest.raises(GrantError):
        call(custodians, "owner-police", element, Domain("police", "outer", 1))


def spend(custodians: Custodians, element: list[bytes], domain: Domain) -> None:
    call(custodians, "owner-police", element * 10, domain)
    with pytest.raises(QuotaError):
        call(custodians, "owner-police", element, domain)


def test_quota_is_spent_before_the_elements_are_looked_at(custodians: Custodians) -> None:
    with pytest.raises(MessageError):
        call(custodians, "camera-1", [os.urandom(31) + b"\xff"] * 400)
    with pytest.raises(QuotaError):
        call(custodians, "camera-1", Blinding.blind(plates(1)).blinded)


def test_release_key_in_force_and_the_next_are_announced(custodians: Custodians, pair_of: PairOf) -> None:
    camera, now = pair_of("camera-1"), custodians.clock.now()
    for keys in camera.announced_release_keys():
        assert len(keys) == 2
        assert keys[0].not_after == keys[1].not_before
        assert all(key.destroyed_at == key.not_after + 4 * 86_400 for key in keys)
    before = camera.release_keys(now)
    assert camera.release_keys(now + 86_400) != before


def test_another_custodians_signing_key_refuses_to_start(custodians: Custodians) -> None:
    custodians.stop(Custodian.A)
    folder = custodians.deployment.folder
    (folder / "custodian-a" / "signing.key").write_bytes(
        (folder / "custodian-b" / "signing.key").read_bytes()
    )
    with pytest.raises(BlindplateError) as caught:
        custodians.start(Custodian.A)
    assert caught.value.code == "settings"
