"""Asking for a release: the ledger first, then the custodians, the same request however often something stops."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import update

from blindplate.client.owner import handing, release
from blindplate.client.owner.asking import Reason
from blindplate.client.owner.automatic import (
    SeeingThrough,
    ask_for_releases,
    require_allowed,
    standing_purpose,
)
from blindplate.client.owner.hits import HitState, SealedHit, find_hit
from blindplate.client.owner.release import follow, request_release, request_releases
from blindplate.client.owner.requests import Request, Standing, latest_request
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import hits
from blindplate.core.encoding import DIGEST_BYTES
from blindplate.core.errors import (
    BlindplateError,
    EntryError,
    MembershipError,
    PolicyError,
    SettingsError,
    UnavailableError,
    UnwitnessedError,
)
from blindplate.core.membership import candidates_digest
from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement
from blindplate.core.statements.grants import ListKind, ReleaseMode, ReleasePolicy, StandingAuthorisation
from blindplate.core.statements.priorities import Priority
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import RequestEntry, commit_case
from blindplate.core.statements.releases import Decision, ReleaseRequest, Verdict
from blindplate.v1 import release_pb2 as v1
from tests.unit.client.owner.samples import hit_on
from tests.unit.client.owner.scene import PLATES, PaperLedger, Scene, signing_key

CASE = "case 17"


@dataclass
class PaperCustodian:
    """Takes requests whose entry it knows; ``refusals`` come first, one a call."""

    custodian: Custodian
    scene: Scene
    refusals: list[BlindplateError] = field(default_factory=list)
    submitted: list[v1.SubmitReleaseRequest] = field(default_factory=list)
    verdict: Verdict | None = None
    code: str = "ok"
    share: bytes = b"share"

    def Submit(self, request: v1.SubmitReleaseRequest, timeout: float) -> v1.ReleaseStatus:  # noqa: N802
        if self.refusals:
            raise self.refusals.pop(0)
        self.submitted.append(request)
        return self._status(Statement.from_proto(request.request).statement_id)

    def Check(self, request: v1.CheckReleaseRequest, timeout: float) -> v1.ReleaseStatus:  # noqa: N802
        return self._status(request.request_id)

    def _status(self, request_id: bytes) -> v1.ReleaseStatus:
        if self.verdict is None:
            return v1.ReleaseStatus(request_id=request_id, state=v1.RELEASE_STATE_PENDING)
        decision = Decision(
            custodian=self.custodian,
            sequence=0,
            previous=bytes(DIGEST_BYTES),
            request_id=request_id,
            grant_id="police-1",
            requester="spiffe://blindplate/owner/owner-police",
            verdict=self.verdict,
            code=self.code,
            reason="Decided.",
            automatic=False,
            officers=(),
            decided_at=int(self.scene.clock.moment),
        ).statement(signing_key(self.scene.deployment, f"custodian-{self.custodian}"))
        approved = self.verdict is Verdict.APPROVED
        return v1.ReleaseStatus(
            request_id=request_id,
            state=v1.RELEASE_STATE_APPROVED if approved else v1.RELEASE_STATE_DENIED,
            sealed_share=self.share if approved else b"",
            decision=decision.to_proto(),
        )


@dataclass
class Desk:
    """A scene whose custodians take requests."""

    scene: Scene
    custodians: dict[Custodian, PaperCustodian]

    @property
    def session(self) -> Session:
        return self.scene.session

    def hit(self, **how: Any) -> SealedHit:
        self.scene.in_force(*PLATES)
        return hit_on(self.scene, PLATES[0], **how)

    def ask(self, sealed: SealedHit, **how: Any) -> Request:
        purpose = how.pop("purpose", Purpose.ROBBERY_OR_THEFT)
        how.setdefault("patience", 0.0)
        return request_release(self.session, sealed.hit.hit_id, purpose, CASE, **how)

    def submitted(self) -> list[int]:
        return [len(one.submitted) for one in self.custodians.values()]

    def state(self, sealed: SealedHit) -> HitState:
        with self.session.store.reading() as connection:
            return find_hit(connection, sealed.hit.hit_id).hit.state


@pytest.fixture
def desk(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Desk:
    custodians = {one: PaperCustodian(one, scene) for one in Custodian}
    monkeypatch.setattr(handing, "_stub", lambda _session, custodian: custodians[custodian])
    return Desk(scene, custodians)


def entries_of(ledger: PaperLedger) -> list[RequestEntry]:
    found = [Statement.from_json(entry.decode()) for entry in ledger.entries]
    kind = RequestEntry.media_type()
    return [RequestEntry.parsed(one.payload) for one in found if one.payload_type == kind]


def test_custodians_are_handed_a_request_only_once_both_have_witnessed_its_entry(desk: Desk) -> None:
    sealed = desk.hit()
    request = desk.ask(sealed)
    assert desk.submitted() == [0, 0]
    assert [reply.standing for reply in request.replies] == [Standing.UNREACHED] * 2
    assert request.ledger_index == len(desk.scene.ledger.entries) - 1
    desk.scene.ledger.witness(desk.scene.clock.moment, None)
    assert follow(desk.session, request).standing is Standing.UNREACHED
    assert desk.submitted() == [0, 0]
    desk.scene.witness()
    assert follow(desk.session, request).standing is Standing.PENDING
    assert desk.submitted() == [1, 1]


def test_the_entry_stands_for_the_request_and_tells_no_case(desk: Desk) -> None:
    request = desk.ask(desk.hit())
    desk.scene.witness()
    follow(desk.session, request)
    (entry,) = entries_of(desk.scene.ledger)
    asked = ReleaseRequest.parsed(request.statement.payload)
    assert entry.request_id == request.request_id
    assert entry.case_commitment == commit_case(asked.case_salt, CASE)
    assert CASE.encode() not in desk.scene.ledger.entries[-1]
    sent = desk.custodians[Custodian.A].submitted[0]
    assert asked.candidates_digest == candidates_digest(sent.candidates)
    assert sent == desk.custodians[Custodian.B].submitted[0]


@pytest.mark.parametrize("entered", [True, False], ids=["after entering", "before entering"])
def test_an_interruption_enters_and_hands_in_the_same_request(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, entered: bool
) -> None:
    sealed, append = desk.hit(), desk.scene.ledger.append

    def die(statements: list[Any]) -> list[Any]:
        if entered:
            append(statements)
        raise UnavailableError("The power went.")

    with monkeypatch.context() as patched:
        patched.setattr(desk.scene.ledger, "append", die)
        with pytest.raises(UnavailableError):
            desk.ask(sealed)
    desk.scene.clock.moment += 5
    desk.scene.witness()
    with desk.scene.another_session() as session:
        SeeingThrough(session).step()
        desk.scene.witness()
        SeeingThrough(session).step()
        with session.store.reading() as connection:
            request = latest_request(connection, sealed.hit.hit_id)
    assert request is not None
    assert len(entries_of(desk.scene.ledger)) == 1
    assert [one.request_id for one in entries_of(desk.scene.ledger)] == [request.request_id]
    assert desk.submitted() == [1, 1]


def test_a_custodian_that_has_not_read_the_entry_is_asked_again_soon(desk: Desk) -> None:
    sealed = desk.hit()
    desk.custodians[Custodian.B].refusals = [UnwitnessedError("Not read yet.")]
    request = desk.ask(sealed)
    desk.scene.witness()
    request = follow(desk.session, request)
    assert [reply.standing for reply in request.replies] == [Standing.PENDING, Standing.UNREACHED]
    assert follow(desk.session, request).standing is Standing.PENDING
    assert desk.submitted() == [1, 1]


def test_patience_waits_for_what_takes_a_moment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "_LOOK_SECONDS", 0.001)
    sealed, enter = desk.hit(), desk.scene.ledger.enter
    desk.custodians[Custodian.A].refusals = [UnwitnessedError("Not read yet.")] * 3

    def entered(statement: Statement) -> int:
        index = enter(statement)
        desk.scene.witness()
        return index

    monkeypatch.setattr(desk.scene.ledger, "enter", entered)
    assert desk.ask(sealed, patience=20.0).standing is Standing.PENDING


def test_an_approval_without_its_share_is_still_waited_for(desk: Desk) -> None:
    sealed = desk.hit()
    request = desk.ask(sealed)
    desk.scene.witness()
    for one in desk.custodians.values():
        one.verdict, one.share = Verdict.APPROVED, b""
    request = follow(desk.session, request)
    assert request.standing is Standing.PENDING
    for one in desk.custodians.values():
        one.share = b"share"
    assert follow(desk.session, request).standing is Standing.APPROVED


def test_a_hit_that_can_be_of_no_entry_is_never_asked_for(desk: Desk) -> None:
    sealed = desk.hit(at=desk.scene.clock.moment - 600)
    with pytest.raises(MembershipError):
        desk.ask(sealed)
    assert desk.state(sealed) is HitState.ALARMED
    assert entries_of(desk.scene.ledger) == []
    with pytest.raises(PolicyError):
        desk.ask(sealed)


def together(desk: Desk, *sealed: SealedHit) -> int:
    reason = Reason(Purpose.ROBBERY_OR_THEFT, CASE, automatic=True)
    return request_releases(desk.session, [one.hit.hit_id for one in sealed], reason)


def test_many_are_entered_by_one_call_and_handed_in_afterwards(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.scene.in_force(*PLATES)
    sealed = [hit_on(desk.scene, plate) for plate in PLATES]
    unlisted = hit_on(desk.scene, PLATES[0], at=desk.scene.clock.moment - 600)
    appended, append = list[int](), desk.scene.ledger.append

    def counted(statements: list[Statement]) -> list[Any]:
        appended.append(len(statements))
        return append(statements)

    monkeypatch.setattr(desk.scene.ledger, "append", counted)
    assert together(desk, *sealed, unlisted) == len(PLATES)
    assert desk.state(unlisted) is HitState.ALARMED
    assert [desk.state(one) for one in sealed] == [HitState.REQUESTED] * len(PLATES)
    # What was asked for is asked for again without another request.
    assert together(desk, *sealed) == len(PLATES)
    assert appended == [len(PLATES), 0]
    assert len(entries_of(desk.scene.ledger)) == len(PLATES)
    desk.scene.witness()
    with desk.session.store.reading() as connection:
        requests = [latest_request(connection, one.hit.hit_id) for one in sealed]
    for request in requests:
        assert request is not None
        follow(desk.session, request)
    assert desk.submitted() == [len(PLATES)] * 2


def test_many_that_the_ledger_refuses_together_are_entered_one_by_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed, append = desk.hit(), desk.scene.ledger.append

    def refused(_statements: list[Statement]) -> list[Any]:
        raise EntryError("One of them is not to be entered.")

    monkeypatch.setattr(desk.scene.ledger, "append", refused)
    assert together(desk, sealed) == 1
    assert entries_of(desk.scene.ledger) == []
    monkeypatch.setattr(desk.scene.ledger, "append", append)
    with desk.session.store.reading() as connection:
        request = latest_request(connection, sealed.hit.hit_id)
    assert request is not None
    assert follow(desk.session, request).ledger_index is not None
    assert len(entries_of(desk.scene.ledger)) == 1


def test_one_whose_list_is_kept_no_longer_is_denied_and_keeps_no_other_waiting(desk: Desk) -> None:
    desk.scene.in_force(*PLATES)
    sealed = [hit_on(desk.scene, plate) for plate in PLATES[:2]]
    with desk.session.store.writing() as connection:
        gone = update(hits).where(hits.c.hit_id == sealed[0].hit.hit_id)
        connection.execute(gone.values(segment_id=bytes(32)))
    assert together(desk, *sealed) == 1
    assert [desk.state(one) for one in sealed] == [HitState.DENIED, HitState.REQUESTED]


def test_a_refused_membership_is_an_alarm_where_every_version_held_the_same(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    sealed = desk.hit()
    request = desk.ask(sealed)
    desk.scene.witness()
    desk.custodians[Custodian.A].verdict = Verdict.DENIED
    desk.custodians[Custodian.A].code = "membership"
    assert follow(desk.session, request).standing is Standing.DENIED
    assert desk.state(sealed) is HitState.DENIED
    assert "membership-alarm" in capsys.readouterr().err


def test_an_emergency_is_asked_for_only_where_the_grant_has_it(desk: Desk) -> None:
    sealed = desk.hit()
    waiting = desk.ask(sealed)
    with pytest.raises(PolicyError):
        desk.ask(sealed, emergency=True)
    allowed = desk.session.grant.release.model_copy(update={"emergency": True})
    grant = desk.session.grant.model_copy(update={"release": allowed})
    urgent = replace(desk, scene=replace(desk.scene, session=replace(desk.session, grant=grant)))
    desk.scene.clock.moment += 1
    request = urgent.ask(sealed, emergency=True)
    assert request.request_id != waiting.request_id
    assert urgent.ask(sealed, emergency=True).request_id == request.request_id
    assert [one.emergency for one in entries_of(desk.scene.ledger)] == [False, True]
    assert ReleaseRequest.parsed(request.statement.payload).emergency
    # Not back again: what was asked for as an emergency stays one.
    with pytest.raises(PolicyError):
        urgent.ask(sealed)


STANDING = ReleasePolicy(
    mode=ReleaseMode.STANDING,
    daily_quota=10,
    standing=StandingAuthorisation(purposes=(Purpose.VEHICLE_CRIME,), daily_quota=5),
)
AUTOMATIC = ReleasePolicy(mode=ReleaseMode.AUTOMATIC, daily_quota=10)


@pytest.mark.parametrize(
    ("policy", "wanted", "found"),
    [
        pytest.param(STANDING, Purpose.VEHICLE_CRIME, Purpose.VEHICLE_CRIME, id="standing"),
        pytest.param(STANDING, Purpose.MURDER, None, id="standing for another purpose"),
        pytest.param(STANDING, None, None, id="standing without a purpose"),
        pytest.param(AUTOMATIC, None, Purpose.UNPAID_CHARGE, id="automatic"),
        pytest.param(None, Purpose.MURDER, None, id="manual"),
    ],
)
def test_the_daemon_asks_by_itself_as_far_as_grant_and_settings_go(
    session: Session, policy: ReleasePolicy | None, wanted: Purpose | None, found: Purpose | None
) -> None:
    kind = ListKind.EMISSIONS if policy is AUTOMATIC else ListKind.HOTLIST
    changes = {"list_kind": kind, **({"release": policy} if policy else {})}
    grant = session.grant.model_copy(update=changes)
    settings = session.settings.model_copy(update={"automatic_release": True, "standing_purpose": wanted})
    assert standing_purpose(settings, grant) is found
    assert standing_purpose(settings.model_copy(update={"automatic_release": False}), grant) is None
    opened = replace(session, settings=settings, grant=grant)
    if found is None:
        with pytest.raises(SettingsError):
            require_allowed(opened)
    else:
        require_allowed(opened)


@pytest.fixture
def standing(desk: Desk) -> Desk:
    settings = desk.session.settings.model_copy(
        update={"automatic_release": True, "standing_purpose": Purpose.VEHICLE_CRIME}
    )
    grant = desk.session.grant.model_copy(update={"release": STANDING})
    session = replace(desk.session, settings=settings, grant=grant)
    return replace(desk, scene=replace(desk.scene, session=session))


def test_a_standing_authorisation_asks_for_every_hit_but_alternates(standing: Desk) -> None:
    sealed, alternate = standing.hit(), hit_on(standing.scene, PLATES[1], alternate=True)
    seeing = SeeingThrough(standing.session)
    assert ask_for_releases(standing.session, set()) == 1
    assert ask_for_releases(standing.session, set()) == 0
    standing.scene.witness()
    seeing.step()
    assert standing.submitted() == [1, 1]
    assert [standing.state(one) for one in (sealed, alternate)] == [HitState.REQUESTED, HitState.SEALED]
    (entry,) = entries_of(standing.scene.ledger)
    assert (entry.purpose, entry.alternate, entry.emergency) == (Purpose.VEHICLE_CRIME, False, False)


def test_what_a_custodian_refuses_without_a_decision_is_not_asked_at_every_look(standing: Desk) -> None:
    standing.hit()
    ask_for_releases(standing.session, set())
    standing.scene.witness()
    standing.custodians[Custodian.A].refusals = [PolicyError("Not now.")] * 5
    seeing = SeeingThrough(standing.session)
    for _ in range(3):
        seeing.step()
    assert len(standing.custodians[Custodian.A].refusals) == 4
    standing.scene.clock.moment += 61
    standing.scene.witness()
    seeing.step()
    assert len(standing.custodians[Custodian.A].refusals) == 3


def test_a_hit_that_can_no_longer_be_asked_for_does_not_stop_the_others(
    standing: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = standing.hit()
    with standing.session.store.writing() as connection:
        connection.exec_driver_sql("UPDATE hits SET segment_id = x'00'")
    hit_on(standing.scene, PLATES[1])
    assert ask_for_releases(standing.session, set()) == 2
    assert standing.state(gone) is HitState.DENIED
    assert len(entries_of(standing.scene.ledger)) == 1


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        pytest.param({"high": 1}, 1, id="of one that is covered"),
        pytest.param({"low": 1}, 0, id="of one that is not"),
        pytest.param({"none": 1}, 0, id="of one without a priority"),
        # Which of its bin it is, the custodians find out.
        pytest.param({"low": 1, "high": 1}, 1, id="of either"),
    ],
)
def test_a_standing_authorisation_asks_as_far_as_its_priorities_go(
    standing: Desk, listed: dict[str, int], asked: int
) -> None:
    terms = StandingAuthorisation(
        purposes=(Purpose.VEHICLE_CRIME,), daily_quota=5, priorities=(Priority.HIGH, Priority.MEDIUM)
    )
    policy = STANDING.model_copy(update={"standing": terms})
    grant = standing.session.grant.model_copy(update={"release": policy})
    scene = replace(standing.scene, session=replace(standing.session, grant=grant))
    for plate, priority in zip(PLATES, listed, strict=False):
        scene.put(plate, priority=Priority(priority))
    scene.in_force()
    hit_on(scene, PLATES[0])
    passed_over: set[int] = set()
    assert ask_for_releases(scene.session, passed_over) == asked
    assert passed_over == (set() if asked else {1})
    assert ask_for_releases(scene.session, passed_over) == 0
    assert len(entries_of(scene.ledger)) == asked


def test_a_hit_that_can_be_of_nobody_alarms_whatever_priorities_are_covered(standing: Desk) -> None:
    terms = StandingAuthorisation(
        purposes=(Purpose.VEHICLE_CRIME,), daily_quota=5, priorities=(Priority.HIGH,)
    )
    grant = standing.session.grant.model_copy(
        update={"release": STANDING.model_copy(update={"standing": terms})}
    )
    scene = replace(standing.scene, session=replace(standing.session, grant=grant))
    scene.in_force(*PLATES)
    sealed = hit_on(scene, PLATES[0], at=scene.clock.moment - 600)
    ask_for_releases(scene.session, set())
    assert standing.state(sealed) is HitState.ALARMED
