"""A sealed record, a request, both custodians, their shares, the plate: automatic, by officers, and after restarts."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace

import pytest

from blindplate.cli.deployment import Plan
from blindplate.client.officer import OfficerSettings, decide, decisions, pending
from blindplate.core.errors import (
    EnvelopeError,
    ExpiredError,
    GoneError,
    IdentityError,
    MessageError,
    NotFoundError,
    PolicyError,
    QuotaError,
    SettingsError,
    ShareError,
    SignatureError,
)
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records.commitments import check_pseudonym
from blindplate.core.records.opening import open_payload
from blindplate.core.signing import SigningKey
from blindplate.core.statements.disclosure import DisclosedField
from blindplate.core.statements.releases import Approval, Verdict
from blindplate.edge.keyfiles import write_secret
from blindplate.edge.settings import load
from blindplate.edge.statuses import remote_errors
from blindplate.server.custodian import voting
from blindplate.server.custodian.checks import MAX_STATEMENT_BYTES
from blindplate.v1 import release_pb2 as v1
from blindplate.v1.release_pb2_grpc import ApprovalsStub

from .conftest import Custodians, MovedClock
from .requesting import PLATE, Case

A, B = Custodian


@pytest.fixture
def emissions(custodians: Custodians) -> Case:
    return Case(custodians, "emissions")


@pytest.fixture
def police(custodians: Custodians) -> Case:
    return Case(custodians, "police")


def officer(case: Case, custodian: Custodian, name: str = "1") -> OfficerSettings:
    settings = load(OfficerSettings, case.custodians.deployment.settings(f"officer-{custodian}-{name}"))
    return settings.model_copy(update={"address": case.custodians.address(custodian)})


def test_automatic_release_reveals_the_plate_and_its_pseudonym_is_the_one_committed_to(
    emissions: Case,
) -> None:
    sealed = emissions.sealed()
    statement = emissions.signed(emissions.request(sealed))

    replies = {}
    for custodian in Custodian:
        status = emissions.submit(custodian, statement)
        assert status.state == v1.RELEASE_STATE_APPROVED
        decision = emissions.decision(custodian, status)
        assert (decision.verdict, decision.code, decision.automatic) == ("approved", "ok", True)
        replies[custodian] = emissions.reply(custodian, statement, status)

    payload = open_payload(sealed.record, replies[A].share, replies[B].share, sealed.match_secret)
    assert payload.plate == PLATE
    assert replies[A].capture_time_ms == replies[B].capture_time_ms == payload.capture_time_ms
    # The list's policy withholds the camera, from the answer too.
    assert replies[A].camera_id == replies[B].camera_id == ""
    assert replies[A].n_y == replies[B].n_y
    y = pseudonym(emissions.output(payload.plate), sealed.record.header.epoch)
    check_pseudonym(sealed.record, y, replies[A].n_y)


def test_manual_release_waits_for_an_officer_of_each_custodian(police: Case) -> None:
    sealed = police.sealed()
    statement = police.signed(police.request(sealed))
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

        status = police.check(custodian, statement)
        replies[custodian] = police.reply(custodian, statement, status)
        assert police.decision(custodian, status) == decision
    payload = open_payload(sealed.record, replies[A].share, replies[B].share, sealed.match_secret)
    assert payload.plate == PLATE
    assert replies[A].camera_id == replies[B].camera_id == payload.camera_id == "camera-1"


def test_the_answer_names_the_camera_that_signed_whatever_the_payload_says(police: Case) -> None:
    # Camera 3, of the same zone, seals the name of camera 1.
    sealed = police.sealed(signer="camera-3")
    statement = police.signed(police.request(sealed))
    replies = {}
    for custodian in Custodian:
        police.submit(custodian, statement)
        decide(officer(police, custodian), statement.statement_id, Verdict.APPROVED, "Warrant seen.")
        replies[custodian] = police.reply(custodian, statement, police.check(custodian, statement))
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
        statement = emissions.signed(emissions.request(sealed))
        reply = emissions.reply(A, statement, emissions.submit(A, statement))
        assert reply.capture_time_ms == sealed.record.header.capture_time_ms


def test_a_share_of_another_record_is_named(emissions: Case) -> None:
    sealed, other = emissions.sealed(), emissions.sealed()
    statement = emissions.signed(emissions.request(sealed))
    share = emissions.reply(A, statement, emissions.submit(A, statement)).share
    foreign = emissions.signed(emissions.request(other))
    wrong = emissions.reply(B, foreign, emissions.submit(B, foreign)).share
    with pytest.raises(ShareError) as caught:
        open_payload(sealed.record, share, wrong, sealed.match_secret)
    assert caught.value.custodian == "b"


def test_a_reply_is_bound_to_custodian_and_request(emissions: Case) -> None:
    statement = emissions.signed(emissions.request(emissions.sealed()))
    status = emissions.submit(A, statement)
    with pytest.raises(EnvelopeError):
        emissions.reply(B, statement, status)
    with pytest.raises(EnvelopeError):
        emissions.reply(A, emissions.signed(emissions.request(emissions.sealed())), status)


def test_denied_by_an_officer_for_good(police: Case) -> None:
    statement = police.signed(police.request(police.sealed()))
    police.submit(A, statement)
    denial = decide(officer(police, A), statement.statement_id, Verdict.DENIED, "No basis.")
    assert denial is not None
    assert (denial.verdict, denial.code, denial.reason) == ("denied", "policy", "No basis.")

    # The same word again changes nothing; another one is refused.
    assert decide(officer(police, A), statement.statement_id, Verdict.DENIED, "No basis.") == denial
    with pytest.raises(PolicyError):
        decide(officer(police, A, "2"), statement.statement_id, Verdict.APPROVED, "But still.")
    status = police.submit(A, statement)
    assert (status.state, status.sealed_share) == (v1.RELEASE_STATE_DENIED, b"")


def test_an_alternate_reading_is_never_released_automatically(emissions: Case) -> None:
    statement = emissions.signed(emissions.request(emissions.sealed(alternate=True)))
    assert emissions.submit(A, statement).state == v1.RELEASE_STATE_PENDING
    assert decide(officer(emissions, A), statement.statement_id, Verdict.APPROVED, "Compared by eye.")
    assert emissions.check(A, statement).state == v1.RELEASE_STATE_APPROVED


def test_the_same_bytes_get_the_same_answer_also_after_a_restart(emissions: Case) -> None:
    statement = emissions.signed(emissions.request(emissions.sealed()))
    first = emissions.submit(A, statement)
    assert emissions.submit(A, statement) == first
    emissions.custodians.restart(A)
    assert emissions.submit(A, statement) == first
    assert emissions.check(A, statement) == first
    assert len(decisions(officer(emissions, A))) == 1


def test_the_same_bytes_at_once_make_one_decision(emissions: Case) -> None:
    statement = emissions.signed(emissions.request(emissions.sealed()))
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: emissions.submit(A, statement), range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert len(decisions(officer(emissions, A))) == 1


def test_a_request_waits_over_a_restart(police: Case) -> None:
    statement = police.signed(police.request(police.sealed()))
    police.submit(A, statement)
    police.custodians.restart(A)
    assert decide(officer(police, A), statement.statement_id, Verdict.APPROVED, "Warrant seen.")
    assert police.check(A, statement).sealed_share


def test_another_owner_learns_nothing_of_a_request(emissions: Case) -> None:
    statement = emissions.signed(emissions.request(emissions.sealed()))
    emissions.submit(A, statement)
    with pytest.raises(NotFoundError):
        emissions.check(A, statement, party="owner-police")
    with pytest.raises(NotFoundError):
        emissions.submit(A, statement, party="owner-police")


def test_nobody_else_may_ask_or_decide(police: Case) -> None:
    statement = police.signed(police.request(police.sealed()))
    for party in ("camera-1", "matcher", "officer-a-1"):
        with pytest.raises(IdentityError):
            police.submit(A, statement, party=party)
    police.submit(A, statement)
    # An officer of the other custodian.
    stranger = officer(police, B).model_copy(update={"address": police.custodians.address(A), "custodian": A})
    with pytest.raises(IdentityError):
        pending(stranger)
    with pytest.raises(IdentityError):
        decide(stranger, statement.statement_id, Verdict.APPROVED, "Let me.")


def test_an_officers_word_needs_key_certificate_and_name_of_one_officer(police: Case) -> None:
    statement = police.signed(police.request(police.sealed()))
    police.submit(A, statement)
    one, two = officer(police, A, "1"), officer(police, A, "2")
    with pytest.raises(SignatureError):  # the certificate of one, the key of two
        decide(
            one.model_copy(update={"signing_key": two.signing_key}),
            statement.statement_id,
            Verdict.APPROVED,
            "x",
        )
    with pytest.raises(IdentityError):  # one's own certificate and key, two's name
        decide(one.model_copy(update={"name": two.name}), statement.statement_id, Verdict.APPROVED, "x")
    forged = police.custodians.deployment.folder / "forged.key"
    write_secret(forged, SigningKey.generate().seed)
    with pytest.raises(SignatureError):
        decide(one.model_copy(update={"signing_key": forged}), statement.statement_id, Verdict.APPROVED, "x")
    assert len(pending(one)) == 1


@pytest.mark.parametrize("offset", [-600, 600])
def test_a_word_not_said_just_now_counts_for_nothing(police: Case, offset: int) -> None:
    statement = police.signed(police.request(police.sealed()))
    police.submit(A, statement)
    clock = MovedClock()
    clock.offset = offset
    with pytest.raises(ExpiredError):
        decide(officer(police, A), statement.statement_id, Verdict.APPROVED, "x", clock)
    assert police.check(A, statement).state == v1.RELEASE_STATE_PENDING


def test_everything_that_waits_is_shown_in_however_many_pages(
    police: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voting, "_PAGE", 2)
    sealed = police.sealed()
    statements = [police.signed(police.request(sealed)) for _ in range(5)]
    for statement in statements:
        police.submit(A, statement)
    shown = [one.request_id for one in pending(officer(police, A))]
    assert sorted(shown) == sorted(statement.statement_id for statement in statements)


def test_a_padded_request_is_refused_unrecorded(police: Case) -> None:
    request = police.request(police.sealed())
    statement = request.statement()
    # Spaces between fields change nothing of what it says, but all of it is kept for ever.
    padded = replace(statement, payload=statement.payload.ljust(MAX_STATEMENT_BYTES + 1))
    with pytest.raises(MessageError, match="longer"):
        police.submit(A, padded.signed_by(police.signing_key(police.owner)))
    assert pending(officer(police, A)) == []
    longest = replace(statement, payload=statement.payload.ljust(MAX_STATEMENT_BYTES))
    police.submit(A, longest.signed_by(police.signing_key(police.owner)))
    assert len(pending(officer(police, A))) == 1


@pytest.mark.parametrize("made_for", Custodian)
def test_a_word_for_the_other_custodian_counts_for_nothing(police: Case, made_for: Custodian) -> None:
    statement = police.signed(police.request(police.sealed()))
    police.submit(A, statement)
    word = Approval(
        custodian=made_for,
        request_id=statement.statement_id,
        officer="officer-a-1",
        verdict=Verdict.APPROVED,
        reason="Warrant seen.",
        made_at=int(police.custodians.clock.now()),
    ).statement(police.signing_key("officer-a-1"))
    stub = ApprovalsStub(police.custodians.channel(A, "officer-a-1"))
    expected = pytest.raises(IdentityError, match="other custodian") if made_for is B else nullcontext()
    with expected, remote_errors("custodian"):
        stub.Decide(v1.DecideRequest(approval=word.to_proto()), timeout=20)
    state = v1.RELEASE_STATE_PENDING if made_for is B else v1.RELEASE_STATE_APPROVED
    assert police.check(A, statement).state == state


@pytest.mark.parametrize("shared", ["name", "public"])
def test_two_officers_with_one_name_or_key_refuse_to_start(custodians: Custodians, shared: str) -> None:
    one, two = (str(entry.model_dump(mode="json")[shared]) for entry in custodians.settings(A).officers)
    file = custodians.deployment.settings("custodian-a")
    assert two in file.read_text()
    file.write_text(file.read_text().replace(two, one))
    with pytest.raises(SettingsError, match="officers"):
        custodians.settings(A)


def test_unknown_request_not_found(police: Case) -> None:
    with pytest.raises(NotFoundError):
        decide(officer(police, A), bytes(32), Verdict.APPROVED, "x")


def test_expires_undecided(police: Case) -> None:
    statement = police.signed(police.request(police.sealed()))
    police.submit(A, statement)
    police.custodians.clock.offset = 3601
    status = police.check(A, statement)
    assert status.state == v1.RELEASE_STATE_EXPIRED
    assert police.decision(A, status).verdict == "expired"
    with pytest.raises(ExpiredError):
        decide(officer(police, A), statement.statement_id, Verdict.APPROVED, "Late.", police.custodians.clock)
    assert pending(officer(police, A)) == []


def test_checked_anew_when_an_officer_approves(police: Case) -> None:
    statement = police.signed(police.request(police.sealed()))
    police.submit(A, statement)
    suspended = police.custodians.settings(A).data / "suspended"
    suspended.mkdir()
    (suspended / "police-1").touch()
    decision = decide(officer(police, A), statement.statement_id, Verdict.APPROVED, "Warrant seen.")
    assert decision is not None
    assert (decision.verdict, decision.code) == ("denied", "grant")
    assert not police.check(A, statement).sealed_share


def test_the_answer_is_erased_with_the_release_key(emissions: Case) -> None:
    statement = emissions.signed(emissions.request(emissions.sealed()))
    late = emissions.signed(emissions.request(emissions.sealed()))
    sealed_share = emissions.submit(A, statement).sealed_share
    folder = emissions.custodians.settings(A).data
    assert len(list(folder.glob("release-keys/*.seed"))) == 2
    seeds = {file.read_bytes() for file in folder.glob("release-keys/*.seed")}

    # The key in force a day, the longest window four.
    emissions.custodians.clock.offset = 5 * 86_400 + 3600
    emissions.custodians.restart(A)
    with pytest.raises(GoneError):
        emissions.check(A, statement)
    assert emissions.decision(A, emissions.submit(A, late)).code == "expired"
    data = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    assert sealed_share not in data
    assert sum(seed in data for seed in seeds) == 1


def test_nothing_at_a_custodian_gives_plate_pseudonym_or_share(emissions: Case) -> None:
    sealed = emissions.sealed()
    statement = emissions.signed(emissions.request(sealed))
    reply = emissions.reply(A, statement, emissions.submit(A, statement))
    folder = emissions.custodians.settings(A).data
    data = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    # A canary of the same kind is found: its absence elsewhere means something.
    assert statement.statement_id in data
    for secret in (PLATE, b"AB12CDE", sealed.pseudonym, sealed.match_secret, reply.share, reply.n_y):
        for form in (secret, secret.hex().encode(), base64.b64encode(secret)):
            assert form not in data


class TestQuota:
    """Three releases a day."""

    @pytest.fixture
    def plan(self, plan: Plan) -> Plan:
        return replace(plan, lists=tuple(replace(entry, daily_releases=3) for entry in plan.lists))

    def test_automatic_releases_a_day_over_a_restart(self, emissions: Case) -> None:
        sealed = emissions.sealed()
        for _ in range(3):
            statement = emissions.signed(emissions.request(sealed))
            assert emissions.submit(A, statement).state == v1.RELEASE_STATE_APPROVED
        emissions.custodians.restart(A)
        refused = emissions.signed(emissions.request(sealed))
        assert emissions.refusal(refused) == "quota"
        # The refusal stays what it was; a new request on the next day is another matter.
        emissions.custodians.clock.offset = 86_400
        assert emissions.refusal(refused) == "quota"
        again = emissions.signed(emissions.request(sealed))
        assert emissions.submit(A, again).state == v1.RELEASE_STATE_APPROVED

    def test_no_more_wait_than_may_be_released(self, police: Case) -> None:
        sealed = police.sealed()
        statements = [police.signed(police.request(sealed)) for _ in range(4)]
        for statement in statements[:3]:
            assert police.submit(A, statement).state == v1.RELEASE_STATE_PENDING
        assert police.refusal(statements[3]) == "quota"

    def test_an_approval_beyond_the_quota_waits_for_another_day(self, emissions: Case) -> None:
        clock = emissions.custodians.clock
        # A request that outlives the day; the automatic ones use the day up while it waits.
        ends = int(clock.now()) + 3 * 86_400
        waits = emissions.signed(emissions.request(emissions.sealed(alternate=True), expires_at=ends))
        assert emissions.submit(A, waits).state == v1.RELEASE_STATE_PENDING
        sealed = emissions.sealed()
        for _ in range(3):
            emissions.submit(A, emissions.signed(emissions.request(sealed)))
        with pytest.raises(QuotaError):
            decide(officer(emissions, A), waits.statement_id, Verdict.APPROVED, "Compared by eye.", clock)
        assert emissions.check(A, waits).state == v1.RELEASE_STATE_PENDING
        clock.offset = 86_400
        assert decide(officer(emissions, A), waits.statement_id, Verdict.APPROVED, "Compared.", clock)
        assert emissions.check(A, waits).sealed_share


class TestFourEyes:
    """Two officers of each custodian."""

    @pytest.fixture
    def plan(self, plan: Plan) -> Plan:
        return replace(plan, lists=tuple(replace(entry, officers=2) for entry in plan.lists))

    @pytest.fixture
    def statement_id(self, police: Case) -> bytes:
        statement = police.signed(police.request(police.sealed()))
        police.submit(A, statement)
        return statement.statement_id

    def test_one_officer_is_not_enough_however_often(self, police: Case, statement_id: bytes) -> None:
        for _ in range(3):
            assert decide(officer(police, A), statement_id, Verdict.APPROVED, "Seen.") is None
        decision = decide(officer(police, A, "2"), statement_id, Verdict.APPROVED, "Seen, too.")
        assert decision is not None
        assert decision.officers == ("officer-a-1", "officer-a-2")

    def test_the_second_may_deny(self, police: Case, statement_id: bytes) -> None:
        decide(officer(police, A), statement_id, Verdict.APPROVED, "Seen.")
        decision = decide(officer(police, A, "2"), statement_id, Verdict.DENIED, "No.")
        assert decision is not None
        assert (decision.verdict, decision.officers) == ("denied", ("officer-a-1", "officer-a-2"))

    def test_an_approval_put_into_the_database_counts_for_nothing(
        self, police: Case, statement_id: bytes
    ) -> None:
        decide(officer(police, A), statement_id, Verdict.APPROVED, "Seen.")
        police.custodians.execute(
            A, "INSERT INTO approvals SELECT request_id, 'officer-a-2', statement, received_at FROM approvals"
        )
        assert decide(officer(police, A), statement_id, Verdict.APPROVED, "Seen.") is None
        assert len(pending(officer(police, A))) == 1

    def test_an_officers_word_on_another_request_put_into_the_database_counts_for_nothing(
        self, police: Case, statement_id: bytes
    ) -> None:
        other = police.signed(police.request(police.sealed()))
        police.submit(A, other)
        decide(officer(police, A, "2"), other.statement_id, Verdict.APPROVED, "Another case.")
        moved = police.custodians.execute(
            A, f"UPDATE approvals SET request_id = x'{statement_id.hex()}' WHERE officer = 'officer-a-2'"
        )
        assert moved == 1
        assert decide(officer(police, A), statement_id, Verdict.APPROVED, "Seen.") is None
