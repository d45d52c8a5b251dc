"""A sealed record, a witnessed request, both custodians, their shares, the plate: automatic and by officers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blindplate.cli.deployment import Plan
from blindplate.client.officer import decide, pending
from blindplate.core.errors import EnvelopeError, ShareError
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records.commitments import check_pseudonym
from blindplate.core.records.opening import open_payload
from blindplate.core.statements.disclosure import DisclosedField
from blindplate.core.statements.releases import Verdict
from blindplate.v1 import release_pb2 as v1

from .conftest import Custodians
from .requesting import PLATE, Case, officer

A, B = Custodian


@pytest.fixture
def emissions(custodians: Custodians) -> Case:
    return Case(custodians, "emissions")


@pytest.fixture
def police(custodians: Custodians) -> Case:
    return Case(custodians, "police")


def test_automatic_release_reveals_the_plate_and_its_pseudonym_is_the_one_committed_to(
    emissions: Case,
) -> None:
    sealed = emissions.sealed()
    statement = emissions.asked(sealed)

    replies = {}
    for custodian in Custodian:
        status = emissions.released(custodian, statement)
        decision = emissions.decision(custodian, status)
        assert (decision.verdict, decision.code, decision.automatic) == ("approved", "ok", True)
        replies[custodian] = emissions.reply(custodian, statement, status)

    payload = open_payload(sealed.record, replies[A].share, replies[B].share, sealed.match_secret)
    assert payload.plate == PLATE
    assert replies[A].capture_time_ms == replies[B].capture_time_ms == payload.capture_time_ms
    # The list's policy withholds the camera, from the answer too.
    assert replies[A].camera_id == replies[B].camera_id == ""
    assert replies[A].n_y == replies[B].n_y
    pair = emissions.custodians.pair(emissions.owner)
    domain = sealed.record.header.domain
    (f,) = pair.evaluate(domain, [payload.plate], *pair.evaluation_keys(domain))
    check_pseudonym(sealed.record, pseudonym(f, sealed.record.header.epoch), replies[A].n_y)


def test_manual_release_waits_for_an_officer_of_each_custodian(police: Case) -> None:
    sealed = police.sealed()
    statement = police.asked(sealed)
    replies = {}
    for custodian in Custodian:
        assert police.submit(custodian, statement).state == v1.RELEASE_STATE_PENDING
        status = police.check(custodian, statement)
        assert (status.state, status.sealed_share) == (v1.RELEASE_STATE_PENDING, b"")
        assert not status.HasField("decision")

        (waiting,) = pending(officer(police, custodian))
        assert waiting.request_id == statement.statement_id
        assert waiting.request.case_reference == "case 1"
        decision = decide(officer(police, custodian), waiting.request_id, Verdict.APPROVED, "Warrant seen.")
        assert decision is not None
        assert (decision.verdict, decision.automatic) == ("approved", False)
        assert decision.officers == (f"officer-{custodian}-1",)
        assert pending(officer(police, custodian)) == []

        status = police.approved(custodian, statement)
        replies[custodian] = police.reply(custodian, statement, status)
        assert police.decision(custodian, status) == decision
    payload = open_payload(sealed.record, replies[A].share, replies[B].share, sealed.match_secret)
    assert payload.plate == PLATE
    assert replies[A].camera_id == replies[B].camera_id == payload.camera_id == "camera-1"


def test_the_answer_names_the_camera_that_signed_whatever_the_payload_says(police: Case) -> None:
    # Camera 3, of the same zone, seals the name of camera 1.
    sealed = police.sealed(signer="camera-3")
    statement = police.asked(sealed)
    replies = {}
    for custodian in Custodian:
        police.submit(custodian, statement)
        decide(officer(police, custodian), statement.statement_id, Verdict.APPROVED, "Warrant seen.")
        replies[custodian] = police.reply(custodian, statement, police.approved(custodian, statement))
    payload = open_payload(sealed.record, replies[A].share, replies[B].share, sealed.match_secret)
    assert payload.camera_id == "camera-1"
    assert replies[A].camera_id == replies[B].camera_id == "camera-3"


class TestTimeWithheld:
    """A policy that does not disclose the exact time."""

    @pytest.fixture
    def plan(self, plan: Plan) -> Plan:
        fields = frozenset({DisclosedField.PLATE_PATCH})
        return replace(
            plan,
            lists=tuple(
                replace(entry, disclosure=entry.disclosure.model_copy(update={"fields": fields}))
                for entry in plan.lists
            ),
        )

    def test_the_answer_tells_no_more_of_the_time_than_the_header(self, emissions: Case) -> None:
        sealed = emissions.sealed()
        statement = emissions.asked(sealed)
        reply = emissions.reply(A, statement, emissions.released(A, statement))
        assert reply.capture_time_ms == sealed.record.header.capture_time_ms


def test_a_share_of_another_record_is_named(emissions: Case) -> None:
    sealed, other = emissions.sealed(), emissions.sealed()
    statement, foreign = emissions.asked(sealed), emissions.asked(other)
    share = emissions.reply(A, statement, emissions.released(A, statement)).share
    wrong = emissions.reply(B, foreign, emissions.released(B, foreign)).share
    with pytest.raises(ShareError) as caught:
        open_payload(sealed.record, share, wrong, sealed.match_secret)
    assert caught.value.custodian == "b"


def test_a_reply_is_bound_to_custodian_and_request(emissions: Case) -> None:
    statement = emissions.asked(emissions.sealed())
    status = emissions.released(A, statement)
    with pytest.raises(EnvelopeError):
        emissions.reply(B, statement, status)
    with pytest.raises(EnvelopeError):
        emissions.reply(A, emissions.signed(emissions.request(emissions.sealed())), status)


def test_an_alternate_reading_is_never_released_automatically(emissions: Case) -> None:
    statement = emissions.asked(emissions.sealed(alternate=True))
    assert emissions.submit(A, statement).state == v1.RELEASE_STATE_PENDING
    assert decide(officer(emissions, A), statement.statement_id, Verdict.APPROVED, "Compared by eye.")
    emissions.approved(A, statement)
