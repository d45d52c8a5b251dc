"""The grammar: formats do not overlap, hold what the specification says, and folding stays inside them."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Final

import pytest
from hypothesis import given, settings

from blindplate.core.plates import Format
from blindplate.core.plates import grammar as grammar_module
from blindplate.core.plates.grammar import FOLDS, best_fit, exact_format, fits
from tests.unit.core.plates.marks import PATTERNS, any_marks, marks_of, plate_characters

SHAPES: Final = [shape for shapes in grammar_module._BY_LENGTH.values() for shape in shapes]


def test_no_text_has_two_shapes() -> None:
    """Exhaustive: two shapes of one length overlap only if every slot of the one meets the other's."""
    overlapping = [
        (one.format.name, other.format.name, one.slots)
        for one, other in combinations(SHAPES, 2)
        if len(one.slots) == len(other.slots)
        and all(set(left) & set(right) for left, right in zip(one.slots, other.slots, strict=True))
    ]
    assert overlapping == []


def test_every_slot_holds_letters_alone_or_digits_alone() -> None:
    assert all(slot.isalpha() or slot.isdigit() for shape in SHAPES for slot in shape.slots)


def test_every_format_but_verbatim_has_a_shape() -> None:
    assert {shape.format for shape in SHAPES} == set(Format) - {Format.VERBATIM} == set(PATTERNS)


def test_format_numbers_are_the_published_ones() -> None:
    numbers = {format_.name: int(format_) for format_ in Format}
    assert list(numbers) == [
        *["GB_CURRENT", "GB_PREFIX", "GB_SUFFIX", "GB_DATELESS", "NI", "GB_Q", "GB_TRADE", "GB_MILITARY"],
        *["GB_DIPLOMATIC", "VERBATIM"],
    ]
    assert list(numbers.values()) == [*range(1, 10), 255]


@pytest.mark.parametrize("format_", PATTERNS, ids=lambda format_: format_.name)
def test_marks_of_the_specification_have_their_format(format_: Format) -> None:
    @settings(max_examples=50)
    @given(marks_of(format_))
    def check(mark: str) -> None:
        assert exact_format(mark) is format_

    check()


@settings(max_examples=100)
@given(plate_characters(longest=8))
def test_a_text_has_a_format_only_as_the_specification_says(text: str) -> None:
    said = {format_ for format_, pattern in PATTERNS.items() if re.fullmatch(pattern, text)}
    found = exact_format(text)
    assert said == (set() if found is None else {found})


def test_folds_are_the_five_pairs_both_ways() -> None:
    assert {character + folded for character, folded in FOLDS.items()} == {
        *["0O", "1I", "2Z", "5S", "8B", "O0", "I1", "Z2", "S5", "B8"]
    }


@settings(max_examples=100)
@given(plate_characters())
def test_a_fit_has_its_format_and_differs_by_folds_alone(text: str) -> None:
    for fit in fits(text):
        assert exact_format(fit.text) is fit.format
        changes = [(read, kept) for read, kept in zip(text, fit.text, strict=True) if read != kept]
        assert all(FOLDS[read] == kept for read, kept in changes)
        assert fit.misreads == sum(read not in "0O1I" for read, _ in changes)


@settings(max_examples=100)
@given(any_marks())
def test_a_mark_is_its_own_best_fit_whatever_the_spacing(mark: str) -> None:
    for cut in range(len(mark)):
        fit = best_fit(mark, frozenset({cut}) if cut else frozenset())
        assert fit is not None
        assert (fit.text, fit.misreads) == (mark, 0)


def test_boundaries_are_where_letters_meet_digits() -> None:
    boundaries = {
        fit.text: set(fit.boundaries) for mark in ("AX14000", "101D234", "12345") for fit in fits(mark)
    }
    assert boundaries["AX14OOO"] == {2, 4}
    assert boundaries["AXI4000"] == {3}
    assert boundaries["101D234"] == {3, 4}
    assert boundaries["12345"] == set()
