"""G5, the grant is the key: no pseudonym is evaluated outside a grant in force for that owner, list, zone and time.

Each attacker has a certificate of its own and asks both real custodians over gRPC, past any client of this project.
Each is refused with an error of its own code. What would have come without the check is shown beside every refusal:
the custodian's key of that domain, asked directly, evaluates anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from blindplate.cli.deployment.authority import Authority
from blindplate.core.domains import Domain
from blindplate.core.errors import (
    BlindplateError,
    EnvelopeError,
    GrantError,
    IdentityError,
    PolicyError,
    QuotaError,
    UnavailableError,
    UnknownDomainError,
)
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.local_keys import open_local_key
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import Blinding
from blindplate.edge.settings import TlsFiles
from blindplate.server.custodian import local_keys
from tests.adversary.defences import let_pass
from tests.adversary.evaluating import evaluated, key_of, secret_fetched
from tests.adversary.permissions import (
    amended,
    camera_slipped_in,
    clock_at,
    grant_one_custodian_did_not_sign,
    local_mode,
    suspended_by,
    zone_written_in,
)
from tests.integration.owner.world import World

POLICE, OUTER = Domain("police", "inner", 1), Domain("police", "outer", 1)
BOTH = ("custodian-a", "custodian-b")
# What is done to the deployment around an attack, and undone after it.
Setting = Callable[[World], AbstractContextManager[object]]


def nothing(_world: World) -> AbstractContextManager[object]:
    """The deployment as it is."""
    return nullcontext()


def attack(
    name: str, party: str, domain: Domain, error: type[BlindplateError], setting: Setting = nothing
) -> Any:
    return pytest.param(party, domain, error, setting, id=name)


def before_it_begins(world: World) -> AbstractContextManager[object]:
    return clock_at(world, lambda grant: grant.not_before - 1)


def when_it_has_ended(world: World) -> AbstractContextManager[object]:
    return clock_at(world, lambda grant: grant.not_after)


ATTACKS = [
    attack("by-another-lists-owner", "owner-emissions", POLICE, UnknownDomainError),
    attack("for-a-list-without-a-grant", "owner-police", Domain("rally", "inner", 1), UnknownDomainError),
    attack("for-a-zone-without-a-grant", "owner-police", Domain("police", "abbey", 1), UnknownDomainError),
    attack("for-a-coming-generation", "owner-police", Domain("police", "inner", 2), UnknownDomainError),
    attack("for-a-past-generation", "camera-1", Domain("police", "inner", 0), UnknownDomainError),
    attack("by-a-camera-of-another-zone", "camera-2", POLICE, IdentityError),
    attack("by-the-matcher", "matcher", POLICE, IdentityError),
    attack("by-the-operator", "operator", POLICE, IdentityError),
    attack("by-an-officer", "officer-a-1", POLICE, IdentityError),
    attack("by-the-other-custodian", "custodian-b", POLICE, IdentityError),
    attack("before-the-grant-begins", "owner-police", POLICE, GrantError, before_it_begins),
    attack("when-the-grant-has-ended", "camera-1", POLICE, GrantError, when_it_has_ended),
    attack(
        "under-a-grant-one-custodian-did-not-sign",
        "owner-police",
        Domain("rally", "inner", 1),
        UnknownDomainError,
        grant_one_custodian_did_not_sign,
    ),
    attack(
        "for-a-zone-written-into-the-grant-by-its-owner",
        "owner-police",
        Domain("police", "abbey", 1),
        UnknownDomainError,
        zone_written_in,
    ),
    attack(
        "by-a-camera-slipped-into-the-register-after-the-grant",
        "camera-2",
        POLICE,
        IdentityError,
        camera_slipped_in,
    ),
]


@pytest.mark.parametrize(("party", "domain", "error", "setting"), ATTACKS)
def test_nothing_is_evaluated(
    party: str, domain: Domain, error: type[BlindplateError], setting: Setting, world: World
) -> None:
    blinding = Blinding.blind([b"a plate"])
    with setting(world):
        for custodian in Custodian:
            with pytest.raises(error) as caught:
                evaluated(world, custodian, world.tls(party), domain, blinding)
            assert caught.value.code == error.code
    for custodian in Custodian:
        key = key_of(world, custodian, domain)
        output = blinding.finalize(*key.blind_evaluate(blinding.blinded), key.public)
        assert output == [key.evaluate(b"a plate")]


def test_everyone_who_is_refused_differs_in_one_thing_from_who_is_answered(world: World) -> None:
    """So that the refusals above are for what they are named after."""
    blinding = Blinding.blind([b"a plate"])
    for party, domain in (("owner-police", POLICE), ("camera-1", POLICE), ("camera-2", OUTER)):
        for custodian in Custodian:
            answer = evaluated(world, custodian, world.tls(party), domain, blinding)
            blinding.finalize(answer.evaluated, answer.proof, key_of(world, custodian, domain).public)


@pytest.mark.parametrize("custodian", Custodian)
def test_one_custodian_that_suspends_a_grant_is_enough(custodian: Custodian, world: World) -> None:
    blinding = Blinding.blind([b"a plate"])
    other = next(one for one in Custodian if one is not custodian)
    with suspended_by(world, custodian):
        for party in ("owner-police", "camera-1"):
            with pytest.raises(GrantError):
                evaluated(world, custodian, world.tls(party), POLICE, blinding)
            # Half a pseudonym is none.
            assert evaluated(world, other, world.tls(party), POLICE, blinding).proof


def test_a_spent_quota_evaluates_nothing_not_even_after_a_restart(world: World) -> None:
    camera, blinding = world.tls("camera-3"), Blinding.blind([b"a plate"])
    for _ in range(2):
        evaluated(world, Custodian.A, camera, POLICE, Blinding.blind([os.urandom(8) for _ in range(200)]))
    for _ in range(2):
        with pytest.raises(QuotaError):
            evaluated(world, Custodian.A, camera, POLICE, blinding)
        world.stop_custodian(Custodian.A)
        world.start_custodian(Custodian.A)
    # The defence removed: the key itself knows no quota.
    key = key_of(world, Custodian.A, POLICE)
    assert blinding.finalize(*key.blind_evaluate(blinding.blinded), key.public)


def test_an_owners_quota_is_its_grants_in_however_many_zones_it_asks(world: World) -> None:
    owner, many = world.tls("owner-police"), Blinding.blind([os.urandom(8) for _ in range(12)])
    with amended(world, "police", evaluations_per_day=20):
        evaluated(world, Custodian.B, owner, POLICE, many)
        with pytest.raises(QuotaError):
            evaluated(world, Custodian.B, owner, OUTER, many)


def test_a_certificate_of_another_authority_is_not_even_heard(world: World, tmp_path: Path) -> None:
    forger = Authority(world.deployment.plan.begins, 30)
    assert forger.issue(tmp_path, "owner", "owner-police") == "spiffe://blindplate/owner/owner-police"
    tls = TlsFiles(
        certificate=tmp_path / "tls.crt",
        key=tmp_path / "tls.key",
        authority=world.tls("owner-police").authority,
    )
    with pytest.raises(UnavailableError):
        evaluated(world, Custodian.A, tls, POLICE, Blinding.blind([b"a plate"]))


@pytest.mark.parametrize(
    ("party", "signers", "error"),
    [
        pytest.param("camera-1", (), PolicyError, id="in-an-oblivious-zone"),
        pytest.param("camera-1", ("custodian-a", "operator"), PolicyError, id="by-a-policy-one-signed"),
        pytest.param("camera-2", BOTH, IdentityError, id="by-a-camera-of-another-zone"),
        pytest.param("owner-police", BOTH, IdentityError, id="by-an-owner"),
        pytest.param("matcher", BOTH, IdentityError, id="by-the-matcher"),
    ],
)
def test_a_domains_secret_is_not_handed_out(
    party: str, signers: tuple[str, ...], error: type[BlindplateError], world: World
) -> None:
    recipient = OpeningKey.from_seed(generate_seed())
    with local_mode(world, *signers) if signers else nullcontext():
        for custodian in Custodian:
            with pytest.raises(error):
                secret_fetched(world, custodian, party, POLICE, recipient.public)


def test_a_domains_secret_is_not_handed_out_by_a_policy_that_the_public_does_not_see(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both custodians signed it, and put it into their folders only."""
    recipient = OpeningKey.from_seed(generate_seed())
    with local_mode(world, *BOTH, entered=False):
        for custodian in Custodian:
            with pytest.raises(PolicyError):
                secret_fetched(world, custodian, "camera-1", POLICE, recipient.public)
        # The defence removed: what a custodian finds in its folder is enough.
        monkeypatch.setattr(local_keys, "_require_local", let_pass)
        for custodian in Custodian:
            sealed = secret_fetched(world, custodian, "camera-1", POLICE, recipient.public)
            secret = open_local_key(sealed, custodian, POLICE, recipient).secret
            assert secret == key_of(world, custodian, POLICE).secret


def test_a_domains_secret_goes_to_its_camera_alone_where_both_custodians_signed_for_it(world: World) -> None:
    """The defence removed, as both custodians may; and sealed, so that nobody on the way has it."""
    recipient, thief = (OpeningKey.from_seed(generate_seed()) for _ in range(2))
    with local_mode(world, *BOTH):
        for custodian in Custodian:
            sealed = secret_fetched(world, custodian, "camera-1", POLICE, recipient.public)
            secret = open_local_key(sealed, custodian, POLICE, recipient).secret
            assert secret == key_of(world, custodian, POLICE).secret
            with pytest.raises(EnvelopeError):
                open_local_key(sealed, custodian, POLICE, thief)
