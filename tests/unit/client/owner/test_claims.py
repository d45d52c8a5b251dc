"""What an owner makes of one claim's result: a hit, nothing, or a reason to try the whole answer again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blindplate.client.owner import answers
from blindplate.client.owner.answers import Kept
from blindplate.client.owner.hits import Claimed
from blindplate.client.owner.segments import Segment, SegmentState
from blindplate.client.owner.session import Session
from blindplate.core.domains import Domain
from blindplate.core.errors import StorageError
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.records.sealing import Read, Sealed, SealingContext, seal
from blindplate.core.statements.uploads import Stage
from blindplate.v1 import answers_pb2 as v1
from blindplate.v1 import records_pb2

SLOT = 7


@pytest.fixture
def segment(session: Session) -> Segment:
    epoch = session.rule.at(session.now())
    return Segment(bytes(32), epoch.index, epoch.end(), 0, Stage.MATCH, SegmentState.LIVE, b"secret")


def sealed(session: Session, *, list_id: str = "police", epochs_before: int = 0) -> Sealed:
    epoch = session.epoch(session.rule.at(session.now()).index - epochs_before)
    captured = int(epoch.start() * 1000)
    keys = [OpeningKey.from_seed(generate_seed()).sealing_key() for _ in range(2)]
    context = SealingContext(
        Domain(list_id, "inner", 1), epoch, keys[0], keys[1], 60_000, discloses_camera=True
    )
    payload = records_pb2.Payload(plate=b"plate", capture_time_ms=captured)
    return seal(context, Read(payload, bytes(32), captured, "camera-1"))


def taken(session: Session, segment: Segment, result: v1.ClaimResult, secret: bytes) -> Claimed | Kept | None:
    return answers._taken(session, segment, result, secret)


def handed_over(one: Sealed) -> v1.ClaimResult:
    return v1.ClaimResult(slot=SLOT, record=one.record.to_proto())


def test_a_record_of_the_list_and_epoch_is_taken(session: Session, segment: Segment) -> None:
    one = sealed(session)
    assert taken(session, segment, handed_over(one), one.match_secret) == Claimed(
        SLOT, one.record, one.match_secret
    )


def test_a_record_under_another_match_secret_is_not_taken(session: Session, segment: Segment) -> None:
    assert taken(session, segment, handed_over(sealed(session)), bytes(16)) is None


def test_a_record_of_another_list_is_not_taken(session: Session, segment: Segment) -> None:
    one = sealed(session, list_id="emissions")
    assert taken(session, segment, handed_over(one), one.match_secret) is None


def test_a_record_of_another_epoch_than_its_answer_is_not_taken(session: Session, segment: Segment) -> None:
    one = sealed(session, epochs_before=1)
    assert taken(session, segment, handed_over(one), one.match_secret) is None
    before = replace(segment, epoch_index=segment.epoch_index - 1)
    assert taken(session, before, handed_over(one), one.match_secret) is not None


def test_a_record_of_an_earlier_key_generation_is_taken(session: Session, segment: Segment) -> None:
    # The grant may have been amended since the upload that the answer is to.
    one = sealed(session)
    amended = replace(
        session,
        grant=session.grant.model_copy(
            update={"zones": tuple(zone.model_copy(update={"generation": 2}) for zone in session.grant.zones)}
        ),
    )
    assert taken(amended, segment, handed_over(one), one.match_secret) is not None


@pytest.mark.parametrize("code", ["gone", "not-found", "match-proof", "message", "a-code-to-come"])
def test_a_claim_refused_for_good_is_passed_over(session: Session, segment: Segment, code: str) -> None:
    refused = v1.ClaimResult(slot=SLOT, code=code, what="No.", remedy="None.")
    assert taken(session, segment, refused, bytes(16)) is None


def test_a_claim_refused_for_now_stops_the_answer_from_being_acknowledged(
    session: Session, segment: Segment
) -> None:
    refused = v1.ClaimResult(slot=SLOT, code="storage", what="No room.", remedy="Later.")
    with pytest.raises(StorageError):
        taken(session, segment, refused, bytes(16))
