"""Revisions: a delta only on top of the one it names, nothing twice, no older list in place of a later one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.client.owner.lists.revisions import Revision, Taken, is_taken, parse_line
from blindplate.core.errors import ListFileError

ONE, OTHER = b"1" * 32, b"2" * 32


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Revision,12", Revision(12)),
        ("revision;12;;;", Revision(12)),
        ('"Revision","13","Builds on","12"', Revision(13, 12)),
        ("REVISION\t13\tbuilds_on\t12\t\t", Revision(13, 12)),
        ("vrm,reason", None),
        ("Revisions,1", None),
        ("", None),
    ],
)
def test_the_line_that_says_which_revision_a_file_is(line: str, said: Revision | None) -> None:
    assert parse_line(line) == said


@pytest.mark.parametrize(
    "line",
    ["Revision,", "Revision,twelve", "Revision,12,11", "Revision,12,Builds on,12", "Revision,12,Builds on,13",
     "Revision,-1", "Revision,9999999999999", "Revision,12,Builds on"],
)  # fmt: skip
def test_a_revision_that_is_not_understood_is_not_taken_for_a_row(line: str) -> None:
    with pytest.raises(ListFileError):
        parse_line(line)


@pytest.mark.parametrize(("number", "builds_on"), [(None, 1), (2, 2), (2, 3)])
def test_a_revision_given_beside_the_file_must_come_after_what_it_builds_on(
    number: int | None, builds_on: int
) -> None:
    with pytest.raises(ListFileError):
        Revision.of(number, builds_on)


@pytest.mark.parametrize(
    ("revision", "last"),
    [
        (Revision(), None),
        (Revision(), Taken(7, OTHER)),
        (Revision(7), None),
        (Revision(7), Taken(None, OTHER)),
        (Revision(8), Taken(7, OTHER)),
        (Revision(8, 7), Taken(7, OTHER)),
        (Revision(12, 7), Taken(7, OTHER)),
    ],
)
def test_what_comes_next_is_taken(revision: Revision, last: Taken | None) -> None:
    assert not is_taken(revision, ONE, last)


def test_the_same_file_again_is_taken_already() -> None:
    assert is_taken(Revision(8, 7), ONE, Taken(8, ONE))
    assert is_taken(Revision(8), ONE, Taken(8, ONE))


@pytest.mark.parametrize(
    ("revision", "last", "told"),
    [
        pytest.param(Revision(8, 7), None, "Submit a whole list", id="on nothing"),
        pytest.param(Revision(8, 7), Taken(None, OTHER), "Submit a whole list", id="on a list without revision"),
        pytest.param(Revision(9, 8), Taken(7, OTHER), "after revision 7", id="one missing"),
        pytest.param(Revision(8, 6), Taken(7, OTHER), "out of order", id="out of order"),
        pytest.param(Revision(7, 6), Taken(7, OTHER), "Another file", id="another under its number"),
        pytest.param(Revision(7), Taken(7, OTHER), "Another file", id="another list under its number"),
        pytest.param(Revision(6), Taken(7, OTHER), "Submit a later one", id="an older list"),
    ],
)  # fmt: skip
def test_a_revision_that_does_not_fit_is_refused_and_says_what_to_do(
    revision: Revision, last: Taken | None, told: str
) -> None:
    with pytest.raises(ListFileError, match=told):
        is_taken(revision, ONE, last)


@given(st.permutations(range(1, 7)))
def test_deltas_are_taken_in_their_order_and_no_other(order: list[int]) -> None:
    last = Taken(0, ONE)
    for number in order:
        delta = Revision(number, number - 1)
        if last.number == number - 1:
            assert not is_taken(delta, bytes([number]), last)
            last = Taken(number, bytes([number]))
            continue
        with pytest.raises(ListFileError):
            is_taken(delta, bytes([number]), last)
