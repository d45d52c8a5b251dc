"""A misread is a different text that is still a plate's, made by one confusion."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.cli.traffic.misreads import misread, read_right, read_wrong
from blindplate.core.plates import canonicalize

MARKS = st.from_regex(r"[A-HJ-PR-Y]{2}[0-9]{2}[A-HJ-PR-Z]{3}", fullmatch=True)
SEEDS = st.integers(0, 1 << 32)


@settings(max_examples=100)
@given(MARKS, SEEDS)
def test_a_misread_differs_in_one_place_and_can_still_be_read(text: str, seed: int) -> None:
    wrong = misread(Random(seed), text)
    assert wrong != text
    canonicalize(wrong, "GB")
    if len(wrong) == len(text):
        assert sum(one != other for one, other in zip(wrong, text, strict=True)) == 1
    else:
        dropped = {text[:at] + text[at + 1 :] for at in range(len(text))}
        assert wrong in dropped | {text.replace("11", "H", 1)}


def test_a_screw_between_two_ones_reads_as_h() -> None:
    found = {misread(Random(seed), "CE11ACE") for seed in range(200)}
    assert "CEHACE" in found


def test_each_confusion_occurs_and_a_dropped_character() -> None:
    found = {misread(Random(seed), "AB08EVM") for seed in range(500)}
    assert {"A808EVM", "ABO8EVM", "ABD8EVM", "AB0BEVM", "AB08EYM", "AB08EVN", "AB08EV"} <= found


def test_a_text_without_confusables_loses_a_character() -> None:
    assert all(len(misread(Random(seed), "AAA777A")) == 6 for seed in range(20))


@settings(max_examples=100)
@given(MARKS, SEEDS, st.integers(1, 4))
def test_a_right_pass_shows_the_text_in_every_event(text: str, seed: int, events: int) -> None:
    seen = read_right(Random(seed), text, events)
    assert [one.text for one in seen] == [text] * events
    assert all(0.9 <= one.confidence <= 0.99 for one in seen)
    assert len({one.candidates for one in seen}) == 1


@settings(max_examples=100)
@given(MARKS, SEEDS, st.integers(1, 4))
def test_a_wrong_pass_shows_one_misread_in_some_or_all_events_less_certainly(
    text: str, seed: int, events: int
) -> None:
    seen = read_wrong(Random(seed), text, events)
    wrong = [one for one in seen if one.text != text]
    right = [one for one in seen if one.text == text]
    assert len(wrong) + len(right) == events
    assert len({(one.text, one.candidates) for one in wrong}) == 1
    assert all(one.confidence <= 0.85 for one in wrong)
    assert all(one.confidence >= 0.9 for one in right)


def test_some_misreads_are_of_some_events_and_some_offer_the_true_text() -> None:
    made = [read_wrong(Random(seed), "AB08EVM", 3) for seed in range(200)]
    partly = sum(any(one.text == "AB08EVM" for one in seen) for seen in made)
    offered = sum(any("AB08EVM" in dict(one.candidates) for one in seen) for seen in made)
    assert 40 < partly < 120
    assert 80 < offered < 160
