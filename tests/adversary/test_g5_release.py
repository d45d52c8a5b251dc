"""G5 at the release desk: nothing is released outside a grant: its zones, its time, its quota, its owner's certificate.

Requests are entered and vehicles listed as an honest owner's are. Each refusal is an entry that everyone can read, and
beside it the one check that makes it is taken out of both real custodians, and the plate comes out.
"""

from __future__ import annotations

import pytest

from blindplate.client.auditor.findings import Kind
from blindplate.core.domains import Domain
from blindplate.core.errors import IdentityError
from blindplate.core.membership import candidates_digest
from blindplate.core.parties import Custodian
from blindplate.core.plates import CanonicalPlate
from blindplate.core.records.opening import open_payload
from blindplate.core.statements.grant_changes import GrantEnd
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.policies import ZoneRegister
from blindplate.edge.tls import spiffe_id
from blindplate.server.custodian import release_quotas
from blindplate.server.custodian.grants import Permissions
from tests.adversary.asking import Desk
from tests.adversary.auditing import decided, found
from tests.adversary.conftest import marks
from tests.adversary.defences import VERSION_IN_FORCE, let_pass, newest
from tests.adversary.permissions import amended, revoke, suspended_by
from tests.adversary.reading import KnownRead, grant_of, sealed_reads
from tests.integration.ledger_site import until
from tests.integration.owner.world import World

A, B = Custodian
(PLATE,) = marks(1)


@pytest.fixture(scope="module")
def desk(world: World) -> Desk:
    return Desk(world, listed=[PLATE]).commit()


def read_by(desk: Desk, camera: str = "camera-1", at: float | None = None) -> KnownRead:
    """A read of the listed vehicle, evaluated with both custodians' keys themselves: no grant stands before those."""

    def keys_alone(_plate: bytes, domain: Domain) -> bytes:
        return desk.output(PLATE, domain.zone)

    (read,) = sealed_reads(
        desk.world, [PLATE], camera=camera, list_id=desk.list_id, at=at, hash_with=keys_alone
    )
    return read


def refused(desk: Desk, read: KnownRead, code: str, candidates: bytes | None = None) -> None:
    """Both custodians refuse with this code, for everyone to see."""
    sent = desk.candidates() if candidates is None else candidates
    statement = desk.entered(read, candidates_digest=candidates_digest(sent))
    for custodian in Custodian:
        assert desk.refusal(custodian, statement, sent) == code
    assert decided(desk.world, statement.statement_id) == dict.fromkeys(Custodian, code)


def opened(desk: Desk, read: KnownRead, candidates: bytes | None = None) -> str:
    """The plate that both custodians' answers open."""
    sent = desk.candidates() if candidates is None else candidates
    statement = desk.entered(read, candidates_digest=candidates_digest(sent))
    share_a, share_b = (desk.reply(custodian, statement, sent).share for custodian in Custodian)
    return CanonicalPlate.decode(open_payload(read.record, share_a, share_b, read.s).plate).text


def test_what_stands_inside_the_grant_is_released(desk: Desk) -> None:
    """So that the refusals below are for what they are named after."""
    assert opened(desk, read_by(desk)) == PLATE
    assert opened(desk, read_by(desk, "camera-2"), desk.candidates("outer")) == PLATE


def test_nothing_is_released_of_a_zone_that_the_grant_has_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cameras of the zone go on reading for the list, and its owner has committed to entries there."""
    candidates, grant = desk.candidates("outer"), grant_of(desk.world, desk.list_id)
    inner = tuple(zone for zone in grant.zones if zone.zone == "inner")
    with amended(desk.world, desk.list_id, zones=inner):
        read = read_by(desk, "camera-2")
        refused(desk, read, "grant", candidates)
        # The defence removed: the register of any zone will do.
        monkeypatch.setattr(Permissions, "register", _any_register)
        assert opened(desk, read, candidates) == PLATE


def test_nothing_is_released_that_was_captured_before_the_grant(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = read_by(desk, at=grant_of(desk.world, desk.list_id).not_before - 3_600)
    refused(desk, read, "grant")
    # The defence removed: the grant of today judges it; then it still lacks a list version of that time.
    monkeypatch.setattr(Permissions, "grant_at", _whenever)
    refused(desk, read, "membership")
    monkeypatch.setattr(VERSION_IN_FORCE, newest)
    assert opened(desk, read) == PLATE


def test_nothing_is_released_beyond_the_quota(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few there were today, the amendment in force now says how many there may be."""
    read = read_by(desk)
    release = grant_of(desk.world, desk.list_id).release
    with amended(desk.world, desk.list_id, release=release.model_copy(update={"daily_quota": 1})):
        # No auditor could say otherwise that a custodian had read the amendment when it decided.
        desk.world.clock.offset += 120
        until(desk.world.fresh)
        refused(desk, read, "quota")
        assert found(desk.world, Kind.APPROVAL_QUOTA) == []
        # The defence removed; and then everyone sees that both custodians released more than the grant allows.
        monkeypatch.setattr(release_quotas, "debit", let_pass)
        assert opened(desk, read) == PLATE
        assert found(desk.world, Kind.APPROVAL_QUOTA) != []


@pytest.mark.parametrize("custodian", Custodian)
def test_one_custodian_that_suspends_the_grant_releases_nothing(
    custodian: Custodian, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = B if custodian is A else A
    read = read_by(desk)
    # Words are of whole seconds: what was captured in the second of the word was captured under it.
    desk.world.clock.offset += 1
    with suspended_by(desk.world, custodian, desk.list_id):
        statement = desk.entered(read)
        assert desk.refusal(custodian, statement) == "grant"
        # The other gives its share, which alone opens nothing.
        assert desk.reply(other, statement).share
        assert decided(desk.world, statement.statement_id) == {custodian: "grant", other: "ok"}
        # The defence removed; and then everyone sees that it released under a grant it had suspended itself.
        before = len(found(desk.world, Kind.APPROVAL_NOT_IN_FORCE))
        monkeypatch.setattr(Permissions, "require_active", let_pass)
        assert opened(desk, read) == PLATE
        assert len(found(desk.world, Kind.APPROVAL_NOT_IN_FORCE)) == before + 1


def test_a_cameras_certificate_asks_for_nothing(desk: Desk) -> None:
    """Whoever stole it has the record as well, and hands in what the owner signed, or its own."""
    read = read_by(desk)
    statement = desk.entered(read)
    own = desk.request(read, requester=spiffe_id("camera", "camera-1"))
    for custodian in Custodian:
        for brought in (statement, own.statement(desk.world.signing_key("camera-1"))):
            with pytest.raises(IdentityError):
                desk.submit(custodian, brought, "camera-1")
    assert decided(desk.world, statement.statement_id) == {}
    # The defence removed: the same bytes under the owner's certificate are answered.
    assert desk.reply(A, statement).share


def test_nothing_is_released_that_a_revoked_camera_signed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thief dates a read back to before it was revoked."""
    at = desk.world.clock.now()
    revoke(desk.world, "camera-3")
    read = read_by(desk, "camera-3", at)
    refused(desk, read, "identity")
    # The defence removed: whom the register names is believed.
    monkeypatch.setattr(Permissions, "require_enrolled", let_pass)
    assert opened(desk, read) == PLATE


def test_nothing_is_released_once_the_grant_is_over(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what was captured under it, either. Last, since nothing makes a grant go on that was ended."""
    read = read_by(desk)
    end = GrantEnd(grant_id="emissions-1", reason="Over.", made_at=int(desk.world.clock.now()))
    desk.world.enter(end.statement(desk.world.signing_key("operator")))
    refused(desk, read, "grant")
    before = len(found(desk.world, Kind.APPROVAL_NOT_IN_FORCE))
    # The defence removed; and then everyone sees that both custodians released under a grant that was over.
    monkeypatch.setattr(Permissions, "grant_at", _whenever)
    assert opened(desk, read) == PLATE
    assert len(found(desk.world, Kind.APPROVAL_NOT_IN_FORCE)) == before + 2


def _any_register(self: Permissions, _grant: Grant, domain: Domain) -> ZoneRegister:
    known = self.state.registers.values()
    return next(one for one in known if (one.zone, one.generation) == (domain.zone, domain.generation))


def _whenever(self: Permissions, grant_id: str, _moment: float) -> Grant:
    return self.grant(grant_id)
