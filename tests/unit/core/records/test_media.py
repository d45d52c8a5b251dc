"""Sealed media: whatever is cut, turned round, exchanged or altered does not open."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.encoding import encode
from blindplate.core.errors import CommitmentError, EnvelopeError, MessageError
from blindplate.core.records.media import (
    MAX_MEDIA_BYTES,
    MediaDigest,
    SealedMedia,
    bundle_length,
    media_reference,
    media_token,
    open_bundle,
    open_media,
    padded_size,
    seal_bundle,
    seal_media,
)
from blindplate.core.records.streams import (
    CHUNK_BYTES,
    generate_key,
    open_stream,
    seal_stream,
    sealed_length,
)

KEY = bytes(range(32))
CONTEXT = b"a context"
SEALED_CHUNK = CHUNK_BYTES + 16
# Around the edges of chunks, and of nothing.
LENGTHS = st.sampled_from(
    [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7]
)


def content_of(length: int) -> bytes:
    return (b"0123456789abcdef" * (length // 16 + 1))[:length]


def sealed(content: bytes, key: bytes = KEY, context: bytes = CONTEXT) -> bytes:
    return b"".join(seal_stream(key, context, [content], len(content)))


def opened(stream: bytes, length: int, key: bytes = KEY, context: bytes = CONTEXT) -> bytes:
    return b"".join(open_stream(key, context, [stream], length))


def chunks_of(stream: bytes) -> list[bytes]:
    return [stream[start : start + SEALED_CHUNK] for start in range(0, len(stream), SEALED_CHUNK)]


def named(
    content: bytes, media_type: str = "video/mp4", key: bytes | None = None
) -> tuple[SealedMedia, bytes]:
    """A medium as a payload names it, and its sealed bytes."""
    key = key or generate_key()
    stream = b"".join(seal_media(key, media_type, content))
    hashed = MediaDigest()
    hashed.update(stream)
    return SealedMedia(media_type, hashed.digest(), len(stream), key), stream


@given(LENGTHS, st.integers(1, 3 * CHUNK_BYTES))
@settings(max_examples=40, deadline=None)
def test_what_is_sealed_opens_however_it_is_cut(length: int, piece: int) -> None:
    content = content_of(length)
    pieces = [content[start : start + piece] for start in range(0, length, piece)]
    stream = b"".join(seal_stream(KEY, CONTEXT, pieces, length))
    assert len(stream) == sealed_length(length)
    cut = [stream[start : start + piece] for start in range(0, len(stream), piece)]
    assert b"".join(open_stream(KEY, CONTEXT, cut, length)) == content


@given(LENGTHS, st.data())
@settings(max_examples=60, deadline=None)
def test_a_flipped_bit_is_refused(length: int, data: st.DataObject) -> None:
    stream = bytearray(sealed(content_of(length)))
    place = data.draw(st.integers(0, len(stream) - 1))
    stream[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(EnvelopeError):
        opened(bytes(stream), length)


@given(LENGTHS, st.data())
@settings(max_examples=60, deadline=None)
def test_a_truncated_stream_is_refused(length: int, data: st.DataObject) -> None:
    stream = sealed(content_of(length))
    kept = data.draw(st.integers(0, len(stream) - 1) | st.sampled_from(range(0, len(stream), SEALED_CHUNK)))
    with pytest.raises(EnvelopeError):
        opened(stream[:kept], length)
    # Nor as the shorter stream it then would be.
    with pytest.raises(EnvelopeError):
        opened(stream[:kept], max(0, kept - 16 * len(chunks_of(stream[:kept]))))


@given(st.permutations(range(4)))
@settings(max_examples=24, deadline=None)
def test_reordered_chunks_are_refused(order: list[int]) -> None:
    length = 3 * CHUNK_BYTES + 7
    chunks = chunks_of(sealed(content_of(length)))
    turned = b"".join(chunks[place] for place in order)
    if order == sorted(order):
        assert opened(turned, length) == content_of(length)
        return
    with pytest.raises(EnvelopeError):
        opened(turned, length)


@given(st.lists(st.integers(0, 3), max_size=6))
@settings(max_examples=60, deadline=None)
def test_dropped_and_repeated_chunks_are_refused(places: list[int]) -> None:
    length = 4 * CHUNK_BYTES
    chunks = chunks_of(sealed(content_of(length)))
    if places == [0, 1, 2, 3]:
        return
    with pytest.raises(EnvelopeError):
        opened(b"".join(chunks[place] for place in places), length)


@given(st.integers(0, 2))
@settings(deadline=None)
def test_a_chunk_exchanged_with_another_streams_is_refused(place: int) -> None:
    length = 3 * CHUNK_BYTES
    ours, theirs = chunks_of(sealed(content_of(length))), chunks_of(sealed(bytes(length), key=bytes(32)))
    ours[place] = theirs[place]
    with pytest.raises(EnvelopeError):
        opened(b"".join(ours), length)


def test_a_stream_opens_under_its_own_key_context_and_length_alone() -> None:
    stream = sealed(content_of(CHUNK_BYTES))
    assert opened(stream, CHUNK_BYTES) == content_of(CHUNK_BYTES)
    with pytest.raises(EnvelopeError):
        opened(stream, CHUNK_BYTES, key=bytes(32))
    with pytest.raises(EnvelopeError):
        opened(stream, CHUNK_BYTES, context=b"another")
    with pytest.raises(EnvelopeError):
        opened(stream, CHUNK_BYTES - 1)
    with pytest.raises(EnvelopeError):
        opened(stream + b"more", CHUNK_BYTES)


@pytest.mark.parametrize("said", [0, 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 9])
def test_a_length_that_is_not_the_contents_is_refused_when_sealing(said: int) -> None:
    content = content_of(CHUNK_BYTES + 5)
    with pytest.raises(MessageError):
        list(seal_stream(KEY, CONTEXT, [content], said))


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)])
def test_a_key_of_another_length_is_refused(key: bytes) -> None:
    with pytest.raises(MessageError):
        list(seal_stream(key, CONTEXT, [b""], 0))
    with pytest.raises(MessageError):
        list(open_stream(key, CONTEXT, [b""], 0))


@given(st.integers(0, MAX_MEDIA_BYTES))
def test_padding_takes_few_sizes_and_little_room(length: int) -> None:
    size = padded_size(length)
    assert length + 8 <= size <= max(CHUNK_BYTES, 1.125 * (length + 8) + CHUNK_BYTES)
    assert size % CHUNK_BYTES == 0
    assert padded_size(size - 8) == size


def test_media_longer_than_the_bound_are_refused() -> None:
    with pytest.raises(MessageError):
        padded_size(MAX_MEDIA_BYTES + 1)


@given(LENGTHS, st.integers(1, CHUNK_BYTES))
@settings(max_examples=30, deadline=None)
def test_media_open_to_what_was_sealed(length: int, piece: int) -> None:
    content = content_of(length)
    medium, stream = named(content)
    again = SealedMedia.from_proto(medium.to_proto())
    assert again == medium
    pieces = [stream[start : start + piece] for start in range(0, len(stream), piece)]
    assert b"".join(open_media(again, pieces)) == content


def test_two_contents_of_one_padded_size_are_equally_long() -> None:
    assert len(named(b"short")[1]) == len(named(content_of(60_000))[1])


def test_media_of_another_type_do_not_open() -> None:
    medium, stream = named(b"a clip")
    with pytest.raises(EnvelopeError):
        list(open_media(SealedMedia("audio/wav", medium.digest, medium.sealed_bytes, medium.key), [stream]))


def test_media_exchanged_for_others_under_the_same_key_are_told_as_not_named() -> None:
    """A camera that seals twice under one key and names one: what opens is still not what the record commits to."""
    medium, _ = named(b"what was named", key=KEY)
    _, other = named(b"what was put in its place", key=KEY)
    with pytest.raises(CommitmentError):
        list(open_media(medium, [other]))


def test_media_exchanged_for_anothers_are_told_as_not_named() -> None:
    medium, _ = named(b"what was named")
    _, other = named(b"another's")
    with pytest.raises(CommitmentError):
        list(open_media(medium, [other]))


def test_a_length_in_the_padding_beyond_the_medium_is_refused() -> None:
    framed = (1 << 40).to_bytes(8, "big") + bytes(CHUNK_BYTES - 8)
    context = encode("media", b"image/jpeg")
    stream = b"".join(seal_stream(KEY, context, [framed], CHUNK_BYTES))
    hashed = MediaDigest()
    hashed.update(stream)
    with pytest.raises(EnvelopeError):
        list(open_media(SealedMedia("image/jpeg", hashed.digest(), len(stream), KEY), [stream]))


@pytest.mark.parametrize(
    "change",
    [
        {"key": bytes(31)},
        {"digest": bytes(31)},
        {"media_type": ""},
        {"media_type": "x" * 65},
        {"sealed_bytes": 17},
    ],
)
def test_a_malformed_medium_in_a_payload_is_refused(change: dict[str, object]) -> None:
    medium, _ = named(b"content")
    parts = {name: getattr(medium, name) for name in ("media_type", "digest", "sealed_bytes", "key")}
    with pytest.raises(MessageError):
        SealedMedia(**(parts | change))


def test_a_bundle_holds_its_media_one_after_the_other_and_is_another_for_every_record() -> None:
    still, stills = named(b"a still", "image/jpeg")
    sound, sounds = named(content_of(100_000), "audio/wav")
    total = still.sealed_bytes + sound.sealed_bytes
    first, second = (b"".join(seal_bundle(generate_key(), [stills, sounds], total)) for _ in range(2))
    assert len(first) == bundle_length([still, sound])
    assert {first[start : start + 64] for start in range(0, len(first), 64)}.isdisjoint(
        second[start : start + 64] for start in range(0, len(second), 64)
    )
    key = generate_key()
    bundle = b"".join(seal_bundle(key, [stills, sounds], total))
    assert b"".join(open_bundle(key, [bundle], total)) == stills + sounds
    with pytest.raises(EnvelopeError):
        list(open_bundle(generate_key(), [bundle], total))


def test_references_of_two_records_of_one_read_have_nothing_in_common() -> None:
    header, other = b"h" * 32, b"i" * 32
    tokens = {media_token(secret, one) for secret in (bytes(16), b"s" * 16) for one in (header, other)}
    references = {media_reference(token) for token in tokens}
    assert len(tokens) == len(references) == 4
    assert {len(reference) for reference in references} == {16}
    assert not any(reference in token for token in tokens for reference in references)
