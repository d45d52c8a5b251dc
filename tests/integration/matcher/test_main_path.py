"""From a camera's wire to an erased record, over real TLS, with a restart between any two steps."""

from __future__ import annotations

import pytest

from blindplate.core.errors import GoneError
from blindplate.core.records.commitments import check_match
from blindplate.core.records.record import SealedRecord
from blindplate.psi.owner import open_answer
from blindplate.v1 import intake_pb2
from tests.integration.matcher.conftest import World, pseudonym


def test_a_hit_is_claimed_and_everything_else_is_erased(world: World) -> None:
    listed = [pseudonym() for _ in range(20)]
    reads = world.reads([listed[3], pseudonym(), pseudonym()])
    receipts = world.camera.submit(world.port, [read.wire for read in reads])
    assert [receipt.acceptance for receipt in receipts] == [intake_pb2.ACCEPTANCE_ACCEPTED] * 3
    assert [receipt.record_id for receipt in receipts] == [read.record_id for read in reads]

    world.restart()
    assert world.tick() == 0
    segment = world.owner.build(world.police, world.epoch(), listed, now=world.clock.now())
    uploaded = world.owner.upload(world.port, segment)
    assert uploaded.stored
    assert not world.owner.upload(world.port, segment).stored
    assert [one.segment_id for one in world.owner.segments(world.port, "police")] == [uploaded.segment_id]

    world.restart()
    assert world.tick() == 1
    assert world.tick() == 0
    answer = world.owner.next(world.port, "police", 0).answer
    assert (answer.sequence, answer.segment_id) == (1, uploaded.segment_id)
    [opened] = open_answer(segment.secret, answer.body)
    assert opened.match_secret == reads[0].s

    world.restart()
    assert world.owner.next(world.port, "police", 0).answer == answer
    [wrong] = world.owner.claim(world.port, "police", 1, [(opened.slot, bytes(16))])
    assert (wrong.code, wrong.HasField("record")) == ("gone", False)
    for _ in range(2):
        [claimed] = world.owner.claim(world.port, "police", 1, [(opened.slot, opened.match_secret)])
        record = SealedRecord.from_proto(claimed.record)
        assert record.header.record_id == reads[0].record_id
        check_match(record, opened.match_secret)
        world.restart()

    assert world.held() == 3
    for _ in range(2):
        world.owner.acknowledge(world.port, "police", 1)
        assert world.held() == 1
    assert not world.owner.next(world.port, "police", 0).HasField("answer")
    with pytest.raises(GoneError):
        world.owner.claim(world.port, "police", 1, [(opened.slot, opened.match_secret)])

    world.clock.time += world.police.window_seconds + 120
    world.served.matcher.keeper.keep()
    with world.served.matcher.database.read() as connection:
        for table in ("records", "receipts", "answers", "slots", "waiting"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 0, table
