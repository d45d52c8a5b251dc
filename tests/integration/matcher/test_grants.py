"""The grant is the key: what entries in the ledger stop at the matcher, at once, and what they do not take away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from blindplate.core.errors import GrantError
from blindplate.core.parties import Custodian
from blindplate.core.statements.cameras import CameraStanding, CameraStatus
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.psi.owner import open_answer
from tests.integration.ledger_site import party_key
from tests.integration.matcher.conftest import Camera, SealedRead, Segment, World, pseudonym


def hand_in(world: World, pseudonyms: list[bytes]) -> list[SealedRead]:
    reads = world.reads(pseudonyms)
    assert not any(receipt.code for receipt in world.camera.submit(world.port, [one.wire for one in reads]))
    return reads


def upload(world: World, listed: list[bytes]) -> Segment:
    segment = world.owner.build(world.police, world.epoch(), listed, now=world.clock.now())
    world.owner.upload(world.port, segment)
    return segment


def end(world: World) -> None:
    statement = GrantEnd(grant_id="police-1", reason="Withdrawn.", made_at=int(world.clock.now()))
    world.enter(statement.statement(party_key(world.deployment, "operator")), by="operator")


def suspend(world: World, custodian: Custodian, *, suspended: bool) -> None:
    statement = GrantSuspension(
        grant_id="police-1",
        custodian=custodian,
        suspended=suspended,
        reason="To be looked into.",
        made_at=int(world.clock.now()),
    )
    party = f"custodian-{custodian}"
    world.enter(statement.statement(party_key(world.deployment, party)), by=party)


def run_out(world: World) -> None:
    world.clock.time = world.police.not_after


def nothing_goes_out(world: World) -> None:
    attempts: list[Callable[[], Any]] = [
        lambda: world.owner.next(world.port, "police", 0),
        lambda: world.owner.segments(world.port, "police"),
        lambda: upload(world, [pseudonym()]),
    ]
    for attempt in attempts:
        with pytest.raises(GrantError):
            attempt()


@pytest.mark.parametrize("stop", [end, run_out])
def test_a_grant_that_is_over_stops_matching_and_what_went_out_may_be_settled(
    world: World, stop: Callable[[World], None]
) -> None:
    sought = pseudonym()
    segment = upload(world, [sought])
    [read, _] = hand_in(world, [sought, pseudonym()])
    assert world.tick() == 1
    answer = world.owner.next(world.port, "police", 0).answer
    [hit] = open_answer(segment.secret, answer.body)
    waiting = hand_in(world, [sought])
    stop(world)
    assert world.tick() == 0
    nothing_goes_out(world)
    [claimed] = world.owner.claim(world.port, "police", answer.sequence, [(hit.slot, hit.match_secret)])
    assert claimed.record.header.record_id == read.record_id
    world.owner.acknowledge(world.port, "police", answer.sequence)
    # The claimed read and the one that was never matched.
    assert world.held() == 2
    world.clock.time += 1
    assert world.tick() == 0
    assert waiting


def test_reads_of_an_ended_grant_are_not_taken_any_more(world: World) -> None:
    spooled = world.reads([pseudonym()])
    end(world)
    assert [one.code for one in world.camera.submit(world.port, [spooled[0].wire])] == ["grant"]


@pytest.mark.parametrize("custodian", list(Custodian))
def test_either_custodian_stops_matching_by_itself_and_may_let_it_go_on(
    world: World, custodian: Custodian
) -> None:
    segment = upload(world, [pseudonym()])
    hand_in(world, [pseudonym()])
    suspend(world, custodian, suspended=True)
    assert world.tick() == 0
    nothing_goes_out(world)
    # Reads are taken: nothing is lost if the grant goes on within their window.
    hand_in(world, [pseudonym()])
    world.clock.time += 5
    suspend(world, custodian, suspended=False)
    assert world.tick() == 1
    assert world.owner.next(world.port, "police", 0).answer.segment_id == segment.statement.statement_id


def test_a_revoked_camera_hands_in_nothing_more(world: World) -> None:
    [before] = world.reads([pseudonym()])
    status = CameraStatus(
        camera_id="camera-1",
        zone="inner",
        identity="spiffe://blindplate/camera/camera-1",
        signing_key=world.camera.signing_key.public,
        standing=CameraStanding.REVOKED,
        reason="Stolen.",
        made_at=int(world.clock.now()),
    )
    world.enter(status.statement(party_key(world.deployment, "operator")), by="operator")
    [emissions] = world.reads([pseudonym()], grant=world.emissions)
    receipts = world.camera.submit(world.port, [before.wire, emissions.wire])
    assert [receipt.code for receipt in receipts] == ["identity", "identity"]
    other = Camera(world.deployment, "camera-3", release=world.camera.release)
    window = other.window_key(world.port, world.clock.now())
    [read] = other.seal(window, world.police, "inner", world.clock.now(), [pseudonym()])
    assert [receipt.code for receipt in other.submit(world.port, [read.wire])] == [""]
    other.close()


def test_grants_outlive_a_restart_without_a_ledger(world: World) -> None:
    segment = upload(world, [pseudonym()])
    world.ledger.stop()
    world.restart()
    [listed] = world.owner.segments(world.port, "police")
    assert listed.segment_id == segment.statement.statement_id
    hand_in(world, [pseudonym()])
