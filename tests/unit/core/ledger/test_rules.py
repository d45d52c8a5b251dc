"""What each kind of entry may not say, each refusal named by the defect."""

from __future__ import annotations

from typing import Any

import pytest

from blindplate.core.domains import Domain
from blindplate.core.errors import EntryError
from blindplate.core.ledger.entries import document_bytes
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import Custodian
from blindplate.core.statements.cameras import CameraStanding
from blindplate.core.statements.grants import GrantedZone, ListKind
from blindplate.core.statements.model import DomainPart, StatementModel
from tests.unit.core.ledger.entering import (
    CAMERA_COUNTS,
    DAY,
    DIGEST,
    DOCUMENT,
    END,
    EVALUATION_KEY,
    GRANT,
    MADE,
    OUTCOME,
    PARTIES,
    POLICY,
    REGISTER_ENTRY,
    REQUEST,
    STATUS,
    STRANGER,
    SUSPENSION,
    VERSION,
    changed,
    entered,
    entry_of,
    granted,
    register,
)

AMENDED = changed(GRANT, amendment=1)
ENROLLED = changed(STATUS, standing=CameraStanding.ENROLLED, signing_key=STRANGER.public, made_at=MADE + 1)


def refused(state: LedgerState, model: StatementModel, says: str) -> None:
    applied = entered(state, model)
    assert isinstance(applied.error, EntryError), applied
    assert says in applied.error.what
    assert applied.model is None


def taken(state: LedgerState, model: StatementModel) -> None:
    applied = entered(state, model)
    assert applied.error is None, applied.error
    assert applied.model == model


@pytest.mark.parametrize("generation", [0, 1])
def test_a_register_of_a_generation_that_a_zone_has_or_had_is_refused(generation: int) -> None:
    state = granted()
    entry, document = register("inner", generation)
    applied = state.apply(9, entry_of(entry), MADE, document_bytes(document))
    assert isinstance(applied.error, EntryError)
    assert "generation" in applied.error.what


def test_a_register_of_the_next_generation_is_the_zones_current_one() -> None:
    state = granted()
    entry, document = register("inner", 2)
    assert state.apply(9, entry_of(entry), MADE, document_bytes(document)).error is None
    assert state.current_register("inner") == entry
    assert set(state.registers) == {DIGEST, entry.register_digest}
    assert state.current_register("outer") is None


def test_a_grant_of_a_register_that_is_no_document_of_the_ledger_is_refused() -> None:
    state = LedgerState(PARTIES)
    refused(state, GRANT, "no document")
    assert not state.grants


@pytest.mark.parametrize("zone", [("outer", 1), ("inner", 2)])
def test_a_grant_of_another_zones_or_generations_register_is_refused(zone: tuple[str, int]) -> None:
    named = GrantedZone(zone=zone[0], generation=zone[1], register_digest=DIGEST)
    refused(granted(), changed(GRANT, grant_id="other", zones=(named,)), "another zone")


def test_a_grant_that_begins_with_an_amendment_is_refused() -> None:
    refused(granted(), changed(AMENDED, grant_id="other"), "amendment 0")


@pytest.mark.parametrize("number", [0, 2, 3])
def test_an_amendment_entered_twice_or_out_of_turn_is_refused(number: int) -> None:
    refused(granted(), changed(GRANT, amendment=number), "numbered")


@pytest.mark.parametrize(
    "fields",
    [
        {"owner": "spiffe://blindplate/owner/other"},
        {"list_id": "other"},
        {"list_kind": ListKind.EMISSIONS},
    ],
    ids=["owner", "list", "kind"],
)
def test_an_amendment_to_another_owner_or_list_is_refused(fields: dict[str, Any]) -> None:
    refused(granted(), changed(AMENDED, **fields), "another owner or list")


def test_an_amendment_with_less_notice_than_the_one_before_is_refused() -> None:
    state = granted()
    refused(state, changed(AMENDED, notice_seconds=DAY - 1), "shorter notice")
    taken(state, changed(AMENDED, notice_seconds=2 * DAY))
    refused(state, changed(GRANT, amendment=2), "shorter notice")
    taken(state, changed(GRANT, amendment=2, notice_seconds=2 * DAY))


def test_an_amendment_back_to_an_earlier_generation_is_refused() -> None:
    state = granted()
    entry, document = register("inner", 2)
    state.apply(2, entry_of(entry), MADE, document_bytes(document))
    newer = GrantedZone(zone="inner", generation=2, register_digest=entry.register_digest)
    taken(state, changed(AMENDED, zones=(newer,)))
    refused(state, changed(GRANT, amendment=2), "earlier key generation")
    taken(state, changed(GRANT, amendment=2, zones=(newer,)))
    assert state.grants[GRANT.grant_id].domains() == {
        Domain("police", "inner", 1),
        Domain("police", "inner", 2),
    }


@pytest.mark.parametrize("model", [AMENDED, SUSPENSION, END, VERSION], ids=lambda model: model.kind)
def test_nothing_changes_a_grant_that_has_ended(model: StatementModel) -> None:
    refused(granted(END), model, "has ended")


@pytest.mark.parametrize("model", [SUSPENSION, END, VERSION, REQUEST, OUTCOME], ids=lambda model: model.kind)
def test_an_entry_of_an_unknown_grant_is_refused(model: StatementModel) -> None:
    refused(granted(REQUEST), changed(model, grant_id="unknown"), "does not hold")


def test_a_suspension_taken_back_cannot_be_entered_again() -> None:
    resumed = changed(SUSPENSION, suspended=False, made_at=MADE + 1)
    state = granted(SUSPENSION, resumed)
    refused(state, SUSPENSION, "not made after")
    refused(state, resumed, "not made after")
    taken(state, changed(SUSPENSION, made_at=MADE + 2))
    # The other custodian's are its own.
    assert state.grants[GRANT.grant_id].last_suspension(Custodian.B) is None


def test_a_camera_that_is_revoked_counts_no_more() -> None:
    state = granted()
    taken(state, CAMERA_COUNTS)
    taken(state, STATUS)
    assert state.revoked == {STATUS.identity: MADE}
    assert state.revoked_keys == {STATUS.signing_key: MADE}
    assert entered(state, CAMERA_COUNTS).error is not None


def test_a_camera_enrolled_anew_has_a_new_key_and_the_old_one_stays_revoked() -> None:
    state = granted(STATUS)
    refused(state, changed(ENROLLED, signing_key=STATUS.signing_key), "was revoked")
    taken(state, ENROLLED)
    assert not state.revoked
    assert state.revoked_keys == {STATUS.signing_key: MADE}


def test_a_camera_whose_revocation_is_undone_by_an_old_entry_stays_revoked() -> None:
    state = granted(changed(ENROLLED, made_at=MADE - 2), STATUS)
    refused(state, changed(ENROLLED, made_at=MADE - 2), "not made after")
    refused(state, changed(ENROLLED, made_at=MADE), "not made after")
    assert set(state.revoked) == {STATUS.identity}


def test_a_suspicion_takes_nothing_away_and_ends_with_the_next_word() -> None:
    state = granted()
    taken(state, changed(STATUS, standing=CameraStanding.SUSPECT, made_at=MADE - 9))
    assert (set(state.suspected), set(state.revoked)) == ({STATUS.identity}, set())
    taken(state, CAMERA_COUNTS)
    kept = state.copy()
    taken(state, changed(STATUS, standing=CameraStanding.ENROLLED, made_at=MADE - 8))
    taken(kept, STATUS)
    assert not state.suspected
    assert (set(kept.suspected), set(kept.revoked)) == (set(), {STATUS.identity})


def test_a_revocation_is_not_undone_by_a_suspicion() -> None:
    state = granted(STATUS)
    refused(state, changed(STATUS, standing=CameraStanding.SUSPECT, made_at=MADE + 1), "is revoked")
    assert set(state.revoked) == {STATUS.identity}


def test_a_register_entered_later_does_not_bring_a_revoked_key_back() -> None:
    state = granted(STATUS)
    cameras = state.registers[DIGEST].cameras
    entry, document = register("inner", 2, *cameras)
    assert state.apply(9, entry_of(entry), MADE, document_bytes(document)).error is None
    assert entered(state, CAMERA_COUNTS).error is not None


def test_a_policy_of_a_serial_that_does_not_rise_is_refused() -> None:
    state = granted(POLICY)
    refused(state, POLICY, "serial")
    refused(state, changed(POLICY, serial=0), "serial")
    taken(state, changed(POLICY, serial=7))
    assert state.policies["inner"].serial == 7


def test_a_policy_that_names_another_evaluation_key_is_refused() -> None:
    other = changed(EVALUATION_KEY, public=b"X" * 32)
    refused(granted(other), POLICY, "evaluation key")


@pytest.mark.parametrize("public", [b"A" * 32, b"X" * 32], ids=["same", "other"])
def test_a_second_evaluation_key_of_a_custodian_and_domain_is_refused(public: bytes) -> None:
    state = granted(EVALUATION_KEY)
    refused(state, changed(EVALUATION_KEY, public=public), "evaluation key")
    domain = Domain("police", "inner", 1)
    assert state.evaluation_keys == {(Custodian.A, domain): b"A" * 32}
    taken(state, changed(EVALUATION_KEY, domain=DomainPart(list_id="police", zone="inner", generation=2)))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({"list_id": "other"}, "another list", id="another-list"),
        pytest.param(
            {"entries": 101, "added": 101, "leaves": 101}, "than its grant", id="longer-than-granted"
        ),
        pytest.param({"leaves": 11}, "leaves", id="more-leaves-than-entries-have"),
        pytest.param({"added": 9}, "before it", id="added-fewer-than-it-has"),
        pytest.param({"added": 11, "removed": 0}, "before it", id="added-more-than-it-has"),
    ],
)
def test_a_first_list_version_that_contradicts_itself_or_its_grant_is_refused(
    fields: dict[str, Any], says: str
) -> None:
    refused(granted(), changed(VERSION, **fields), says)


def test_a_list_version_whose_number_does_not_rise_is_refused() -> None:
    state = granted(changed(VERSION, list_version=5))
    for number in (4, 5):
        refused(state, changed(VERSION, list_version=number, added=0), "does not rise")
    taken(state, changed(VERSION, list_version=9, entries=12, leaves=12, added=5, removed=3))
    refused(state, changed(VERSION, list_version=10, entries=10, added=0, removed=3), "before it")
    assert [one.statement.list_version for one in state.list_versions[GRANT.grant_id]] == [5, 9]


def test_a_list_version_is_in_force_from_the_second_after_it_was_witnessed() -> None:
    state = granted()
    entered(state, VERSION, MADE + DAY)
    assert state.version_at(GRANT.grant_id, (MADE + DAY + 1) * 1000).statement == VERSION


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({"list_id": "other"}, "another list", id="another-list"),
        pytest.param(
            {"requester": "spiffe://blindplate/owner/other"}, "not by the owner", id="another-requester"
        ),
        pytest.param({"expires_at": MADE}, "expires", id="expired-when-made"),
    ],
)
def test_a_release_request_that_does_not_fit_its_grant_is_refused(fields: dict[str, Any], says: str) -> None:
    refused(granted(), changed(REQUEST, **fields), says)


def test_a_request_rests_on_the_law_of_one_of_its_grants_amendments() -> None:
    amended = changed(AMENDED, lawful_basis="Another act")
    anew = changed(REQUEST, request_id=b"n" * 32, lawful_basis="Another act")
    refused(granted(), anew, "lawful basis")
    # Which of them is in force depends on when it was witnessed, and is for the custodians to say.
    state = granted(amended)
    taken(state, anew)
    taken(state, REQUEST)


def test_a_vehicle_told_of_in_a_requests_lawful_basis_is_refused() -> None:
    refused(granted(), changed(REQUEST, lawful_basis=f"{REQUEST.lawful_basis} AB12CDE"), "lawful basis")


def test_a_release_request_is_entered_once() -> None:
    state = granted(REQUEST)
    refused(state, REQUEST, "second time")
    refused(state, changed(REQUEST, emergency=True, made_at=MADE + 1), "second time")
    found = state.requests[REQUEST.request_id]
    assert (found.index, found.witnessed_at, found.grant_id) == (2, MADE, GRANT.grant_id)


def test_a_request_under_a_grant_that_has_ended_is_entered_so_that_its_refusal_shows() -> None:
    taken(granted(END), REQUEST)


def test_an_outcome_of_a_request_that_was_not_entered_is_refused() -> None:
    refused(granted(), OUTCOME, "no release request")
    other = changed(GRANT, grant_id="police-2")
    refused(granted(REQUEST, other), changed(OUTCOME, grant_id="police-2"), "no release request")


def test_a_register_that_contradicts_its_entry_is_refused() -> None:
    state = LedgerState(PARTIES)
    for fields in ({"zone": "outer"}, {"generation": 2}, {"cameras": 2}):
        entry = changed(REGISTER_ENTRY, **fields)
        applied = state.apply(0, entry_of(entry), MADE, document_bytes(DOCUMENT))
        assert isinstance(applied.error, EntryError), fields
    assert not state.registers
