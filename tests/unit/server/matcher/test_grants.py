"""What the ledger lets the matcher do: by the amendment at the capture, not when ended or suspended, not for revoked cameras."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blindplate.core.domains import Domain
from blindplate.core.errors import GrantError, IdentityError, UnknownDomainError
from blindplate.core.ledger.entries import document_bytes
from blindplate.core.parties import Custodian
from blindplate.core.statements.cameras import CameraStanding
from blindplate.core.statements.grants import Grant, GrantedZone
from blindplate.core.statements.model import StatementModel
from blindplate.server.matcher.grants import Grants, hold_seconds
from tests.unit.core.ledger.entering import (
    CAMERA_ID,
    CUSTODIAN_A,
    CUSTODIAN_B,
    DAY,
    END,
    GRANT,
    MADE,
    OWNER_ID,
    REGISTER,
    STATUS,
    SUSPENSION,
    VERSION,
    changed,
    entry_of,
    granted,
    register,
    signed,
)

POLICE = Domain("police", "inner", 1)
# The sample grant's notice is a day.
BEGINS = MADE + DAY
AMENDED = changed(GRANT, amendment=1, window_seconds=9 * DAY)


def after(*entries: tuple[StatementModel, int]) -> Grants:
    """The sample grant, and what was witnessed later and when."""
    state = granted()
    for number, (model, witnessed_at) in enumerate(entries):
        applied = state.apply(10 + number, entry_of(model), witnessed_at)
        assert applied.error is None, applied.error
    return Grants.of(state)


def _by(model: StatementModel, custodian: Custodian) -> bytes:
    return signed(model, CUSTODIAN_A if custodian is Custodian.A else CUSTODIAN_B)


def at(grants: Grants, moment: float, latest: float | None = None, now: float | None = None) -> Grant:
    return grants.at_capture(POLICE, moment, latest or moment + 1, moment if now is None else now)


def test_a_capture_finds_the_grant_in_force() -> None:
    grants = after()
    assert at(grants, BEGINS) == GRANT
    with pytest.raises(GrantError):
        at(grants, BEGINS - 1)
    with pytest.raises(GrantError):
        at(grants, GRANT.not_after)
    with pytest.raises(UnknownDomainError):
        grants.at_capture(replace(POLICE, generation=2), BEGINS, BEGINS + 1, BEGINS)


def test_a_capture_is_judged_by_the_amendment_of_its_time() -> None:
    grants = after((AMENDED, BEGINS + 100))
    change = BEGINS + 100 + DAY
    assert at(grants, change - 1, now=change + 50) == GRANT
    assert at(grants, change, now=change + 50) == AMENDED


def test_a_capture_told_too_coarsely_meets_what_came_into_force_within_its_span() -> None:
    """The open time may be an hour's beginning, and a new key generation have begun in that hour."""
    entry, document = register("inner", 2, *REGISTER.cameras)
    state = granted()
    assert state.apply(5, entry_of(entry), BEGINS, document_bytes(document)).error is None
    zone = GrantedZone(zone="inner", generation=2, register_digest=entry.register_digest)
    amended = changed(GRANT, amendment=1, zones=(zone,))
    assert state.apply(6, entry_of(amended), BEGINS).error is None
    grants, new, change = Grants.of(state), replace(POLICE, generation=2), BEGINS + DAY
    assert grants.at_capture(new, change - 100, change + 100, change) == amended
    assert grants.at_capture(POLICE, change - 100, change + 100, change) == GRANT
    with pytest.raises(GrantError):
        grants.at_capture(new, change - 100, change, change)
    with pytest.raises(GrantError):
        grants.at_capture(POLICE, change, change + 100, change)


def test_of_two_grants_in_force_the_one_begun_last_counts() -> None:
    other = changed(GRANT, grant_id="police-2", not_before=BEGINS + 500)
    grants = after((other, MADE))
    assert at(grants, BEGINS + 499).grant_id == "police-1"
    assert at(grants, BEGINS + 500).grant_id == "police-2"


def test_an_ended_grant_covers_nothing_any_more_not_even_what_was_captured_before() -> None:
    end = BEGINS + 100
    grants = after((END, end))
    assert at(grants, end - 50, now=end - 1) == GRANT
    for moment in (end - 50, end):
        with pytest.raises(GrantError):
            at(grants, moment, now=end)
    assert grants.in_force(end - 1) == (GRANT,)
    assert grants.in_force(end) == ()
    with pytest.raises(GrantError):
        grants.acting("police-1", end, end)


@pytest.mark.parametrize("custodian", list(Custodian))
def test_one_custodian_that_suspends_a_grant_stops_matching_and_may_let_it_go_on(
    custodian: Custodian,
) -> None:
    suspended = changed(SUSPENSION, custodian=custodian)
    resumed = changed(suspended, suspended=False, made_at=MADE + 1)
    state = granted()
    for index, (model, signer, moment) in enumerate(((suspended, custodian, 100), (resumed, custodian, 200))):
        applied = state.apply(10 + index, _by(model, signer), BEGINS + moment)
        assert applied.error is None, applied.error
    grants = Grants.of(state)
    for moment, acts in ((99, True), (100, False), (199, False), (200, True)):
        now = BEGINS + moment
        assert bool(grants.in_force(now)) is acts
        if acts:
            assert grants.acting("police-1", now, now + 50) == GRANT
            continue
        with pytest.raises(GrantError, match="suspended"):
            grants.acting("police-1", now, now + 150)
        with pytest.raises(GrantError):
            grants.owned("police", OWNER_ID, now)


def test_reads_of_a_suspended_grant_are_still_taken_since_it_may_go_on() -> None:
    grants = after((SUSPENSION, BEGINS))
    assert at(grants, BEGINS + 5) == GRANT


def test_an_upload_ahead_is_judged_by_the_amendment_to_come() -> None:
    grants = after((AMENDED, BEGINS))
    change = BEGINS + DAY
    assert grants.acting("police-1", BEGINS, change - 1) == GRANT
    assert grants.acting("police-1", BEGINS, change) == AMENDED
    with pytest.raises(GrantError):
        grants.acting("police-1", BEGINS - 1, change)
    with pytest.raises(GrantError):
        grants.acting("police-1", BEGINS, GRANT.not_after)
    with pytest.raises(GrantError):
        grants.acting("police-9", BEGINS, BEGINS)


def test_a_camera_counts_only_where_its_register_names_it() -> None:
    grants = after()
    assert grants.camera(GRANT, POLICE, CAMERA_ID).camera_id == "camera-1"
    with pytest.raises(IdentityError):
        grants.camera(GRANT, POLICE, CAMERA_ID + "0")
    with pytest.raises(GrantError):
        replace(grants, registers={}).camera(GRANT, POLICE, CAMERA_ID)


def test_a_revoked_camera_is_refused_and_enrolling_it_does_not_bring_back_its_key() -> None:
    grants = after((STATUS, BEGINS))
    with pytest.raises(IdentityError, match="revoked"):
        grants.camera(GRANT, POLICE, CAMERA_ID)
    enrolled = changed(STATUS, standing=CameraStanding.ENROLLED, signing_key=b"n" * 32, made_at=MADE + 1)
    grants = after((STATUS, BEGINS), (enrolled, BEGINS + 1))
    # The register in the grant still names the old key.
    with pytest.raises(IdentityError, match="revoked"):
        grants.camera(GRANT, POLICE, CAMERA_ID)


def test_a_list_belongs_to_the_owner_its_grant_names() -> None:
    grants = after()
    assert grants.owned("police", OWNER_ID, BEGINS) == {"police-1"} == grants.settled("police", OWNER_ID)
    for list_id, owner in (("police", "spiffe://blindplate/owner/other"), ("emissions", OWNER_ID)):
        with pytest.raises(GrantError):
            grants.owned(list_id, owner, BEGINS)
        with pytest.raises(GrantError):
            grants.settled(list_id, owner)


@pytest.mark.parametrize("moment", [BEGINS - 1, BEGINS + 100, GRANT.not_after])
def test_answers_are_handed_out_inside_a_grant_alone_and_settled_after_it_too(moment: int) -> None:
    grants = after((END, BEGINS + 100))
    with pytest.raises(GrantError):
        grants.owned("police", OWNER_ID, moment)
    assert grants.settled("police", OWNER_ID) == {"police-1"}


def test_a_renewed_grant_still_hands_out_what_was_answered_under_the_one_before() -> None:
    renewed = changed(GRANT, grant_id="police-2", not_before=GRANT.not_after, not_after=GRANT.not_after + DAY)
    grants = after((renewed, MADE))
    assert grants.owned("police", OWNER_ID, GRANT.not_after) == {"police-1", "police-2"}


def test_how_long_a_record_may_be_held() -> None:
    grants = after((AMENDED, BEGINS), (changed(AMENDED, amendment=2, window_seconds=60), BEGINS + 2 * DAY))
    first, second, third = (
        hold_seconds(one) for one in (GRANT, AMENDED, changed(AMENDED, window_seconds=60))
    )
    assert (first, second, third) == (DAY + 60, 9 * DAY + 60, 120)
    # What may still come counts, what was amended away does not.
    assert grants.longest_hold(BEGINS) == second
    assert grants.longest_hold(BEGINS + DAY) == second
    assert grants.longest_hold(BEGINS + 3 * DAY) == third
    assert grants.longest_hold(GRANT.not_after) == 0
    assert after((END, BEGINS)).longest_hold(BEGINS) == 0
    assert after((SUSPENSION, BEGINS)).longest_hold(BEGINS) == first


def test_list_versions_are_found_by_grant_and_number() -> None:
    grants = after((VERSION, BEGINS))
    found = grants.version("police-1", 1)
    assert found is not None
    assert (found.statement, found.witnessed_at) == (VERSION, BEGINS)
    assert grants.version("police-1", 2) is None
    assert grants.version("police-2", 1) is None


def test_without_a_ledger_nothing_is_granted() -> None:
    grants = Grants()
    assert (grants.in_force(MADE), grants.to_come(MADE), grants.longest_hold(MADE)) == ((), (), 0)
    with pytest.raises(UnknownDomainError):
        at(grants, MADE)
