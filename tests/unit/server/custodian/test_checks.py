"""Every check of a witnessed request, one test a defect; each is a signed refusal with the code of its error."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from blindplate.core.domains import CHARGING_DAY, HOURLY, Domain
from blindplate.core.errors import CommitmentError
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.parties import Custodian
from blindplate.core.records.header import Header
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.core.statements.purposes import Purpose
from blindplate.server.custodian.checks import SKEW_SECONDS, _check_capture

from .desk import BEGAN, NOW, Desk


def test_nothing_wrong(desk: Desk) -> None:
    # What the tests below change is all that stands between a request and an officer's approval.
    standing = desk.ask(desk.sealed())
    assert standing.state == "pending"
    assert desk.say("anna", standing.request_id).state == "approved"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"purpose": Purpose.UNPAID_CHARGE}, "policy", id="purpose-of-an-emissions-list"),
        pytest.param({"emergency": True}, "policy", id="emergency-without-a-grant-for-it"),
        pytest.param({"match_proof": bytes(32)}, "match-proof", id="match-proof-wrong"),
        pytest.param({"reply_key": bytes(1216)}, "envelope", id="reply-key-of-no-secret"),
        pytest.param({"reply_key": b"\xff" * 1216}, "message", id="reply-key-not-a-key"),
        pytest.param({"ciphertext_digest": bytes(32)}, "signature", id="ciphertext-of-another"),
        pytest.param({"made_at": NOW - 7200, "expires_at": NOW - 3600}, "expired", id="expired"),
        pytest.param({"made_at": NOW + 600, "expires_at": NOW + 900}, "expired", id="of-the-future"),
        pytest.param({"expires_at": NOW + 32 * 86_400}, "message", id="lives-too-long"),
    ],
)
def test_a_field_of_the_request(desk: Desk, changed: dict[str, Any], code: str) -> None:
    assert desk.outcome(desk.ask(desk.sealed(), **changed)) == code


def test_a_nonce_used_for_other_content(desk: Desk) -> None:
    nonce = os.urandom(16)
    assert desk.ask(desk.sealed(), nonce=nonce).state == "pending"
    assert desk.outcome(desk.ask(desk.sealed(), nonce=nonce)) == "replay"


# The grant, now and at the capture.


def test_a_grant_that_ended_since_the_capture(desk: Desk) -> None:
    end = GrantEnd(grant_id="police-1", reason="over", made_at=NOW - 30)
    desk.book.enter(end, desk.who.operator, at=NOW - 30)
    assert desk.outcome(desk.ask(desk.sealed(captured=NOW - 60))) == "grant"


def test_the_law_of_an_amendment_that_is_in_force_no_more_or_not_yet(desk: Desk) -> None:
    before = desk.grant.lawful_basis
    desk.book.enter_grant(desk.amended(amendment=1, lawful_basis="another act"), NOW - 30)
    assert desk.outcome(desk.ask(desk.sealed(), lawful_basis="another act")) == "policy"
    waiting = desk.ask(desk.sealed(), lawful_basis=before)
    assert waiting.state == "pending"
    desk.clock.moment = NOW + 30
    assert desk.outcome(desk.ask(desk.sealed(), lawful_basis=before)) == "policy"
    assert desk.outcome(desk.say("anna", waiting.request_id)) == "policy"
    assert desk.ask(desk.sealed(), lawful_basis="another act").state == "pending"


def test_a_grant_past_its_end(desk: Desk) -> None:
    desk.clock.moment = NOW + 31 * 86_400
    desk.keys.maintain(desk.clock.moment, 7_200)
    assert desk.outcome(desk.ask(desk.sealed(captured=desk.clock.moment - 60))) == "grant"


def test_captured_before_the_notice_was_over(desk: Desk) -> None:
    assert desk.outcome(desk.ask(desk.sealed(captured=BEGAN + 59))) == "grant"
    assert desk.ask(desk.sealed(captured=BEGAN + 60)).state == "pending"


@pytest.mark.parametrize(("custodian", "state"), [(Custodian.A, "denied"), (Custodian.B, "pending")])
def test_a_grant_suspended_by_this_custodian_or_by_the_other(
    desk: Desk, custodian: Custodian, state: str
) -> None:
    word = GrantSuspension(
        grant_id="police-1", custodian=custodian, suspended=True, reason="doubts", made_at=NOW
    )
    key = desk.who.custodian_a if custodian is Custodian.A else desk.who.custodian_b
    desk.book.enter(word, key, at=NOW)
    # The other refuses for itself, and no record opens with one share.
    assert desk.ask(desk.sealed()).state == state


def test_what_was_captured_while_this_custodian_had_suspended_the_grant(desk: Desk) -> None:
    for at, suspended in ((NOW - 3_000, True), (NOW - 2_000, False)):
        for custodian, key in ((Custodian.A, desk.who.custodian_a), (Custodian.B, desk.who.custodian_b)):
            word = GrantSuspension(
                grant_id="police-1",
                custodian=custodian,
                suspended=suspended,
                reason="doubts",
                # The other's was resumed at once: what it suspended is for that one to refuse.
                made_at=at if custodian is Custodian.A else at - 1_000,
            )
            desk.book.enter(word, key, at=word.made_at)
    for captured in (NOW - 3_000, NOW - 2_001):
        assert desk.outcome(desk.ask(desk.sealed(captured=captured))) == "grant"
    for captured in (NOW - 3_001, NOW - 2_000):
        assert desk.ask(desk.sealed(captured=captured)).state == "pending"


def test_a_record_is_judged_by_the_amendment_it_was_captured_under(desk: Desk) -> None:
    coarser = desk.grant.disclosure.model_copy(update={"time_granularity_seconds": 600})
    desk.book.enter_grant(desk.amended(amendment=1, disclosure=coarser), NOW - 3_600)
    begins = NOW - 3_600 + 60
    for captured, right, wrong in ((begins - 1, 60_000, 600_000), (begins, 600_000, 60_000)):
        assert desk.ask(desk.sealed(captured=captured, time_granularity_ms=right)).state == "pending"
        standing = desk.ask(desk.sealed(captured=captured, time_granularity_ms=wrong))
        assert desk.outcome(standing) == "policy"


def test_another_key_generation_than_the_grant_names(desk: Desk) -> None:
    assert desk.outcome(desk.ask(desk.sealed(domain=Domain("police", "inner", 2)))) == "grant"


@pytest.mark.parametrize(
    "context",
    [{"time_granularity_ms": 1_000}, {"discloses_camera": False}, {"epoch": CHARGING_DAY.at(NOW - 60)}],
)
def test_a_form_the_grant_does_not_give(desk: Desk, context: dict[str, Any]) -> None:
    assert desk.outcome(desk.ask(desk.sealed(**context))) == "policy"


# The envelope and the camera.


def test_sealed_to_a_key_never_announced(desk: Desk) -> None:
    foreign = OpeningKey.from_seed(generate_seed()).sealing_key()
    assert desk.outcome(desk.ask(desk.sealed(custodian_a=foreign))) == "envelope"


def test_a_release_key_destroyed(desk: Desk) -> None:
    sealed = desk.sealed()
    (desk.folder / "release-keys" / f"{sealed.record.header.key_id_a.hex()}.seed").unlink()
    assert desk.outcome(desk.ask(sealed)) == "gone"


def test_an_envelope_of_another_record(desk: Desk) -> None:
    sealed, other = desk.sealed(), desk.sealed()
    moved = replace(sealed, record=replace(sealed.record, env_a=other.record.env_a))
    assert desk.outcome(desk.ask(moved)) == "envelope"


def test_a_share_commitment_of_another_record(desk: Desk) -> None:
    sealed, other = desk.sealed(), desk.sealed()
    moved = replace(sealed, record=replace(sealed.record, c_a=other.record.c_a))
    assert desk.outcome(desk.ask(moved)) == "share"


def test_captured_in_the_future(desk: Desk) -> None:
    assert desk.outcome(desk.ask(desk.sealed(captured=NOW + SKEW_SECONDS + 1))) == "commitment"


def test_signed_by_no_camera_of_the_register(desk: Desk) -> None:
    assert desk.outcome(desk.ask(desk.sealed(signer=desk.stranger))) == "signature"


def test_without_a_signature(desk: Desk) -> None:
    sealed = desk.sealed()
    assert desk.outcome(desk.ask(replace(sealed, record=replace(sealed.record, origin=None)))) == "signature"


def test_signed_by_a_camera_revoked_since(desk: Desk) -> None:
    sealed = desk.sealed(captured=NOW - 600)
    desk.book.revoke("camera-1", "inner", desk.camera.public, NOW)
    # A thief with its key dates records back.
    assert desk.outcome(desk.ask(sealed)) == "identity"


def test_signed_by_a_camera_that_joined_the_zone_later(desk: Desk) -> None:
    # A generation of its own, which the grant names from its next amendment on.
    later = desk.register().model_copy(update={"generation": 2})
    later = later.model_copy(
        update={"cameras": (later.cameras[0].model_copy(update={"signing_key": desk.stranger.public}),)}
    )
    digest = desk.book.enter_register(later, NOW - 3_600)
    zone = desk.grant.zones[0].model_copy(update={"generation": 2, "register_digest": digest})
    desk.book.enter_grant(desk.amended(amendment=1, zones=(zone,)), NOW - 3_600)
    begins = NOW - 3_600 + 60
    assert desk.outcome(desk.ask(desk.sealed(captured=begins - 1, signer=desk.stranger))) == "signature"
    assert desk.ask(desk.sealed(captured=begins - 1)).state == "pending"
    # The record of the old generation is of no domain the grant had from then on.
    assert desk.outcome(desk.ask(desk.sealed(captured=begins))) == "grant"


# The exact time against the header's: no camera of this project can be made to fail this one.

HEADER = Header(
    record_id=bytes(16),
    camera_ref=bytes(32),
    domain=Domain("police", "inner", 1),
    epoch=HOURLY.at(5400),
    # Two epochs meet inside the span the header's coarse time stands for.
    capture_time_ms=0,
    time_granularity_ms=7_200_000,
    alternate=False,
    key_id_a=bytes(16),
    key_id_b=bytes(16),
    c_y=bytes(32),
)


def test_an_exact_time_inside_the_headers_epoch() -> None:
    _check_capture(HEADER, 3_600.0, 5_000)
    _check_capture(HEADER, 5_000.0 + SKEW_SECONDS, 5_000)


@pytest.mark.parametrize("captured", [3_599.999, 5_001.0 + SKEW_SECONDS])
def test_an_exact_time_in_the_epoch_before_or_in_the_future(captured: float) -> None:
    with pytest.raises(CommitmentError):
        _check_capture(HEADER, captured, 5_000)
