"""Membership at a custodian: the list version in force at the exact capture, by its own times, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from blindplate.core.membership import details_digest
from blindplate.server.custodian.docket import Standing
from blindplate.v1 import release_pb2

from .books import Committed
from .desk import DOMAIN, LATER, LISTED, NOW, STRANGER, Desk


def alarms() -> float:
    return REGISTRY.get_sample_value("blindplate_membership_failures_total", {"list": "police"}) or 0.0


def asked(desk: Desk, plate: bytes, *versions: release_pb2.VersionCandidates, captured: float) -> Standing:
    return desk.ask(desk.sealed(plate, captured=captured), desk.candidates(*versions))


def refused(desk: Desk, plate: bytes, *versions: release_pb2.VersionCandidates, captured: float) -> None:
    before = alarms()
    standing = asked(desk, plate, *versions, captured=captured)
    assert desk.outcome(standing) == "membership"
    assert (desk.entries()[-1].code, desk.entries()[-1].verdict) == ("membership", "denied")
    assert alarms() == before + 1


@pytest.fixture
def second(desk: Desk) -> Committed:
    """Version 2, witnessed ten minutes ago: LISTED went, LATER came."""
    version = Committed(2, DOMAIN, (LATER, b"another"))
    desk.book.commit(desk.grant, version, NOW - 600, before=3)
    return version


def test_of_nobody_listed(desk: Desk) -> None:
    refused(desk, STRANGER, captured=NOW - 60)


def test_of_nobody_listed_alarms_in_the_log_without_naming_anyone(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(desk, STRANGER, captured=NOW - 60)
    line = next(line for line in capsys.readouterr().err.splitlines() if "membership-failed" in line)
    assert '"level": "error"' in line
    assert STRANGER.decode() not in line


def test_of_one_listed_only_afterwards(desk: Desk, second: Committed) -> None:
    versions = (desk.version.candidates(), second.candidates())
    refused(desk, LATER, *versions, captured=NOW - 700)
    assert asked(desk, LATER, *versions, captured=NOW - 60).state == "pending"


def test_in_the_second_of_its_witnessing_a_version_is_not_yet_in_force(desk: Desk, second: Committed) -> None:
    refused(desk, LATER, second.candidates(), captured=NOW - 600 + 0.999)
    assert asked(desk, LATER, second.candidates(), captured=NOW - 599).state == "pending"


def test_of_one_taken_off_before_the_capture(desk: Desk, second: Committed) -> None:
    versions = (desk.version.candidates(), second.candidates())
    refused(desk, LISTED, *versions, captured=NOW - 60)
    assert asked(desk, LISTED, *versions, captured=NOW - 700).state == "pending"


def test_before_any_version_was_witnessed(desk: Desk) -> None:
    desk.book.state = _without_versions(desk)
    refused(desk, LISTED, captured=NOW - 60)


def test_candidates_of_another_version_than_the_one_in_force(desk: Desk, second: Committed) -> None:
    refused(desk, LATER, desk.version.candidates(), captured=NOW - 60)
    renamed = second.candidates()
    renamed.list_version = 1
    refused(desk, LATER, renamed, captured=NOW - 700)


def test_another_version_under_the_number_of_the_one_in_force(desk: Desk, second: Committed) -> None:
    forged = Committed(2, DOMAIN, (LISTED, b"another"))
    assert forged.root != second.root
    refused(desk, LISTED, forged.candidates(), captured=NOW - 60)


def test_without_candidates(desk: Desk) -> None:
    refused(desk, LISTED, release_pb2.VersionCandidates(list_version=1), captured=NOW - 60)


@pytest.mark.parametrize(
    "altered",
    [
        pytest.param({"details": details_digest("another reason", "officer 7", "2027-01-01")}, id="reason"),
        pytest.param({"salt": bytes(16)}, id="salt"),
        pytest.param({"leaf_index": 99}, id="index"),
        pytest.param({"path": []}, id="path-cut"),
        pytest.param({"path": [bytes(32)] * 2}, id="path-forged"),
    ],
)
def test_a_candidate_that_is_no_leaf_of_the_committed_tree(desk: Desk, altered: dict[str, Any]) -> None:
    refused(desk, LISTED, desk.version.candidates(**altered), captured=NOW - 60)


@pytest.mark.parametrize("altered", [{"f": bytes(63)}, {"details": bytes(31)}, {"salt": bytes(17)}])
def test_a_candidate_of_the_wrong_lengths(desk: Desk, altered: dict[str, Any]) -> None:
    standing = asked(desk, LISTED, desk.version.candidates(**altered), captured=NOW - 60)
    assert desk.outcome(standing) == "message"


def test_a_commitment_opened_for_another_record(desk: Desk) -> None:
    # Listed, but the record says it is of another: header and share hang together, so the proof fails first.
    sealed, other = desk.sealed(), desk.sealed()
    header = replace(sealed.record.header, c_y=other.record.header.c_y)
    moved = replace(sealed, record=replace(sealed.record, header=header))
    assert desk.outcome(desk.ask(moved)) in {"match-proof", "share"}


def test_is_checked_again_when_an_officer_approves(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    standing = desk.ask(desk.sealed())
    desk.book.state = _without_versions(desk)
    assert desk.say("anna", standing.request_id).state == "denied"
    assert desk.entries()[-1].code == "membership"


def _without_versions(desk: Desk) -> Any:
    """The desk's ledger as if no list had been committed to."""
    state = desk.book.state.copy()
    state._facts.list_versions.clear()
    return state


def test_of_a_list_longer_than_the_grant_allowed_at_the_capture(desk: Desk) -> None:
    """An amendment that will allow more is entered, and the ledger takes the longer list before it begins."""
    begins = NOW - 300
    desk.book.enter_grant(desk.amended(amendment=1, list_size=20), begins - 60)
    longer = Committed(2, DOMAIN, tuple(b"plate %d" % number for number in range(11)))
    desk.book.commit(desk.grant, longer, NOW - 350, before=3)
    candidates = longer.candidates()
    early = asked(desk, longer.plates[0], candidates, captured=begins - 1)
    assert desk.outcome(early) == "grant"
    assert asked(desk, longer.plates[0], candidates, captured=begins).state == "pending"
