"""The operator's words on cameras, a zone's next key generation, and its policy: by what the ledger holds, or refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path

import pytest

from blindplate.client.grants import cameras, policy, renewal
from blindplate.client.grants.description import draft, read_description
from blindplate.core.domains import CHARGING_DAY, LONDON, Domain
from blindplate.core.errors import (
    GrantError,
    IdentityError,
    NotFoundError,
    PolicyError,
    SignatureError,
    StateError,
)
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.announced_keys import EvaluationKey
from blindplate.core.statements.cameras import CameraStanding, RegisterEntry
from blindplate.core.statements.grants import ChargingTerms, Grant, ListKind
from blindplate.core.statements.model import DomainPart, EpochRulePart
from blindplate.core.statements.policies import (
    PseudonymMode,
    RegisteredCamera,
    ZonePolicy,
    ZoneRegister,
    register_digest,
)
from blindplate.edge.tls import spiffe_id
from tests.unit.client.grants.papers import Papers, described, owner_settings

# After the sample grant has begun.
NOW = 1_803_900_000
NOTICE = 28 * 86_400


@dataclass
class Zone(Papers):
    """A ledger with a grant over the zone in force, its evaluation keys and a policy."""

    grant: Grant = field(init=False)

    def begin(self, folder: Path) -> None:
        path = described(folder)
        self.grant = draft(
            read_description(path), path.parent, owner_settings(), self.owner.public, self.state, ["prompt"]
        )
        self.enter_grant(self.grant, witnessed_at=self.grant.not_before - NOTICE)
        self.enter_keys(1)
        signed = policy.draft("inner", self.state, self.parties, NOW, PseudonymMode.OBLIVIOUS)
        for custodian in (self.custodian_a, self.custodian_b):
            signed = policy.sign(signed, custodian, self.parties, self.state)
        self.enter(signed)

    def enter_grant(self, grant: Grant, witnessed_at: int = NOW) -> None:
        self.enter(
            grant.statement(self.operator, self.custodian_a, self.custodian_b), witnessed_at=witnessed_at
        )

    def enter_keys(self, generation: int) -> None:
        for custodian, signer in ((Custodian.A, self.custodian_a), (Custodian.B, self.custodian_b)):
            domain = DomainPart.of(Domain("police", "inner", generation))
            public = bytes([generation, 7]) + bytes(30)
            self.enter(EvaluationKey(custodian=custodian, domain=domain, public=public).statement(signer))

    def enter_document(self, register: Statement) -> None:
        said = ZoneRegister.parsed(register.payload)
        entry = RegisterEntry(
            zone=said.zone,
            generation=said.generation,
            cameras=len(said.cameras),
            register_digest=register_digest(register.payload),
            made_at=NOW,
        )
        self.enter(entry.statement(self.operator), register)

    def tell(self, name: str, standing: CameraStanding, made_at: int = NOW) -> None:
        zone, camera = cameras.find(name, self.state)
        self.enter(cameras.status(camera, zone, standing, "Why.", self.operator, made_at), witnessed_at=NOW)

    def renew(self, *with_cameras: RegisteredCamera, margin: float = 3600) -> renewal.Renewal:
        made = renewal.renewal("inner", with_cameras, self.state, self.operator, NOW, margin)
        self.enter_document(made.register)
        return made


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    made = Zone()
    made.begin(tmp_path)
    return made


def camera(name: str, number: int = 9) -> RegisteredCamera:
    return RegisteredCamera(
        camera_id=name,
        identity=spiffe_id("camera", name),
        signing_key=bytes([number]) * 32,
        latitude=51.5,
        longitude=-0.1,
    )


def amended(zone: Zone, made: renewal.Renewal) -> Grant:
    ((grant_id, statement),) = made.grants
    assert grant_id == zone.grant.grant_id
    return Grant.verified(statement, [zone.operator.public])


def test_a_camera_is_spoken_of_by_the_key_of_its_newest_register(zone: Zone) -> None:
    zone.renew(camera("camera-1", 5), camera("camera-2", 6))
    assert cameras.find("camera-1", zone.state)[1].signing_key == bytes([5]) * 32
    zone.tell("camera-1", CameraStanding.SUSPECT)
    assert set(zone.state.suspected) == {spiffe_id("camera", "camera-1")}
    zone.tell("camera-1", CameraStanding.REVOKED, NOW + 1)
    assert (set(zone.state.suspected), set(zone.state.revoked)) == (
        set(),
        {spiffe_id("camera", "camera-1")},
    )


def test_another_partys_word_on_a_camera_counts_for_nothing(zone: Zone) -> None:
    _, named = cameras.find("camera-1", zone.state)
    forged = cameras.status(named, "inner", CameraStanding.REVOKED, "Stolen.", zone.owner, NOW)
    with pytest.raises(SignatureError):
        zone.enter(forged)
    assert not zone.state.revoked


@pytest.mark.parametrize(("name", "of_zone"), [("camera-9", None), ("camera-1", "outer")])
def test_a_camera_that_no_register_names_is_not_found(zone: Zone, name: str, of_zone: str | None) -> None:
    with pytest.raises(NotFoundError):
        cameras.find(name, zone.state, of_zone)


def test_of_two_of_one_name_the_zone_has_to_be_said(zone: Zone) -> None:
    zone.enter_register("outer", 1)
    with pytest.raises(NotFoundError, match="2 zones"):
        cameras.find("camera-1", zone.state)
    assert cameras.find("camera-1", zone.state, "outer")[0] == "outer"


def test_the_same_word_twice_and_a_suspicion_of_a_revoked_camera_are_refused(zone: Zone) -> None:
    identity = spiffe_id("camera", "camera-1")
    cameras.require_last_word(identity, CameraStanding.SUSPECT, zone.state)
    zone.tell("camera-1", CameraStanding.SUSPECT)
    with pytest.raises(StateError):
        cameras.require_last_word(identity, CameraStanding.SUSPECT, zone.state)
    cameras.require_last_word(identity, CameraStanding.ENROLLED, zone.state)
    zone.tell("camera-1", CameraStanding.REVOKED, NOW + 1)
    for standing in CameraStanding:
        with pytest.raises(StateError):
            cameras.require_last_word(identity, standing, zone.state)


def test_the_list_has_every_camera_with_its_state_and_what_was_heard_of_it(zone: Zone) -> None:
    zone.renew(camera("camera-1", 1), camera("camera-2", 2), camera("camera-3", 3))
    zone.tell("camera-2", CameraStanding.SUSPECT)
    zone.tell("camera-3", CameraStanding.REVOKED)
    zone.enter_document(
        renewal.renewal("inner", [camera("camera-2", 2)], zone.state, zone.operator, NOW).register
    )
    heard = {spiffe_id("camera", "camera-2"): cameras.SeenCamera(1.0, "low", 2.0, 3.0, 4.0)}
    listed = cameras.listed(zone.state, heard)
    assert [(one.name, one.generation, one.state) for one in listed] == [
        ("camera-1", 2, "dropped"),
        ("camera-2", 3, "suspect"),
        ("camera-3", 2, "revoked"),
    ]
    assert [one.seen is not None for one in listed] == [False, True, False]


def test_the_next_generation_begins_for_all_grants_after_the_longest_notice(zone: Zone) -> None:
    longer = zone.grant.model_copy(
        update={"grant_id": "police-3", "list_id": "other", "notice_seconds": 2 * NOTICE}
    )
    zone.enter_grant(longer)
    made = zone.renew(camera("camera-2"))
    grants = [Grant.parsed(statement.payload) for _, statement in made.grants]
    assert {one.not_before for one in grants} == {made.begins} == {NOW + 2 * NOTICE + 3600}
    assert [one.amendment for one in grants] == [1, 1]
    changed = {"amendment", "zones", "not_before"}
    for before, after in zip((zone.grant, longer), grants, strict=True):
        same = before.model_dump().keys() - changed
        assert all(getattr(before, name) == getattr(after, name) for name in same)
        assert after.zones[0].register_digest == register_digest(made.register.payload)
        zone.enter_grant(after)


def test_with_charging_terms_the_next_generation_begins_at_londons_midnight(zone: Zone) -> None:
    charging = zone.grant.model_copy(
        update={
            "grant_id": "emissions-1",
            "list_id": "emissions",
            "list_kind": ListKind.EMISSIONS,
            "epoch": EpochRulePart.of(CHARGING_DAY),
            "window_seconds": 6 * 86_400,
            "charging": ChargingTerms(payment_days=3),
        }
    )
    zone.enter_grant(charging)
    begins = zone.renew(camera("camera-2")).begins
    assert datetime.fromtimestamp(begins, LONDON).time() == time(0, 0)
    assert 0 <= begins - (NOW + NOTICE + 3600) <= 86_400 + 3600


def test_revoked_cameras_are_not_of_the_next_generation(zone: Zone) -> None:
    zone.renew(camera("camera-1", 1), camera("camera-2", 2))
    zone.tell("camera-1", CameraStanding.REVOKED)
    assert [one.camera_id for one in renewal.present_cameras("inner", zone.state)] == ["camera-2"]
    with pytest.raises(NotFoundError):
        renewal.present_cameras("nowhere", zone.state)


def test_a_grant_that_would_be_over_is_to_be_renewed_first(zone: Zone) -> None:
    with pytest.raises(GrantError, match="renewed first"):
        renewal.renewal("inner", [camera("camera-2")], zone.state, zone.operator, NOW, 366 * 86_400)


def ready(zone: Zone) -> renewal.Renewal:
    """The next generation, as far as a policy can be drafted for it."""
    made = zone.renew(camera("camera-2"))
    zone.enter_grant(amended(zone, made))
    zone.enter_keys(2)
    return made


def test_a_policy_begins_with_the_amendments_and_bears_both_signatures(zone: Zone) -> None:
    made = ready(zone)
    signed = policy.draft("inner", zone.state, zone.parties, NOW)
    assert signed.signatures == ()
    for custodian in (zone.custodian_b, zone.custodian_a):
        signed = policy.sign(signed, custodian, zone.parties, zone.state)
    said = ZonePolicy.verified(signed, [zone.custodian_a.public, zone.custodian_b.public])
    assert (said.serial, said.not_before, said.mode) == (1, made.begins, PseudonymMode.OBLIVIOUS)
    assert [(one.list_id, one.generation) for one in said.lists] == [("police", 2)]
    zone.enter(signed)


def test_without_a_change_of_generation_a_policy_begins_now(zone: Zone) -> None:
    drafted = policy.draft("inner", zone.state, zone.parties, NOW, PseudonymMode.LOCAL)
    said = ZonePolicy.parsed(drafted.payload)
    assert (said.not_before, said.mode, said.lists[0].generation) == (NOW, PseudonymMode.LOCAL, 1)


def test_a_policy_waits_for_the_custodians_keys(zone: Zone) -> None:
    zone.enter_grant(amended(zone, zone.renew(camera("camera-2"))))
    with pytest.raises(NotFoundError, match="Custodian A"):
        policy.draft("inner", zone.state, zone.parties, NOW)
    with pytest.raises(NotFoundError):
        policy.draft("outer", zone.state, zone.parties, NOW)


def test_amendments_that_do_not_begin_together_give_no_policy(zone: Zone) -> None:
    other = zone.grant.model_copy(update={"grant_id": "police-3", "list_id": "other"})
    zone.enter_grant(other)
    made = zone.renew(camera("camera-2"))
    (_, first), (_, second) = made.grants
    zone.enter_grant(Grant.parsed(first.payload))
    # Countersigned too late.
    zone.enter_grant(Grant.parsed(second.payload), witnessed_at=NOW + 7200)
    zone.enter_keys(2)
    with pytest.raises(GrantError, match="same moment"):
        policy.draft("inner", zone.state, zone.parties, NOW)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"serial": 0}, PolicyError),
        ({"matcher": bytes(32)}, PolicyError),
        ({"custodian_a": bytes(32)}, PolicyError),
        ({"not_before": NOW}, GrantError),
    ],
)
def test_a_custodian_signs_no_policy_that_is_not_as_the_ledger_says(
    zone: Zone, changed: dict[str, object], error: type[Exception]
) -> None:
    ready(zone)
    said = ZonePolicy.parsed(policy.draft("inner", zone.state, zone.parties, NOW).payload)
    with pytest.raises(error):
        policy.sign(said.model_copy(update=changed).statement(), zone.custodian_a, zone.parties, zone.state)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"evaluation_key_a": bytes(32)}, PolicyError),
        ({"grant_id": "police-9"}, GrantError),
        ({"generation": 1}, GrantError),
        ({"list_id": "other"}, GrantError),
    ],
)
def test_a_custodian_signs_nothing_else_of_a_list_than_its_grant_says(
    zone: Zone, changed: dict[str, object], error: type[Exception]
) -> None:
    ready(zone)
    said = ZonePolicy.parsed(policy.draft("inner", zone.state, zone.parties, NOW).payload)
    lists = (said.lists[0].model_copy(update=changed),)
    with pytest.raises(error):
        policy.sign(
            said.model_copy(update={"lists": lists}).statement(), zone.custodian_a, zone.parties, zone.state
        )


def test_a_custodian_signs_no_coarser_disclosure_or_finer_time(zone: Zone) -> None:
    ready(zone)
    said = ZonePolicy.parsed(policy.draft("inner", zone.state, zone.parties, NOW).payload)
    finer = said.lists[0].disclosure.model_copy(update={"time_granularity_seconds": 1})
    lists = (said.lists[0].model_copy(update={"disclosure": finer}),)
    with pytest.raises(PolicyError):
        policy.sign(
            said.model_copy(update={"lists": lists}).statement(), zone.custodian_a, zone.parties, zone.state
        )
    twice = said.model_copy(update={"lists": (*said.lists, *said.lists)})
    with pytest.raises(PolicyError, match="twice"):
        policy.sign(twice.statement(), zone.custodian_a, zone.parties, zone.state)


def test_only_custodians_sign_and_another_partys_signature_is_none(zone: Zone) -> None:
    ready(zone)
    drafted = policy.draft("inner", zone.state, zone.parties, NOW)
    with pytest.raises(IdentityError):
        policy.sign(drafted, zone.operator, zone.parties, zone.state)
    with pytest.raises(SignatureError):
        policy.sign(drafted.signed_by(SigningKey.generate()), zone.custodian_a, zone.parties, zone.state)
