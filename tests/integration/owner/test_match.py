"""From a listed vehicle to a hit, over real services: at once, after a change, late, and through crashes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete, select

from blindplate.client.owner import answers
from blindplate.client.owner.coverage import delta_lead
from blindplate.client.owner.hits import HitState, hits_after
from blindplate.client.owner.publish import is_behind
from blindplate.client.owner.segments import Segment, SegmentState, in_states
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import answers as answers_table
from blindplate.client.owner.tables import segments
from blindplate.core.errors import QuotaError, UnavailableError
from blindplate.psi.owner import open_answer
from tests.integration.owner.conftest import MakeWorld
from tests.integration.owner.world import (
    channel_ready,
    publish_now,
    put_on_list,
    settled_hits,
    take_off_list,
    within,
)

LISTED, ADDED, STRANGER = "AB12CDE", "KL63XYZ", "GH19JKL"


def test_a_listed_vehicle_is_a_hit_and_a_stranger_is_none(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED, ADDED)
        done = publish_now(session)
        assert (done.evaluated, done.uploaded) == (2, 2)
        world.read([STRANGER, LISTED])
        hits = settled_hits(world, session)
        assert [hit.state for hit in hits] == [HitState.SEALED]
        assert hits[0].domain.zone == "inner"


def test_publishing_again_does_nothing(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED)
        publish_now(session)
        done = publish_now(session)
        assert (done.evaluated, done.uploaded) == (0, 0)


def test_a_vehicle_added_after_the_base_is_matched_within_the_same_epoch(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED)
        publish_now(session)
        world.clock.offset += 5
        put_on_list(session, ADDED)
        done = publish_now(session)
        assert (done.evaluated, done.uploaded) == (1, 1)
        numbers = [
            one.number
            for one in in_states_of(session)
            if one.epoch_index == session.rule.at(session.now()).index
        ]
        assert numbers == [0, 1]
        world.clock.offset += 5
        world.read([ADDED, LISTED, STRANGER])
        assert len(settled_hits(world, session)) == 2


@pytest.mark.parametrize(("kept_back", "hits"), [(64, 1), (0, 0)], ids=["kept back", "defence removed"])
def test_a_read_answered_before_its_vehicle_is_published_is_still_matched(
    make_world: MakeWorld, kept_back: int, hits: int
) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED)
        publish_now(session)
        assert not is_behind(session)
        world.clock.offset += 5
        put_on_list(session, ADDED)
        assert is_behind(session)
        world.clock.offset += 5
        world.read([ADDED])
        taken = within(
            lambda: answers.take_next(session, 200, lambda _session: kept_back),
            lambda found: found is not None,
        )
        assert taken is not None
        publish_now(session)
        assert not is_behind(session)
        assert len(settled_hits(world, session)) == hits


def test_an_owner_absent_at_the_boundary_still_finds_the_reads_that_waited(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED)
        publish_now(session)
        covered = session.rule.at(session.now()).next()
        # The owner is away from now on: nothing covers the epoch after the one uploaded ahead.
        world.clock.move_to(covered.next().start() + 60)
        world.read([LISTED, STRANGER])
        world.clock.move_to(covered.next().end() + 60)
        world.read([LISTED, STRANGER], at=covered.end() - 30)
        # The read of the epoch uploaded ahead came late and is found; that of the other waits.
        assert [hit.epoch for hit in settled_hits(world, session)] == [covered]
        publish_now(session)
        assert [hit.epoch for hit in settled_hits(world, session)] == [covered, covered.next()]


def test_a_coming_epoch_is_brought_up_to_date_shortly_before_it_begins(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED)
        publish_now(session)
        coming = session.rule.at(session.now()).next()
        put_on_list(session, ADDED)
        world.clock.move_to(coming.start() - delta_lead(coming) / 2)
        publish_now(session)
        world.clock.move_to(coming.start() + 120)
        world.read([ADDED])
        assert len(settled_hits(world, session)) == 1
        live = [one for one in in_states_of(session) if one.epoch_index == coming.index]
        assert [one.number for one in live] == [0]


def test_a_removed_vehicle_read_afterwards_is_no_hit(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED, ADDED)
        publish_now(session)
        world.clock.offset += 5
        take_off_list(session, LISTED)
        assert publish_now(session).uploaded == 1
        # Beyond the minute in which the coarse time could still be before the removal.
        world.clock.offset += 120
        world.read([LISTED, ADDED])
        assert len(settled_hits(world, session)) == 1


def test_a_list_emptied_matches_nothing(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED)
        publish_now(session)
        take_off_list(session, LISTED)
        publish_now(session)
        world.clock.offset += 120
        world.read([LISTED])
        assert settled_hits(world, session) == []


class Crash(BaseException):
    """Stands for the process dying at this point."""


def test_a_crash_between_claim_and_store_loses_no_hit(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED)
        publish_now(session)
        world.read([LISTED])

        def die(*_arguments: object, **_named: object) -> int:
            raise Crash

        with monkeypatch.context() as patched:
            patched.setattr(answers, "keep_hits", die)
            with pytest.raises(Crash):
                settled_hits(world, session)
    with world.session() as session:
        assert len(settled_hits(world, session)) == 1


def test_a_crash_between_store_and_acknowledgement_acknowledges_later_and_keeps_one_hit(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED)
        publish_now(session)
        world.read([LISTED, STRANGER])

        def die(_session: object, _kept_back: int) -> None:
            raise Crash

        with monkeypatch.context() as patched:
            patched.setattr(answers, "acknowledge_stored", die)
            with pytest.raises(Crash):
                settled_hits(world, session)
    with world.session() as session:
        answers.acknowledge_stored(session)
        assert answers.take_next(session, 0) is None
        with session.store.reading() as connection:
            assert len(hits_after(connection, 0)) == 1


def test_an_upload_that_arrived_before_a_crash_is_found_to_be_there(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED)

        def die(*_arguments: object) -> None:
            raise Crash

        with monkeypatch.context() as patched:
            patched.setattr("blindplate.client.owner.segments.finish_upload", die)
            with pytest.raises(Crash):
                publish_now(session)
    with world.session() as session:
        # The epoch that was interrupted is there; only the coming one is still to be uploaded.
        assert publish_now(session).uploaded == 1
        world.read([LISTED])
        assert len(settled_hits(world, session)) == 1


def test_a_delta_without_room_becomes_a_base_and_a_list_without_room_is_refused(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    with world.session() as opened:
        session = replace(opened, grant=opened.grant.model_copy(update={"capacity": 64}))
        put_on_list(session, LISTED)
        publish_now(session)
        world.clock.offset += 5
        put_on_list(session, ADDED)
        publish_now(session)
        assert [one.number for one in in_states_of(session)] == [0, 0]
        world.clock.offset += 120
        world.read([LISTED, ADDED])
        assert len(settled_hits(world, session)) == 2
        take_off_list(session, ADDED)
        small = replace(session, grant=opened.grant.model_copy(update={"capacity": 63}))
        with pytest.raises(QuotaError):
            publish_now(small)


def test_a_matcher_away_is_waited_for(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED)
        world.stop_matcher()
        with pytest.raises(UnavailableError):
            publish_now(session)
        world.start_matcher()
        # The channel connects again by itself, after its pause.
        channel_ready(session.matcher)
        assert publish_now(session).uploaded == 2


def test_a_matcher_made_anew_gets_the_lists_and_its_answers_are_taken(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED)
        publish_now(session)
        world.read([LISTED])
        assert len(settled_hits(world, session)) == 1
        world.stop_matcher()
        folder = world.deployment.folder / "matcher" / "state"
        for file in folder.glob("matcher.db*"):
            file.unlink()
        world.start_matcher()
        channel_ready(session.matcher)
        assert publish_now(session).uploaded == 2
        world.read([LISTED])
        assert len(settled_hits(world, session)) == 2


def test_reads_answered_under_a_lost_key_are_matched_anew(make_world: MakeWorld) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED)
        publish_now(session)
        world.read([LISTED, STRANGER])
        with session.store.writing() as connection:
            connection.execute(delete(segments))
        taken = within(lambda: answers.take_next(session, 200), lambda found: found is not None)
        assert taken is not None
        assert (taken.outcome, taken.hits) == (answers.Outcome.UNKNOWN, 0)
        publish_now(session)
        answers.acknowledge_passed_over(session)
        assert len(settled_hits(world, session)) == 1


def test_an_answer_that_cannot_be_read_is_passed_over_and_never_acknowledged(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    with world.session() as session:
        put_on_list(session, LISTED)
        publish_now(session)
        world.read([LISTED])

        def spoiled(secret: bytes, _answer: bytes) -> object:
            return open_answer(secret, b"spoiled")

        with monkeypatch.context() as patched:
            patched.setattr(answers, "open_answer", spoiled)
            taken = within(lambda: answers.take_next(session, 200), lambda found: found is not None)
        assert taken is not None
        assert taken.outcome is answers.Outcome.UNREADABLE
        answers.acknowledge_passed_over(session)
        assert answers.take_next(session, 0) is None
        with session.store.reading() as connection:
            assert connection.execute(select(answers_table.c.acknowledged)).scalars().all() == [False]


def in_states_of(session: Session) -> list[Segment]:
    with session.store.reading() as connection:
        return in_states(connection, SegmentState.LIVE)
