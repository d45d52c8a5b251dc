"""Shares of calls are counted exactly; what waits too long is ended, and nothing else."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import OverloadedError
from blindplate.server.calls import Arrivals, Shares


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
@settings(max_examples=100)
def test_no_caller_ever_has_more_than_its_share_and_every_ended_call_gives_one_back(
    steps: list[tuple[str, bool]],
) -> None:
    shares, open_calls = Shares(2), dict[str, list[ExitStack]]()
    for caller, begins in steps:
        under_way = open_calls.setdefault(caller, [])
        if not begins:
            if under_way:
                under_way.pop().close()
            continue
        call = ExitStack()
        if len(under_way) == 2:
            with pytest.raises(OverloadedError):
                call.enter_context(shares.one_of(caller))
        else:
            call.enter_context(shares.one_of(caller))
            under_way.append(call)
    for under_way in open_calls.values():
        for call in under_way:
            call.close()
    assert shares._under_way == Counter()
    assert not list(shares._under_way)


def test_a_share_is_given_back_when_a_call_fails() -> None:
    shares = Shares(1)
    for _ in range(3):
        with pytest.raises(ValueError, match="failed"), shares.one_of("a"):
            raise ValueError("failed")


def test_what_waits_too_long_is_ended_and_what_arrives_is_not() -> None:
    arrivals = Arrivals(0.2)
    for _ in range(3):
        late, other = threading.Event(), threading.Event()
        with arrivals.expected(late.set):
            with arrivals.expected(other.set):
                pass
            assert late.wait(20)
        assert not other.is_set()


def test_nothing_is_ended_before_its_time() -> None:
    ended = threading.Event()
    began = time.monotonic()
    with Arrivals(0.3).expected(ended.set):
        assert ended.wait(20)
    assert time.monotonic() - began >= 0.3


def test_its_thread_ends_with_the_last_that_waits() -> None:
    arrivals = Arrivals(0.05)
    with arrivals.expected(lambda: None):
        pass
    deadline = time.monotonic() + 20
    while arrivals._watched:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    ended = threading.Event()
    with arrivals.expected(ended.set):
        assert ended.wait(20)
