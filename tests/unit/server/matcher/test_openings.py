"""What claims are checked against is there for every slot, of one form, whether a read is in it or not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from blindplate.core.batches import OPENING_BYTES
from blindplate.core.domains import Domain
from blindplate.core.errors import MatchProofError, MessageError
from blindplate.core.hpke import OpeningKey, SealingKey, generate_seed
from blindplate.core.records.sealing import Read, SealingContext, seal
from blindplate.server.matcher import openings
from blindplate.server.matcher.openings import opening_of
from blindplate.v1 import records_pb2
from tests.unit.server.matcher.conftest import EPOCH, START

SLOTS = 16


@pytest.fixture(scope="module")
def sealed() -> tuple[bytes, bytes]:
    """A record's opening, and its match secret."""

    def key() -> SealingKey:
        return OpeningKey.from_seed(generate_seed()).sealing_key()

    context = SealingContext(Domain("police", "inner", 1), EPOCH, key(), key(), 1000, discloses_camera=False)
    payload = records_pb2.Payload(plate=b"x", capture_time_ms=1000 * START)
    one = seal(context, Read(payload, bytes(32), 1000 * START, "camera-1"))
    return opening_of(one.record), one.match_secret


def test_a_secret_opens_the_slot_of_its_record_and_no_other(sealed: tuple[bytes, bytes]) -> None:
    opening, secret = sealed
    table = openings.table(SLOTS, {3: opening})
    openings.check(table, 3, secret)
    with pytest.raises(MatchProofError):
        openings.check(table, 3, bytes(16))
    for slot in set(range(SLOTS)) - {3}:
        with pytest.raises(MatchProofError):
            openings.check(table, slot, secret)


def test_a_slot_that_no_answer_has_is_refused(sealed: tuple[bytes, bytes]) -> None:
    table = openings.table(SLOTS, {SLOTS - 1: sealed[0]})
    openings.check(table, SLOTS - 1, sealed[1])
    for slot in (SLOTS, 1 << 31):
        with pytest.raises(MessageError):
            openings.check(table, slot, sealed[1])


@pytest.mark.parametrize("held", [{}, {0: b"\x01" * OPENING_BYTES}])
def test_slots_without_a_read_are_filled_with_fresh_bytes(held: Mapping[int, bytes]) -> None:
    def slots() -> list[bytes]:
        table = openings.table(SLOTS, held)
        assert len(table) == SLOTS * OPENING_BYTES
        return [table[start : start + OPENING_BYTES] for start in range(0, len(table), OPENING_BYTES)]

    empty = [slot for filled in (slots(), slots()) for place, slot in enumerate(filled) if place not in held]
    assert len(set(empty)) == 2 * (SLOTS - len(held))
    assert bytes(OPENING_BYTES) not in empty
