"""Answers, claims and acknowledgements over several segments, epochs and owners."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from blindplate.core.errors import GrantError, IdentityError, MessageError, NotFoundError, OverloadedError
from blindplate.core.records.record import SealedRecord
from blindplate.edge.statuses import remote_errors
from blindplate.psi.owner import open_answer
from blindplate.server.matcher import records_store
from blindplate.v1 import answers_pb2, answers_pb2_grpc
from tests.integration.matcher.conftest import Owner, SealedRead, Segment, World, pseudonym


def hand_in(world: World, pseudonyms: list[bytes]) -> list[SealedRead]:
    reads = world.reads(pseudonyms)
    receipts = world.camera.submit(world.port, [read.wire for read in reads])
    assert not any(receipt.code for receipt in receipts)
    return reads


def upload(world: World, listed: list[bytes], **changes: Any) -> Segment:
    epoch = changes.pop("epoch", world.epoch())
    changes.setdefault("matches_from", int(epoch.start()))
    segment = world.owner.build(world.police, epoch, listed, now=world.clock.now(), **changes)
    world.owner.upload(world.port, segment)
    return segment


def hits(world: World, segment: Segment, answer: answers_pb2.Answer) -> list[bytes]:
    """Claim every hit of an answer; the ids of the records handed over."""
    assert answer.segment_id == segment.statement.statement_id
    opened = open_answer(segment.secret, answer.body)
    claims = [(hit.slot, hit.match_secret) for hit in opened]
    results = world.owner.claim(world.port, "police", answer.sequence, claims)
    return [SealedRecord.from_proto(result.record).header.record_id for result in results]


def test_a_delta_matches_beside_its_base_and_reads_wait_for_both(world: World) -> None:
    first, second = pseudonym(), pseudonym()
    base = upload(world, [first])
    delta = upload(world, [second], number=1)
    reads = hand_in(world, [first, second, pseudonym()])
    assert world.tick() == 2
    answers = [world.owner.next(world.port, "police", after).answer for after in (0, 1)]
    assert hits(world, base, answers[0]) == [reads[0].record_id]
    world.owner.acknowledge(world.port, "police", 1)
    assert world.held() == 3
    assert hits(world, delta, answers[1]) == [reads[1].record_id]
    world.owner.acknowledge(world.port, "police", 2)
    assert world.held() == 2


def test_a_late_list_matches_reads_that_waited_across_two_epochs(world: World) -> None:
    sought = pseudonym()
    earlier = world.epoch()
    reads = hand_in(world, [sought, pseudonym()])
    spooled = world.reads([sought])
    world.clock.time = earlier.next().next().start() + 5
    assert world.tick() == 0
    assert [receipt.code for receipt in world.camera.submit(world.port, [spooled[0].wire])] == [""]
    reads += spooled
    segment = upload(world, [sought], epoch=earlier)
    assert world.tick() == 1
    answer = world.owner.next(world.port, "police", 0).answer
    assert set(hits(world, segment, answer)) == {reads[0].record_id, reads[2].record_id}


def test_each_epoch_is_matched_by_its_own_list(world: World) -> None:
    sought = pseudonym()
    now, coming = upload(world, [sought]), upload(world, [pseudonym()], epoch=world.epoch(1))
    [read] = hand_in(world, [sought])
    world.clock.time = world.epoch(1).start() + 1
    [later] = hand_in(world, [sought])
    assert world.tick() == 2
    found = {
        answer.segment_id: answer
        for after in (0, 1)
        for answer in [world.owner.next(world.port, "police", after).answer]
    }
    assert hits(world, now, found[now.statement.statement_id]) == [read.record_id]
    assert open_answer(coming.secret, found[coming.statement.statement_id].body) == []
    assert later.record_id != read.record_id


def test_a_second_tick_matches_nothing_twice(world: World) -> None:
    upload(world, [pseudonym()])
    hand_in(world, [pseudonym() for _ in range(5)])
    assert [world.tick() for _ in range(3)] == [1, 0, 0]


def test_a_tick_is_as_long_as_the_grant_says(world: World) -> None:
    upload(world, [pseudonym()])
    hand_in(world, [pseudonym()])
    assert world.tick() == 1
    hand_in(world, [pseudonym()])
    ticker = world.served.matcher.ticker
    assert ticker.tick() == 0
    world.clock.time += world.police.tick_seconds
    assert ticker.tick() == 1


def test_reads_of_one_vehicle_take_slots_in_turn_and_none_is_lost(world: World) -> None:
    sought = pseudonym()
    segment = upload(world, [sought])
    reads = hand_in(world, [sought] * 30)
    assert world.tick() == 1
    answer = world.owner.next(world.port, "police", 0).answer
    assert sorted(hits(world, segment, answer)) == sorted(read.record_id for read in reads)


def test_unacknowledged_answers_hold_up_the_next_and_lose_nothing(world: World) -> None:
    world.restart(max_unacknowledged=1)
    upload(world, [pseudonym()])
    hand_in(world, [pseudonym()])
    assert world.tick() == 1
    hand_in(world, [pseudonym()])
    assert world.tick() == 0
    assert world.held() == 2
    world.owner.acknowledge(world.port, "police", 1)
    assert world.tick() == 1


def test_without_reads_there_is_an_answer_only_if_told_so(world: World) -> None:
    segment = upload(world, [pseudonym()])
    upload(world, [pseudonym()], epoch=world.epoch(1))
    assert world.tick() == 0
    world.restart(answer_empty_ticks=True)
    assert world.tick() == 1
    answer = world.owner.next(world.port, "police", 0).answer
    assert open_answer(segment.secret, answer.body) == []
    world.owner.acknowledge(world.port, "police", 1)


def test_one_owners_waiting_calls_leave_room_for_others(world: World) -> None:
    greedy = answers_pb2_grpc.AnswersStub(world.owner.connect(world.port))
    request = answers_pb2.NextRequest(list_id="police", wait_ms=10_000)
    calls = [greedy.Next.future(request) for _ in range(3)]
    while not any(call.done() for call in calls):
        time.sleep(0.02)
    with pytest.raises(OverloadedError), remote_errors("matcher"):
        next(call for call in calls if call.done()).result()
    assert [call.done() for call in calls].count(False) == 2
    other = Owner(world.deployment, "owner-emissions")
    assert not other.next(world.port, "emissions", 0, wait_ms=20).HasField("answer")
    # Looking without waiting is always allowed.
    assert not world.owner.next(world.port, "police", 0).HasField("answer")
    for call in calls:
        call.cancel()
    other.close()


def test_a_refused_claim_looks_up_no_slot(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sought = pseudonym()
    segment = upload(world, [sought])
    hand_in(world, [sought, pseudonym()])
    world.tick()
    answer = world.owner.next(world.port, "police", 0).answer
    [hit] = open_answer(segment.secret, answer.body)
    looked_up: list[int] = []
    in_slots = records_store.in_slots

    def watched(connection: Any, list_id: str, sequence: int, wanted: list[int]) -> Any:
        looked_up.extend(wanted)
        return in_slots(connection, list_id, sequence, wanted)

    monkeypatch.setattr(records_store, "in_slots", watched)
    for start in range(0, 8192, 1000):
        claims = [(slot, bytes(16)) for slot in range(start, min(start + 1000, 8192))]
        refusals = world.owner.claim(world.port, "police", 1, claims)
        assert {(one.code, one.what, one.remedy) for one in refusals} == {
            (refusals[0].code, refusals[0].what, refusals[0].remedy)
        }
    assert looked_up == []
    [result] = world.owner.claim(world.port, "police", 1, [(hit.slot, hit.match_secret)])
    assert (result.code, looked_up) == ("", [hit.slot])


def test_answers_go_to_their_owner_alone(world: World) -> None:
    upload(world, [pseudonym()])
    hand_in(world, [pseudonym()])
    world.tick()
    other = Owner(world.deployment, "owner-emissions")
    for attempt in (
        lambda: other.next(world.port, "police", 0),
        lambda: other.claim(world.port, "police", 1, []),
        lambda: other.acknowledge(world.port, "police", 1),
    ):
        with pytest.raises(GrantError):
            attempt()
    other.close()
    camera = Owner(world.deployment, "camera-1")
    with pytest.raises(IdentityError):
        camera.next(world.port, "police", 0)
    camera.close()


def test_claims_that_are_not_the_records_are_refused_one_by_one(world: World) -> None:
    sought = [pseudonym(), pseudonym()]
    segment = upload(world, sought)
    hand_in(world, [*sought, pseudonym()])
    world.tick()
    answer = world.owner.next(world.port, "police", 0).answer
    one, two = open_answer(segment.secret, answer.body)
    empty = next(slot for slot in range(8192) if slot not in (one.slot, two.slot) and _is_empty(world, slot))
    results = world.owner.claim(
        world.port,
        "police",
        1,
        [(one.slot, two.match_secret), (two.slot, two.match_secret), (empty, one.match_secret)],
    )
    assert [result.code for result in results] == ["gone", "", "gone"]
    # A slot that holds another read is not told from one that holds none.
    assert results[0].what == results[2].what
    [short] = world.owner.claim(world.port, "police", 1, [(one.slot, b"short")])
    assert short.code == "message"
    with pytest.raises(MessageError):
        world.owner.claim(world.port, "police", 1, [(one.slot, one.match_secret)] * 2)
    with pytest.raises(NotFoundError):
        world.owner.claim(world.port, "police", 2, [(one.slot, one.match_secret)])
    with pytest.raises(NotFoundError):
        world.owner.acknowledge(world.port, "police", 2)


def test_a_claimed_record_is_kept_until_its_window_ends(world: World) -> None:
    sought = pseudonym()
    segment = upload(world, [sought])
    hand_in(world, [sought, pseudonym()])
    world.tick()
    hits(world, segment, world.owner.next(world.port, "police", 0).answer)
    world.owner.acknowledge(world.port, "police", 1)
    assert world.held() == 1
    world.clock.time += world.police.window_seconds
    world.served.matcher.keeper.keep()
    assert world.held() == 1
    world.clock.time += 60
    world.served.matcher.keeper.keep()
    assert world.held() == 0


def test_a_waiting_owner_is_told_at_once(world: World) -> None:
    upload(world, [pseudonym()])
    hand_in(world, [pseudonym()])
    ticking = threading.Timer(0.5, world.tick)
    ticking.start()
    began = time.monotonic()
    assert world.owner.next(world.port, "police", 0, wait_ms=10_000).answer.sequence == 1
    assert time.monotonic() - began < 8
    assert not world.owner.next(world.port, "police", 1, wait_ms=50).HasField("answer")
    ticking.join()


def test_an_answer_lost_on_the_way_is_sent_again_byte_by_byte(world: World) -> None:
    upload(world, [pseudonym()])
    hand_in(world, [pseudonym()])
    world.tick()
    first = world.owner.next(world.port, "police", 0)
    world.restart()
    assert world.owner.next(world.port, "police", 0) == first


def test_a_batch_that_fails_leaves_its_reads_waiting(world: World) -> None:
    segment = upload(world, [pseudonym()])
    hand_in(world, [pseudonym()])
    path = world.data / "segments" / f"{segment.statement.statement_id.hex()}.blobs"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert world.tick() == 0
    path.write_bytes(whole)
    assert world.tick() == 1


def _is_empty(world: World, slot: int) -> bool:
    with world.served.matcher.database.read() as connection:
        count: int = connection.exec_driver_sql(
            f"SELECT count(*) FROM slots WHERE slot = {slot}"
        ).scalar_one()
    return count == 0
