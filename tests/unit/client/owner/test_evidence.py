"""Opening what came for a hit: exactly what its record commits to, or an alarm and nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindplate.client.owner.evidence import Evidence, is_here, media_folder, open_evidence, sealed_path
from blindplate.core.errors import BlindplateError, CommitmentError, MessageError
from blindplate.core.records.media import MediaDigest, SealedMedia, seal_bundle, seal_media
from blindplate.core.records.streams import generate_key
from blindplate.v1.records_pb2 import Payload

STILL, CLIP = b"a still", bytes(range(256)) * 600


def sealed(content: bytes, media_type: str) -> tuple[SealedMedia, bytes]:
    key = generate_key()
    stream = b"".join(seal_media(key, media_type, content))
    hashed = MediaDigest()
    hashed.update(stream)
    return SealedMedia(media_type, hashed.digest(), len(stream), key), stream


def record(*contents: tuple[bytes, str]) -> tuple[Payload, bytes]:
    """What a record's payload says, and the bundle its camera hands over."""
    media = [sealed(*one) for one in contents]
    payload = Payload(media=[one.to_proto() for one, _ in media], media_key=generate_key())
    total = sum(len(stream) for _, stream in media)
    return payload, b"".join(seal_bundle(payload.media_key, [stream for _, stream in media], total))


def put(folder: Path, bundle: bytes, hit_id: int = 1) -> None:
    media_folder(folder)
    sealed_path(folder, hit_id).write_bytes(bundle)


BOTH = ((STILL, "image/jpeg"), (CLIP, "video/mp4"))


def test_what_came_is_opened_once_under_names_of_our_own(tmp_path: Path) -> None:
    payload, bundle = record(*BOTH, (b"?", "../../etc/passwd"))
    assert is_here(tmp_path, 1) is None
    assert open_evidence(tmp_path, 1, payload) == tuple(
        Evidence(one, None, None) for one in ("image/jpeg", "video/mp4", "unknown")
    )
    put(tmp_path, bundle)
    assert is_here(tmp_path, 1)
    for _ in range(2):
        found = open_evidence(tmp_path, 1, payload)
        assert [one.path.name for one in found if one.path] == ["hit-1-1.jpg", "hit-1-2.mp4", "hit-1-3.bin"]
        assert [one.path.read_bytes() for one in found if one.path] == [STILL, CLIP, b"?"]
        assert [one.size for one in found] == [len(STILL), len(CLIP), 1]
        assert {one.path.stat().st_mode & 0o777 for one in found if one.path} == {0o600}
        assert not sealed_path(tmp_path, 1).exists()
        assert is_here(tmp_path, 1)
    assert is_here(tmp_path, 11) is False


def test_a_record_without_media_has_none(tmp_path: Path) -> None:
    assert open_evidence(tmp_path, 1, Payload(plate=b"x")) == ()


@pytest.mark.parametrize("cut", [0, 1, 1000, 65_552, 200_000])
def test_media_cut_short_are_an_alarm(tmp_path: Path, cut: int) -> None:
    payload, bundle = record(*BOTH)
    put(tmp_path, bundle[:cut])
    with pytest.raises(CommitmentError):
        open_evidence(tmp_path, 1, payload)
    assert [path.name for path in (tmp_path / "media").iterdir()] == ["hit-1.sealed"]


@pytest.mark.parametrize("place", [0, 70_000, 140_000, -1])
def test_an_altered_byte_is_an_alarm_and_leaves_nothing_opened(tmp_path: Path, place: int) -> None:
    payload, bundle = record(*BOTH)
    altered = bytearray(bundle)
    altered[place] ^= 1
    put(tmp_path, bytes(altered))
    with pytest.raises(CommitmentError):
        open_evidence(tmp_path, 1, payload)
    assert [path.name for path in (tmp_path / "media").iterdir()] == ["hit-1.sealed"]


def test_media_exchanged_between_two_records_are_an_alarm_at_both(tmp_path: Path) -> None:
    first, second = record(*BOTH), record((b"b still", "image/jpeg"), (CLIP, "video/mp4"))
    put(tmp_path, second[1], 1)
    put(tmp_path, first[1], 2)
    for hit_id, (payload, _) in enumerate((first, second), start=1):
        with pytest.raises(CommitmentError):
            open_evidence(tmp_path, hit_id, payload)


def test_a_camera_that_hands_over_another_medium_than_it_sealed_is_an_alarm(tmp_path: Path) -> None:
    """It has every key: what it puts into the bundle afterwards is still not what the record commits to."""
    payload, _ = record((STILL, "image/jpeg"))
    medium = SealedMedia.from_proto(payload.media[0])
    other = b"".join(seal_media(medium.key, medium.media_type, b"made afterwards"))
    put(tmp_path, b"".join(seal_bundle(payload.media_key, [other], len(other))))
    with pytest.raises(CommitmentError):
        open_evidence(tmp_path, 1, payload)


def test_a_payload_that_states_what_cannot_be_is_refused(tmp_path: Path) -> None:
    payload, bundle = record(*BOTH)
    put(tmp_path, bundle)
    many = Payload(media=[payload.media[0]] * 9, media_key=payload.media_key)
    with pytest.raises(MessageError):
        open_evidence(tmp_path, 1, many)
    keyless = Payload(media=payload.media)
    with pytest.raises(BlindplateError):
        open_evidence(tmp_path, 1, keyless)
