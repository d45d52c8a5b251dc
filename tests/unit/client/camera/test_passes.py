"""One read a pass: properties over any order of events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from blindplate.client.camera.passes import Passes

SECONDS = 10.0
KEYS = st.sampled_from([b"one", b"two"])
MOMENTS = st.floats(0, 400)


@given(st.lists(st.tuples(KEYS, MOMENTS), max_size=60))
def test_kept_reads_of_a_plate_lie_apart_and_every_other_lies_near_one(
    events: list[tuple[bytes, float]],
) -> None:
    passes = Passes(SECONDS)
    kept: list[tuple[bytes, float]] = []
    for key, moment in events:
        near = [at for of, at in kept if of == key and abs(at - moment) < SECONDS]
        new = passes.is_new(key, moment, alternate=False)
        assert new == (not near)
        if new:
            kept.append((key, moment))


@given(st.lists(st.tuples(MOMENTS, st.booleans()), max_size=40))
def test_a_plate_is_never_collapsed_into_an_alternate(events: list[tuple[float, bool]]) -> None:
    passes = Passes(SECONDS)
    kept: list[tuple[float, bool]] = []
    for moment, alternate in events:
        new = passes.is_new(b"one", moment, alternate=alternate)
        into = [one for one in kept if abs(one[0] - moment) < SECONDS and (alternate or not one[1])]
        assert new == (not into)
        if new:
            kept.append((moment, alternate))


def test_what_is_long_past_is_forgotten() -> None:
    passes = Passes(SECONDS)
    for second in range(0, 100_000, 10):
        passes.is_new(str(second).encode(), float(second), alternate=False)
    assert len(passes._kept) < 300
    assert not passes.is_new(b"99990", 99_985.0, alternate=False)


def test_a_retry_after_minutes_finds_its_pass() -> None:
    passes = Passes(SECONDS)
    assert passes.is_new(b"one", 1000.0, alternate=False)
    assert passes.is_new(b"two", 1800.0, alternate=False)
    assert not passes.is_new(b"one", 1000.0, alternate=False)
