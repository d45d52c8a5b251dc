"""A custodian's sealed answer: the round trip, and every way in which it must not open."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.encoding import encode
from blindplate.core.errors import EnvelopeError, MessageError
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.parties import Custodian
from blindplate.core.records.reply import REPLY_BYTES, Reply, open_reply, seal_reply

KEY = OpeningKey.from_seed(bytes(range(32)))
REQUEST_ID = b"\x07" * 32
REPLY = Reply(b"\x01" * 32, b"\x02" * 16, 1_700_000_000_123, "camera-1")


def sealed() -> bytes:
    return seal_reply(REPLY, KEY.sealing_key(), Custodian.A, REQUEST_ID)


@settings(max_examples=20)
@given(
    share=st.binary(min_size=32, max_size=32),
    n_y=st.binary(min_size=16, max_size=16),
    time=st.integers(0, (1 << 64) - 1),
    camera=st.just("") | st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True),
    custodian=st.sampled_from(Custodian),
    request_id=st.binary(min_size=32, max_size=32),
)
def test_opens_to_what_was_sealed(
    share: bytes, n_y: bytes, time: int, camera: str, custodian: Custodian, request_id: bytes
) -> None:
    reply = Reply(share, n_y, time, camera)
    made = seal_reply(reply, KEY.sealing_key(), custodian, request_id)
    assert len(made) == REPLY_BYTES
    assert open_reply(made, KEY, custodian, request_id) == reply


def test_another_custodians_answer_refused() -> None:
    with pytest.raises(EnvelopeError):
        open_reply(sealed(), KEY, Custodian.B, REQUEST_ID)


def test_answer_to_another_request_refused() -> None:
    with pytest.raises(EnvelopeError):
        open_reply(sealed(), KEY, Custodian.A, b"\x08" * 32)


def test_another_requesters_key_refused() -> None:
    with pytest.raises(EnvelopeError):
        open_reply(sealed(), OpeningKey.from_seed(generate_seed()), Custodian.A, REQUEST_ID)


def test_an_altered_byte_refused() -> None:
    made = sealed()
    # One of each part: the two encapsulations, the ciphertext, the tag.
    for place in (0, 1_100, 1_130, REPLY_BYTES - 1):
        altered = bytearray(made)
        altered[place] ^= 1
        with pytest.raises(EnvelopeError):
            open_reply(bytes(altered), KEY, Custodian.A, REQUEST_ID)


@pytest.mark.parametrize("length", [0, REPLY_BYTES - 1, REPLY_BYTES + 1])
def test_wrong_length_refused(length: int) -> None:
    with pytest.raises(MessageError):
        open_reply(bytes(length), KEY, Custodian.A, REQUEST_ID)


@pytest.mark.parametrize(
    ("share", "n_y", "time", "camera"),
    [
        (bytes(31), bytes(16), 0, ""),
        (bytes(32), bytes(17), 0, ""),
        (bytes(32), bytes(16), -1, ""),
        (bytes(32), bytes(16), 1 << 64, ""),
        (bytes(32), bytes(16), 0, "a" * 64),
        (bytes(32), bytes(16), 0, "Camera 1"),
        (bytes(32), bytes(16), 0, "camera\n"),
    ],
    ids=[
        "short-share",
        "long-opening",
        "time-before-1970",
        "time-too-late",
        "long-camera",
        "camera-of-other-letters",
        "camera-with-line-end",
    ],
)
def test_malformed_reply_refused(share: bytes, n_y: bytes, time: int, camera: str) -> None:
    with pytest.raises(MessageError):
        Reply(share, n_y, time, camera)


@pytest.mark.parametrize("named", [b"camera\0-1", b"\0camera", b"\xff", b"camera \0"])
def test_a_camera_not_followed_by_zeros_alone_refused(named: bytes) -> None:
    plain = bytes(56) + named.ljust(63, b"\0")
    info = encode("release-reply", Custodian.A.encode(), REQUEST_ID)
    with pytest.raises(MessageError):
        open_reply(KEY.sealing_key().seal(plain, info), KEY, Custodian.A, REQUEST_ID)


def test_request_id_of_another_length_refused() -> None:
    with pytest.raises(MessageError):
        seal_reply(REPLY, KEY.sealing_key(), Custodian.A, bytes(16))


def test_secrets_do_not_show() -> None:
    assert "01" not in repr(REPLY).replace("1700000000123", "")
