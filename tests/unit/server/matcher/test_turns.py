"""Calls that hold a thread for long: few at once, and fewer of one party's."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from blindplate.core.errors import OverloadedError
from blindplate.server.matcher.turns import Turns


def refused(turns: Turns, party: str) -> bool:
    try:
        with turns.one_of(party):
            return False
    except OverloadedError:
        return True


def test_one_party_cannot_take_every_turn() -> None:
    turns = Turns(3, 2)
    with ExitStack() as taken:
        for _ in range(2):
            taken.enter_context(turns.one_of("greedy"))
        assert refused(turns, "greedy")
        assert not refused(turns, "other")
        taken.enter_context(turns.one_of("other"))
        assert refused(turns, "third")
    assert not refused(turns, "greedy")


def test_a_turn_ends_however_its_block_ends() -> None:
    turns = Turns(1, 1)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), turns.one_of("party"):
            raise ZeroDivisionError
