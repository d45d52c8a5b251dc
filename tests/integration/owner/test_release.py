"""From a hit to a plate: approved, refused, forged, on the wrong list, by standing authorisation."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete

from blindplate.client.owner import commands, handing, outcomes
from blindplate.client.owner.daemon import serve
from blindplate.client.owner.hits import Hit, HitState, count_by_state, find_hit, hits_after
from blindplate.client.owner.release import follow, request_release
from blindplate.client.owner.requests import Request, Standing, all_requests, keep_reply, latest_request
from blindplate.client.owner.reveal import judge_hit, reveal_hit
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import entries
from blindplate.core.errors import (
    CommitmentError,
    GoneError,
    MembershipError,
    NotFoundError,
    PendingError,
    PolicyError,
    ShareError,
    SignatureError,
)
from blindplate.core.hpke import OpeningKey
from blindplate.core.ledger.bundles import decode_bundle
from blindplate.core.ledger.checkpoints import verify_checkpoint
from blindplate.core.ledger.entries import parse_entry
from blindplate.core.ledger.layout import bundles_between, entries_path
from blindplate.core.parties import Custodian
from blindplate.core.records.reply import open_reply, seal_reply
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import Outcome, OutcomeEntry
from blindplate.core.statements.releases import Verdict
from blindplate.edge.ledger.source import open_source
from blindplate.v1.release_pb2 import ReleaseStatus
from tests.integration.owner.conftest import MakeWorld
from tests.integration.owner.world import (
    Word,
    World,
    channel_ready,
    publish_now,
    put_on_list,
    settled_hits,
    take_off_list,
    within,
)

LISTED, OTHER = "AB12CDE", "KL63XYZ"


def only_hit(world: World, session: Session, *, plate: str = LISTED, **cheating: Any) -> Hit:
    put_on_list(session, LISTED, OTHER)
    publish_now(session)
    world.read([plate], **cheating)
    (hit,) = settled_hits(world, session)
    return hit


def ask(session: Session, hit: Hit, patience: float = 10.0) -> Request:
    return request_release(session, hit.hit_id, Purpose.ROBBERY_OR_THEFT, "case 1", patience=patience)


def approve(world: World, session: Session, request: Request, *custodians: Custodian) -> None:
    """Let both custodians, or those named, approve; they tell once the ledger has their decisions."""
    for custodian in custodians or Custodian:
        decide(world, session, request, custodian, Verdict.APPROVED)


def decide(world: World, session: Session, request: Request, custodian: Custodian, verdict: Word) -> None:
    world.decide(custodian, request.request_id, verdict)
    told = within(lambda: standing_at(session, request, custodian), lambda standing: standing == verdict)
    assert told == verdict


def standing_at(session: Session, request: Request, custodian: Custodian) -> str:
    return follow(session, request).replies[list(Custodian).index(custodian)].standing


def test_both_custodians_approve_and_the_plate_is_revealed(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        hit = only_hit(world, session)
        with pytest.raises(NotFoundError):
            reveal_hit(session, hit.hit_id)
        request = ask(session, hit)
        assert request.standing is Standing.PENDING
        assert ask(session, hit).request_id == request.request_id
        with pytest.raises(PolicyError):
            request_release(session, hit.hit_id, Purpose.MURDER, "case 2")
        approve(world, session, request, Custodian.A)
        with pytest.raises(PendingError, match="Custodian B"):
            reveal_hit(session, hit.hit_id)
        approve(world, session, request, Custodian.B)
        revealed = reveal_hit(session, hit.hit_id)
        assert revealed.plate.text == LISTED
        assert (revealed.camera_id, revealed.vehicle_make) == ("camera-1", "Ford")
        assert revealed.entry.details.reason == "wanted"
        assert revealed.entry_age > 0
        assert LISTED not in repr(revealed)
        outcomes.enter_all(session)
        judge_hit(session, hit.hit_id, Outcome.CONFIRMED)
        published = within(lambda: entered(world), lambda found: len(found) == 2)
        assert published == [Outcome.OPENED, Outcome.CONFIRMED]
        # Read back from the store, the keys having been erased.
        assert reveal_hit(session, hit.hit_id) == revealed
        with session.store.reading() as connection:
            kept = latest_request(connection, hit.hit_id)
        assert kept is not None
        assert kept.reply_seed is None


def entered(world: World) -> list[Outcome]:
    """The outcomes that the published ledger has, in order."""
    access = world.ledger.access()
    with closing(open_source(access.url)) as source:
        size = verify_checkpoint(source.get("checkpoint"), access.keys.keys()).checkpoint.size
        bundles = [source.get(entries_path(tile.index, tile.width)) for tile in bundles_between(0, size)]
    statements = [parse_entry(entry) for bundle in bundles for entry in decode_bundle(bundle)]
    kind = OutcomeEntry.media_type()
    return [OutcomeEntry.parsed(one.payload).outcome for one in statements if one.payload_type == kind]


def test_a_read_of_before_the_listing_is_released_by_nobody(make_world: MakeWorld) -> None:
    world = make_world()
    # In the middle of a minute: the header tells no more than the minute, and so the new list meets the read.
    world.clock.move_to(world.clock.now() // 60 * 60 + 20)
    with world.session() as session:
        put_on_list(session, OTHER)
        publish_now(session)
        captured = world.clock.now()
        world.clock.offset += 5
        put_on_list(session, LISTED)
        publish_now(session)
        world.read([LISTED], at=captured)
        (hit,) = settled_hits(world, session)
        request = ask(session, hit)
        denied = within(
            lambda: follow(session, request).replies,
            lambda replies: all(reply.standing is Standing.DENIED for reply in replies),
        )
        assert [reply.code for reply in denied] == ["membership", "membership"]
        with pytest.raises(PolicyError):
            reveal_hit(session, hit.hit_id)


def test_one_custodian_refuses_and_nothing_is_revealed(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        hit = only_hit(world, session)
        request = ask(session, hit)
        approve(world, session, request, Custodian.A)
        decide(world, session, request, Custodian.B, Verdict.DENIED)
        with pytest.raises(PolicyError, match="Custodian B refused"):
            reveal_hit(session, hit.hit_id)
        with session.store.reading() as connection:
            assert find_hit(connection, hit.hit_id).hit.state is HitState.DENIED
        # A refusal closes this request, not the hit.
        assert ask(session, hit).request_id != request.request_id


def test_a_custodian_away_is_asked_when_it_is_back(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        hit = only_hit(world, session)
        request = ask(session, hit, patience=0.0)
        within(world.all_witnessed, bool)
        world.stop_custodian(Custodian.B)
        request = follow(session, request)
        assert [reply.standing for reply in request.replies] == [Standing.PENDING, Standing.UNREACHED]
        with pytest.raises(PendingError, match="Custodian B has not been reached"):
            reveal_hit(session, hit.hit_id)
        world.start_custodian(Custodian.B)
        channel_ready(session.custodian_channels[Custodian.B])
        assert ask(session, hit).standing is Standing.PENDING
        approve(world, session, request)
        assert reveal_hit(session, hit.hit_id).plate.text == LISTED


def test_nobody_is_asked_while_a_custodian_is_away_that_is_to_witness_the_entry(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    with world.session() as session:
        hit = only_hit(world, session)
        world.stop_custodian(Custodian.B)
        request = ask(session, hit, patience=1.0)
        assert request.ledger_index is not None
        assert [reply.standing for reply in request.replies] == [Standing.UNREACHED, Standing.UNREACHED]
        world.start_custodian(Custodian.B)
        channel_ready(session.custodian_channels[Custodian.B])
        again = within(lambda: ask(session, hit), lambda found: found.standing is Standing.PENDING)
        assert again.request_id == request.request_id


@pytest.mark.parametrize(
    "false",
    [
        pytest.param({"share": bytes(32)}, id="share-of-another-record"),
        pytest.param({"n_y": bytes(16)}, id="another-opening"),
        pytest.param({"camera_id": "camera-9"}, id="another-camera"),
        pytest.param({"capture_time_ms": 1_700_000_000_000}, id="another-time"),
    ],
)
def test_a_false_answer_is_refused_naming_the_custodian(make_world: MakeWorld, false: dict[str, Any]) -> None:
    world = make_world()
    with world.session() as session:
        hit = only_hit(world, session)
        request = ask(session, hit)
        approve(world, session, request)
        forge_answer(Custodian.B, session, request, false)
        with pytest.raises(ShareError) as caught:
            reveal_hit(session, hit.hit_id)
        assert caught.value.custodian == "b"
        # The custodian is asked again, and its true share opens the record.
        assert reveal_hit(session, hit.hit_id).plate.text == LISTED


def forge_answer(custodian: Custodian, session: Session, request: Request, false: dict[str, Any]) -> None:
    """Put an answer with ``false`` fields in place of the one the custodian sends."""
    reply = follow(session, request).replies[list(Custodian).index(custodian)]
    assert reply.sealed_share is not None
    assert request.reply_seed is not None
    key = OpeningKey.from_seed(request.reply_seed)
    true = open_reply(reply.sealed_share, key, custodian, request.request_id)
    sealed = seal_reply(replace(true, **false), key.sealing_key(), custodian, request.request_id)
    with session.store.writing() as connection:
        keep_reply(connection, request.request_id, replace(reply, sealed_share=sealed))


def test_a_decision_of_the_other_custodian_counts_for_nothing(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world("owner-emissions")
    with world.session() as session:
        hit = only_hit(world, session)
        submit = handing._submit

        def only_a(session: Session, request: Request, _custodian: Custodian) -> ReleaseStatus:
            return submit(session, request, Custodian.A)

        def ask_it() -> Request:
            return request_release(session, hit.hit_id, Purpose.UNPAID_CHARGE, "charge 1")

        with monkeypatch.context() as patched:
            patched.setattr(handing, "_submit", only_a)
            # Until A has told, its answers say nothing.
            with pytest.raises(SignatureError):
                within(ask_it, lambda _request: False)
        assert within(lambda: ask_it().standing, lambda standing: standing is Standing.APPROVED) == "approved"


def test_a_camera_that_seals_another_plate_than_its_pseudonym_is_caught(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        # Matched as a listed vehicle, sealed as a stranger: the stranger must not be shown.
        hit = only_hit(world, session, plate="GH19JKL", sealed_for=LISTED)
        approve(world, session, ask(session, hit))
        with pytest.raises(CommitmentError):
            reveal_hit(session, hit.hit_id)
        with session.store.reading() as connection:
            assert count_by_state(connection) == {HitState.ALARMED: 1}


@pytest.mark.parametrize(
    "cheating",
    [pytest.param({"named": "camera-9"}, id="camera"), pytest.param({"late_ms": 1_000}, id="time")],
)
def test_a_payload_that_names_another_camera_or_time_than_custodians_verified_is_an_alarm(
    make_world: MakeWorld, cheating: dict[str, Any]
) -> None:
    world = make_world()
    # The header shows the minute: in the middle of one, a second more fits it.
    world.clock.move_to(world.clock.now() // 60 * 60 + 30)
    with world.session() as session:
        hit = only_hit(world, session, **cheating)
        approve(world, session, ask(session, hit))
        with pytest.raises(CommitmentError, match="another camera or capture time"):
            reveal_hit(session, hit.hit_id)
        with session.store.reading() as connection:
            assert count_by_state(connection) == {HitState.ALARMED: 1}


def test_a_plate_never_listed_is_an_alarm(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        hit = only_hit(world, session)
        approve(world, session, ask(session, hit))
        forget_entry(session)
        with pytest.raises(MembershipError):
            reveal_hit(session, hit.hit_id)
        with pytest.raises(PolicyError):
            ask(session, hit)


def forget_entry(session: Session) -> None:
    """As if the listed vehicle had never been listed: the match was then forged, or the odds have struck."""
    with session.store.writing() as connection:
        connection.execute(delete(entries))


def test_a_vehicle_removed_meanwhile_is_never_shown(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        hit = only_hit(world, session)
        approve(world, session, ask(session, hit))
        take_off_list(session, LISTED)
        with pytest.raises(GoneError):
            reveal_hit(session, hit.hit_id)
        with session.store.reading() as connection:
            assert hits_after(connection, 0) == []
        with pytest.raises(NotFoundError):
            reveal_hit(session, hit.hit_id)


def test_the_daemon_asks_for_every_emissions_hit_but_no_alternate(make_world: MakeWorld) -> None:
    world = make_world("owner-emissions")
    stop = threading.Event()
    with world.session() as session:
        put_on_list(session, LISTED, OTHER)
        thread = threading.Thread(target=serve, args=(session, stop))
        thread.start()
        try:
            within(lambda: commands.status(session.settings).epochs[0].segments, lambda found: found == 1)
            world.read([LISTED])
            world.read([OTHER], alternate=True)

            def states() -> dict[HitState, int]:
                with session.store.reading() as connection:
                    return count_by_state(connection)

            assert within(states, lambda found: len(found) == 2) == {
                HitState.REQUESTED: 1,
                HitState.SEALED: 1,
            }
            with session.store.reading() as connection:
                (request,) = within(lambda: all_requests(connection), lambda found: len(found) == 1)
        finally:
            stop.set()
            thread.join()
        assert [one.request_id for one in commands.releases(session.settings)] == [request.request_id]
        within(lambda: follow(session, request).standing, lambda found: found is Standing.APPROVED)
        assert (request.purpose, request.automatic) == (Purpose.UNPAID_CHARGE, True)
        assert reveal_hit(session, request.hit_id).plate.text == LISTED
