"""Every reason for which a release is refused, one test each: an authentic request gets a signed denial with its code,
any other an error and no entry."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from blindplate.cli.deployment import Plan
from blindplate.client.officer import OfficerSettings, decisions
from blindplate.core.domains import Domain, EpochKind, EpochRule
from blindplate.core.errors import (
    BlindplateError,
    GrantError,
    IdentityError,
    MessageError,
    QuotaError,
    SignatureError,
)
from blindplate.core.hpke import OpeningKey, SealingKey, generate_seed
from blindplate.core.parties import Custodian
from blindplate.core.records.sealing import Sealed
from blindplate.core.signing import Statement
from blindplate.core.statements.purposes import Purpose
from blindplate.edge.settings import load
from blindplate.v1 import release_pb2 as v1

from .conftest import Custodians
from .requesting import Case, altered

A, B = Custodian


@pytest.fixture
def plan(plan: Plan) -> Plan:
    """Grants that began an hour ago and end tomorrow."""
    return replace(plan, days=2)


@pytest.fixture
def case(custodians: Custodians) -> Case:
    return Case(custodians, "emissions")


def record_of_decisions(case: Case) -> list[str]:
    settings = load(OfficerSettings, case.custodians.deployment.settings("officer-a-1"))
    return [
        decision.code
        for decision in decisions(settings.model_copy(update={"address": case.custodians.address(A)}))
    ]


def asked(case: Case, sealed: Sealed, **changed: Any) -> Statement:
    return case.signed(case.request(sealed, **changed))


# Refused without an entry: not the requester's own word.


@pytest.mark.parametrize(
    ("make", "party", "error"),
    [
        pytest.param(
            lambda case, sealed: case.request(sealed).statement(case.signing_key("owner-police")),
            "owner-emissions",
            SignatureError,
            id="signed-by-another-owner",
        ),
        pytest.param(
            lambda case, sealed: case.request(sealed).statement(),
            "owner-emissions",
            SignatureError,
            id="unsigned",
        ),
        pytest.param(
            lambda case, sealed: Statement(
                "application/json", case.request(sealed).statement().payload
            ).signed_by(case.signing_key("owner-emissions")),
            "owner-emissions",
            SignatureError,
            id="statement-of-another-type",
        ),
        pytest.param(
            asked,
            "owner-police",
            IdentityError,
            id="brought-by-another-owner",
        ),
        pytest.param(
            lambda case, sealed: case.request(
                sealed, requester="spiffe://blindplate/owner/owner-police"
            ).statement(case.signing_key("owner-police")),
            "owner-police",
            GrantError,
            id="grant-of-another-owner",
        ),
        pytest.param(
            lambda case, sealed: asked(case, sealed, grant_id="emissions-2"),
            "owner-emissions",
            GrantError,
            id="unknown-grant",
        ),
        pytest.param(
            lambda case, sealed: Statement(case.request(sealed).media_type(), b"{}").signed_by(
                case.signing_key("owner-emissions")
            ),
            "owner-emissions",
            MessageError,
            id="fields-missing",
        ),
    ],
)
def test_not_its_senders_own_word(
    case: Case, make: Callable[[Case, Sealed], Statement], party: str, error: type[BlindplateError]
) -> None:
    statement = make(case, case.sealed())
    with pytest.raises(error):
        case.submit(A, statement, party=party)
    assert record_of_decisions(case) == []


# Refused with a signed decision.


def test_accepted_as_it_is(case: Case) -> None:
    # What the tests below change is all that stands between a request and its share.
    assert case.submit(A, asked(case, case.sealed())).state == v1.RELEASE_STATE_APPROVED


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"purpose": Purpose.MURDER}, "policy", id="purpose-of-a-hotlist"),
        pytest.param({"match_proof": bytes(32)}, "match-proof", id="match-proof-wrong"),
        pytest.param({"record": b"\xff"}, "message", id="record-unreadable"),
        pytest.param({"ciphertext_digest": bytes(32)}, "signature", id="ciphertext-of-another"),
        pytest.param({"reply_key": bytes(1216)}, "envelope", id="reply-key-of-no-secret"),
        pytest.param({"reply_key": b"\xff" * 1216}, "message", id="reply-key-not-a-key"),
    ],
)
def test_a_field_of_the_request(case: Case, changed: dict[str, Any], code: str) -> None:
    assert case.refusal(asked(case, case.sealed(), **changed)) == code
    assert record_of_decisions(case) == [code]


@pytest.mark.parametrize(
    ("made_at", "expires_at", "code"),
    [
        pytest.param(-7200, -3600, "expired", id="expired"),
        pytest.param(600, 3600, "expired", id="made-in-the-future"),
        pytest.param(0, 0, "message", id="expires-as-it-is-made"),
        pytest.param(0, 32 * 86_400, "message", id="lives-too-long"),
    ],
)
def test_times_of_the_request(case: Case, made_at: int, expires_at: int, code: str) -> None:
    now = int(case.custodians.clock.now())
    statement = asked(case, case.sealed(), made_at=now + made_at, expires_at=now + expires_at)
    assert case.refusal(statement) == code


def test_a_hotlist_record_for_an_unpaid_charge(custodians: Custodians) -> None:
    police = Case(custodians, "police")
    assert police.refusal(asked(police, police.sealed(), purpose=Purpose.UNPAID_CHARGE)) == "policy"


def test_a_nonce_used_for_other_content(case: Case) -> None:
    sealed, nonce = case.sealed(), os.urandom(16)
    first = asked(case, sealed, nonce=nonce)
    assert case.submit(A, first).state == v1.RELEASE_STATE_APPROVED
    assert case.refusal(asked(case, sealed, nonce=nonce, case_reference="another")) == "replay"
    assert case.submit(A, first).state == v1.RELEASE_STATE_APPROVED


def test_a_record_with_its_ciphertext(case: Case) -> None:
    sealed = case.sealed()
    assert case.refusal(asked(case, sealed, record=sealed.record.to_bytes())) == "message"


def test_grant_over_meanwhile(case: Case) -> None:
    sealed = case.sealed()
    case.custodians.clock.offset = 2 * 86_400
    assert case.refusal(asked(case, sealed)) == "grant"


def test_captured_before_the_grant(case: Case) -> None:
    sealed = case.sealed(captured=case.grant.not_before - 60)
    assert case.refusal(asked(case, sealed)) == "grant"


def test_captured_in_the_future(case: Case) -> None:
    sealed = case.sealed(captured=case.custodians.clock.now() + 600)
    assert case.refusal(asked(case, sealed)) == "commitment"


def test_grant_suspended_by_one_custodian_only(case: Case) -> None:
    statement = asked(case, case.sealed())
    suspended = case.custodians.settings(A).data / "suspended"
    suspended.mkdir()
    (suspended / "emissions-1").touch()
    assert case.refusal(statement, A) == "grant"
    assert case.submit(B, statement).state == v1.RELEASE_STATE_APPROVED


def test_domain_outside_the_grant(case: Case) -> None:
    sealed = case.sealed(domain=Domain("emissions", "inner", 2))
    assert case.refusal(asked(case, sealed)) == "grant"


def test_record_of_another_list_under_this_grant(case: Case) -> None:
    sealed = Case(case.custodians, "police").sealed()
    assert case.refusal(asked(case, sealed)) == "grant"


def test_epoch_not_cut_as_the_grant_says(case: Case) -> None:
    epoch = EpochRule(EpochKind.SPAN, 3600).at(case.custodians.clock.now())
    assert case.refusal(asked(case, case.sealed(epoch=epoch))) == "policy"


def test_time_finer_than_the_grant_says(case: Case) -> None:
    assert case.refusal(asked(case, case.sealed(time_granularity_ms=1000))) == "policy"


def test_camera_shown_against_the_grant(case: Case) -> None:
    assert case.refusal(asked(case, case.sealed(discloses_camera=True))) == "policy"


def test_camera_of_another_zone(case: Case) -> None:
    assert case.refusal(asked(case, case.sealed(signer="camera-2"))) == "signature"


def test_signed_by_no_camera(case: Case) -> None:
    assert case.refusal(asked(case, case.sealed(signer="owner-emissions"))) == "signature"


def test_no_signature_at_all(case: Case) -> None:
    sealed = case.sealed()
    bare = altered(sealed.record, origin=None)
    assert case.refusal(asked(case, sealed, record=bare.to_bytes())) == "signature"


def test_header_changed_after_signing(custodians: Custodians) -> None:
    police = Case(custodians, "police")
    sealed = police.sealed(alternate=True)
    # What would make it an automatic release elsewhere. The share is bound to the header, too.
    header = replace(sealed.record.header, alternate=False)
    statement = asked(police, sealed, record=altered(sealed.record, header=header).to_bytes())
    assert police.refusal(statement) == "match-proof"


def test_key_commitment_changed_after_signing(case: Case) -> None:
    sealed = case.sealed()
    statement = asked(case, sealed, record=altered(sealed.record, c_k=bytes(32)).to_bytes())
    assert case.refusal(statement) == "signature"


def test_share_commitment_of_another_record(case: Case) -> None:
    sealed, other = case.sealed(), case.sealed()
    record = altered(sealed.record, c_a=other.record.c_a)
    assert case.refusal(asked(case, sealed, record=record.to_bytes())) == "share"


def test_envelope_of_another_record(case: Case) -> None:
    sealed, other = case.sealed(), case.sealed()
    record = altered(sealed.record, env_a=other.record.env_a)
    assert case.refusal(asked(case, sealed, record=record.to_bytes())) == "envelope"


def test_sealed_to_a_key_never_announced(case: Case) -> None:
    foreign = SealingKey.from_public(OpeningKey.from_seed(generate_seed()).public)
    assert case.refusal(asked(case, case.sealed(custodian_a=foreign))) == "envelope"


def test_release_key_destroyed(case: Case) -> None:
    sealed = case.sealed()
    folder = case.custodians.settings(A).data / "release-keys"
    (folder / f"{sealed.record.header.key_id_a.hex()}.seed").unlink()
    assert case.refusal(asked(case, sealed)) == "gone"


def test_register_of_the_zone_missing(case: Case) -> None:
    statement = asked(case, case.sealed())
    (case.custodians.deployment.public / "registers" / "inner.json").unlink()
    assert case.refusal(statement) == "grant"


def test_a_flood_of_refusals_is_turned_away_unrecorded(case: Case) -> None:
    sealed = case.sealed()
    codes = []
    for _ in range(220):
        try:
            codes.append(case.refusal(asked(case, sealed, purpose=Purpose.MURDER)))
        except QuotaError:
            codes.append("turned-away")
    assert codes[:200] == ["policy"] * 200
    assert "turned-away" in codes
    assert len(record_of_decisions(case)) == codes.count("policy")
    # What is not refused is still taken in.
    assert case.submit(A, asked(case, sealed)).state == v1.RELEASE_STATE_APPROVED
