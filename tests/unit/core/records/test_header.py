"""Headers: every field is in the digest, comes back from the wire, and is refused out of range."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.domains import CHARGING_DAY, HOURLY, Domain
from blindplate.core.errors import MessageError
from blindplate.core.parties import Custodian
from blindplate.core.records.header import MAX_GRANULARITY_MS, Header
from tests.unit.core.records.samples import DOMAIN, EPOCH, NOW_MS

HEADER = Header(
    record_id=b"r" * 16,
    camera_ref=b"c" * 32,
    domain=DOMAIN,
    epoch=EPOCH,
    capture_time_ms=NOW_MS,
    time_granularity_ms=1,
    alternate=False,
    key_id_a=b"a" * 16,
    key_id_b=b"b" * 16,
    c_y=b"y" * 32,
)
CHANGES: dict[str, Any] = {
    "record_id": b"R" * 16,
    "camera_ref": b"",
    "domain": Domain("stolen", "west", 4),
    "epoch": CHARGING_DAY.at(NOW_MS / 1000),
    "capture_time_ms": NOW_MS + 1,
    "time_granularity_ms": 3,
    "alternate": True,
    "key_id_a": b"A" * 16,
    "key_id_b": b"B" * 16,
    "c_y": b"Y" * 32,
}


@st.composite
def headers(draw: st.DrawFn) -> Header:
    rule = draw(st.sampled_from([HOURLY, CHARGING_DAY]))
    exact, granularity = draw(st.integers(0, 2**41)), draw(st.integers(1, MAX_GRANULARITY_MS))
    return Header(
        record_id=draw(st.binary(min_size=16, max_size=16)),
        camera_ref=draw(st.one_of(st.just(b""), st.binary(min_size=32, max_size=32))),
        domain=DOMAIN,
        epoch=rule.at(exact / 1000),
        capture_time_ms=exact - exact % granularity,
        time_granularity_ms=granularity,
        alternate=draw(st.booleans()),
        key_id_a=draw(st.binary(min_size=16, max_size=16)),
        key_id_b=draw(st.binary(min_size=16, max_size=16)),
        c_y=draw(st.binary(min_size=32, max_size=32)),
    )


@given(headers())
@settings(deadline=None)
def test_a_header_of_any_rounded_time_comes_back_from_the_wire(header: Header) -> None:
    assert Header.from_proto(header.to_proto()) == header


def test_every_field_that_may_change_is_in_the_digest() -> None:
    assert {field.name for field in fields(Header) if field.init} == {*CHANGES, "version", "suite"}
    digests = {replace(HEADER, **{name: value}).digest() for name, value in CHANGES.items()}
    assert len(digests | {HEADER.digest()}) == len(CHANGES) + 1


def test_the_digest_is_neither_compared_nor_shown_and_follows_a_change() -> None:
    assert HEADER.digest().hex() not in repr(HEADER)
    assert repr(HEADER.digest()) not in repr(HEADER)
    assert replace(HEADER, alternate=not HEADER.alternate).digest() != HEADER.digest()
    assert replace(HEADER) == HEADER
    assert hash(replace(HEADER)) == hash(HEADER)
    assert pickle.loads(pickle.dumps(HEADER)).digest() == HEADER.digest()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", 0),
        ("version", 2),
        ("suite", 2),
        ("record_id", b"r" * 15),
        ("record_id", b""),
        ("camera_ref", b"c" * 31),
        ("key_id_a", b""),
        ("key_id_b", b"b" * 17),
        ("c_y", b"y" * 31),
        ("time_granularity_ms", 0),
        ("time_granularity_ms", MAX_GRANULARITY_MS + 1),
        ("capture_time_ms", -1),
        ("capture_time_ms", 1 << 42),
        ("capture_time_ms", NOW_MS + 3_600_000),
        ("capture_time_ms", NOW_MS - 3_600_000),
    ],
)
def test_a_field_out_of_range_is_refused(name: str, value: object) -> None:
    with pytest.raises(MessageError):
        replace(HEADER, **{name: value})  # type: ignore[arg-type]  # each value is of its field's type


def test_a_time_not_rounded_to_its_granularity_is_refused() -> None:
    with pytest.raises(MessageError):
        replace(HEADER, time_granularity_ms=1000)
    assert replace(HEADER, capture_time_ms=NOW_MS - 123, time_granularity_ms=1000).capture_time_ms


def test_a_rounded_time_before_its_epoch_stands_when_the_true_one_may_lie_in_it() -> None:
    start = int(EPOCH.start() * 1000)
    granularity = 7_000_000
    rounded = start - start % granularity
    assert rounded < start < rounded + granularity
    assert replace(HEADER, capture_time_ms=rounded, time_granularity_ms=granularity).epoch == EPOCH
    with pytest.raises(MessageError, match="epoch"):
        replace(HEADER, capture_time_ms=rounded - granularity, time_granularity_ms=granularity)


def test_an_unknown_kind_of_epoch_is_refused() -> None:
    message = HEADER.to_proto()
    message.epoch.kind = 9  # type: ignore[assignment]  # what a later version might send
    with pytest.raises(MessageError, match="kind"):
        Header.from_proto(message)


def test_key_identifiers_are_the_custodians_own() -> None:
    assert HEADER.key_id(Custodian.A) == b"a" * 16
    assert HEADER.key_id(Custodian.B) == b"b" * 16
