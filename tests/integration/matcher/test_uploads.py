"""Uploads: exactly what the manifest says, inside the grant, by its owner; a broken one leaves nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from blindplate.core.errors import (
    BlindplateError,
    ExpiredError,
    GrantError,
    IdentityError,
    MessageError,
    OverloadedError,
    ParameterError,
    ReplayError,
    SignatureError,
    StorageError,
    UnwitnessedError,
    UploadError,
)
from blindplate.core.ledger.notes import Note
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.core.statements.model import EpochPart
from blindplate.core.statements.uploads import Manifest
from blindplate.edge.statuses import remote_errors
from blindplate.psi.owner import open_answer
from blindplate.v1 import lists_pb2, lists_pb2_grpc
from tests.integration.matcher.conftest import Owner, Segment, World, commitment, pseudonym


@pytest.fixture
def segment(world: World) -> Segment:
    return world.owner.build(world.police, world.epoch(), [pseudonym()], now=world.clock.now())


def resigned(world: World, segment: Segment, **changes: Any) -> Segment:
    """The same ciphertexts under a changed manifest, signed by the owner."""
    manifest = Manifest.parsed(segment.statement.payload)
    changed = Manifest.model_validate(
        {**{name: getattr(manifest, name) for name in Manifest.model_fields}, **changes}
    )
    return Segment(changed.statement(world.owner.signing_key), segment.blobs, segment.secret)


def nothing_is_left(world: World) -> None:
    assert list((world.data / "segments").iterdir()) == []
    assert world.owner.segments(world.port, "police") == []


def test_a_segment_comes_into_force_and_is_listed(world: World, segment: Segment) -> None:
    response = world.owner.upload(world.port, segment)
    assert response.stored
    [listed] = world.owner.segments(world.port, "police")
    assert (listed.segment_id, listed.number) == (segment.statement.statement_id, 0)
    assert listed.epoch.index == world.epoch().index


def test_coming_epochs_may_be_uploaded_ahead_but_not_far_ahead(world: World, segment: Segment) -> None:
    coming = EpochPart.of(world.epoch(1))
    world.owner.upload(world.port, resigned(world, segment, epoch=coming))
    with pytest.raises(ExpiredError):
        world.owner.upload(world.port, resigned(world, segment, epoch=EpochPart.of(world.epoch(4))))


def test_an_epoch_is_taken_late_while_its_reads_may_still_come(world: World, segment: Segment) -> None:
    world.clock.time = world.epoch().end() + world.police.window_seconds + 59
    world.owner.upload(world.port, segment)
    world.clock.time += 1
    with pytest.raises(ExpiredError):
        world.owner.upload(world.port, resigned(world, segment, made_at=1))


def test_a_manifest_altered_after_signing_is_refused(world: World, segment: Segment) -> None:
    other = SigningKey.generate()
    manifest = Manifest.parsed(segment.statement.payload)
    with pytest.raises(SignatureError):
        world.owner.send(world.port, manifest.statement(other), segment.blobs)
    nothing_is_left(world)


def test_another_owners_grant_cannot_be_used(world: World, segment: Segment) -> None:
    other = Owner(world.deployment, "owner-emissions")
    with pytest.raises(GrantError):
        other.upload(world.port, segment)
    with pytest.raises(GrantError):
        other.segments(world.port, "police")
    other.close()
    nothing_is_left(world)


def test_only_owners_upload(world: World, segment: Segment) -> None:
    mistaken = Owner(world.deployment, "camera-1")
    with pytest.raises(IdentityError):
        mistaken.upload(world.port, segment)
    mistaken.close()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_id": "none"}, GrantError),
        ({"list_id": "emissions"}, GrantError),
        ({"parameter_set": "bulk"}, ParameterError),
        ({"parameter_digest": bytes(32)}, ParameterError),
        ({"bins": 8193}, UploadError),
        ({"bins": 8000}, GrantError),
        ({"degree": 63}, UploadError),
        ({"ciphertexts": 9}, UploadError),
        ({"number": 1}, ReplayError),
        ({"salt": bytes(16)}, UploadError),
        ({"blobs_sha256": bytes(32)}, UploadError),
        ({"matches_from": 1 << 39}, UploadError),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    world: World, segment: Segment, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        world.owner.upload(world.port, resigned(world, segment, **changes))
    nothing_is_left(world)


def test_an_epoch_cut_in_another_way_is_refused(world: World, segment: Segment) -> None:
    epoch = {"rule": {"kind": "span", "seconds": 1800}, "index": 2 * world.epoch().index}
    with pytest.raises(GrantError):
        world.owner.upload(world.port, resigned(world, segment, epoch=epoch))


def test_no_upload_after_the_grant(world: World, segment: Segment) -> None:
    world.clock.time = world.police.not_after
    with pytest.raises(GrantError):
        world.owner.upload(world.port, segment)


def test_capacity_is_summed_over_the_segments_of_an_epoch(world: World, segment: Segment) -> None:
    capacity = world.police.capacity
    manifest = Manifest.parsed(segment.statement.payload)
    for number in range(3):
        world.owner.upload(world.port, resigned(world, segment, number=number))
    bins = capacity // manifest.degree - 2
    with pytest.raises(GrantError):
        world.owner.upload(world.port, resigned(world, segment, number=3, bins=bins))
    assert len(world.owner.segments(world.port, "police")) == 3


@pytest.mark.parametrize("defect", ["missing", "surplus", "short", "long", "swapped", "unreduced", "flipped"])
def test_ciphertexts_that_are_not_the_manifests_are_refused(
    world: World, segment: Segment, defect: str
) -> None:
    blobs = list(segment.blobs)
    if defect == "missing":
        blobs.pop()
    elif defect == "surplus":
        blobs.append(blobs[-1])
    elif defect == "short":
        blobs[3] = blobs[3][:-1]
    elif defect == "long":
        blobs[3] += b"\0"
    elif defect == "swapped":
        blobs[2], blobs[3] = blobs[3], blobs[2]
    elif defect == "unreduced":
        blobs[3] = b"\xff" * (len(blobs[3]) - 64) + blobs[3][-64:]
    else:
        blobs[3] = blobs[3][:-1] + bytes([blobs[3][-1] ^ 1])
    with pytest.raises(UploadError):
        world.owner.send(world.port, segment.statement, blobs)
    nothing_is_left(world)


def test_a_failed_upload_leaves_the_list_before_it_in_force(world: World, segment: Segment) -> None:
    world.owner.upload(world.port, segment)
    newer = resigned(world, segment, list_version=2)
    with pytest.raises(UploadError):
        world.owner.send(world.port, newer.statement, newer.blobs[:-1])
    [listed] = world.owner.segments(world.port, "police")
    assert listed.segment_id == segment.statement.statement_id
    world.owner.upload(world.port, newer)
    [listed] = world.owner.segments(world.port, "police")
    assert listed.segment_id == newer.statement.statement_id
    assert len(list((world.data / "segments").iterdir())) == 1


def test_streams_of_another_form_are_refused(world: World, segment: Segment) -> None:
    stub = lists_pb2_grpc.ListsStub(world.owner.connect(world.port))
    manifest = lists_pb2.UploadPart(manifest=segment.statement.to_proto())
    checkpoint = lists_pb2.UploadPart(checkpoint=world.owner.checkpoint)
    for parts in (
        [],
        [lists_pb2.UploadPart(ciphertext=segment.blobs[0])],
        [lists_pb2.UploadPart()],
        [manifest] * 2,
        [manifest],
        [manifest, lists_pb2.UploadPart(ciphertext=segment.blobs[0])],
        [manifest, checkpoint, checkpoint],
    ):
        with pytest.raises(MessageError), remote_errors("matcher"):
            stub.Upload(iter(parts))
    nothing_is_left(world)


def test_a_broken_off_upload_leaves_nothing_and_an_owner_uploads_one_at_a_time(
    world: World, segment: Segment
) -> None:
    stub = lists_pb2_grpc.ListsStub(world.owner.connect(world.port))
    go_on = threading.Event()

    def parts() -> Iterator[lists_pb2.UploadPart]:
        yield lists_pb2.UploadPart(manifest=segment.statement.to_proto())
        yield lists_pb2.UploadPart(checkpoint=world.owner.checkpoint)
        yield lists_pb2.UploadPart(ciphertext=segment.blobs[0])
        go_on.wait(20)

    call = stub.Upload.future(parts())
    _until(lambda: any((world.data / "segments").iterdir()))
    with pytest.raises(OverloadedError), remote_errors("matcher"):
        stub.Upload(iter([lists_pb2.UploadPart(manifest=segment.statement.to_proto())]))
    call.cancel()
    go_on.set()
    with pytest.raises(grpc.FutureCancelledError):
        call.result()
    _until(lambda: not any((world.data / "segments").iterdir()))
    assert world.owner.upload(world.port, segment).stored


def test_a_segment_larger_than_the_matcher_takes_is_refused(world: World, segment: Segment) -> None:
    world.restart(max_upload_bytes=1 << 20)
    with pytest.raises(UploadError):
        world.owner.upload(world.port, segment)


def test_a_full_disk_takes_no_upload(world: World, segment: Segment) -> None:
    world.restart(min_free_bytes=1 << 60)
    with pytest.raises(StorageError):
        world.owner.upload(world.port, segment)
    nothing_is_left(world)


def test_a_start_removes_what_a_crash_left_of_an_upload(world: World, segment: Segment) -> None:
    world.owner.upload(world.port, segment)
    (world.data / "segments" / "left.part").write_bytes(b"half")
    world.restart()
    assert len(list((world.data / "segments").iterdir())) == 1
    assert len(world.owner.segments(world.port, "police")) == 1


def test_a_version_must_be_committed_and_witnessed(world: World, segment: Segment) -> None:
    with pytest.raises(UnwitnessedError):
        world.owner.upload(world.port, resigned(world, segment, list_version=9))
    nothing_is_left(world)


def test_an_upload_must_bring_a_checkpoint_of_this_ledger_by_both_custodians(
    world: World, segment: Segment
) -> None:
    note = Note.from_bytes(world.owner.checkpoint)
    custodian_b = {key.name for key in world.settings.ledger.keys.keys().witnesses[Custodian.B]}
    alone = [one for one in note.signatures if one.name not in custodian_b]
    for checkpoint, error in (
        (Note(note.text, tuple(alone)).to_bytes(), UnwitnessedError),
        (world.owner.checkpoint.replace(b"\n\n", b"0\n\n", 1), BlindplateError),
        (b"", MessageError),
    ):
        world.owner.checkpoint = checkpoint
        with pytest.raises(error):
            world.owner.upload(world.port, segment)
    nothing_is_left(world)


def test_a_checkpoint_from_before_the_version_was_entered_is_refused(world: World, segment: Segment) -> None:
    earlier = world.owner.checkpoint
    version = commitment(world.police, 4, world.clock.now()).statement(world.owner.signing_key)
    later = world.enter(version, by=world.owner.name)
    matches_from = int(world.clock.now()) + 1
    fourth = resigned(world, segment, list_version=4, matches_from=matches_from)
    with pytest.raises(UploadError, match="entry"):
        world.owner.upload(world.port, fourth)
    world.owner.checkpoint = later
    assert world.owner.upload(world.port, fourth).stored
    world.owner.checkpoint = earlier


def test_what_was_listed_only_afterwards_is_never_matched(world: World) -> None:
    """Retrospective search: a plate is put on the list when it has been read already."""
    sought = pseudonym()
    before = world.reads([sought])
    world.camera.submit(world.port, [one.wire for one in before])
    world.clock.time += 120
    version = commitment(world.police, 4, world.clock.now()).statement(world.owner.signing_key)
    world.owner.checkpoint = world.enter(version, by=world.owner.name)
    now = int(world.clock.now())
    listed = world.owner.build(world.police, world.epoch(), [sought], now=now, list_version=4)
    for backdated in (int(world.epoch().start()), now - 60, now):
        with pytest.raises(UploadError, match="witnessed"):
            world.owner.upload(world.port, resigned(world, listed, matches_from=backdated))
    nothing_is_left(world)
    world.owner.upload(world.port, resigned(world, listed, matches_from=now + 1))
    assert world.tick() == 0
    world.clock.time += 120
    after = world.reads([sought])
    world.camera.submit(world.port, [one.wire for one in after])
    assert world.tick() == 1
    answer = world.owner.next(world.port, "police", 0).answer
    assert [hit.match_secret for hit in open_answer(listed.secret, answer.body)] == [after[0].s]


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it did not come about")
