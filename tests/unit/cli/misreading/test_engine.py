"""The engine misreads what it is said to, as often as it is said to, and is as sure as it should be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from blindplate.cli.misreading.engine import Candour, Engine, EngineRead, Score, read
from blindplate.cli.misreading.font import CONFUSIONS
from blindplate.cli.misreading.vehicles import (
    HIGHEST_RATE,
    ILLEGAL_SHARE,
    Kind,
    State,
    Subject,
    subjects,
)
from blindplate.cli.traffic.vehicles import Vehicle, population
from blindplate.core.errors import InputError

PLAIN = Subject("GB", "AB12CDE", "AB12CDE", State.CLEAN, screwed=False, weak=None, rate=0.1)
SCREWED = Subject("GB", "AB11CDE", "AB11CDE", State.CLEAN, screwed=True, weak=None, rate=0.02)


@pytest.fixture(scope="module")
def vehicles() -> tuple[Vehicle, ...]:
    return population(3, 6_000)


def reads_of(subject: Subject, engine: Engine | None = None, count: int = 4_000) -> list[EngineRead]:
    misreads, doubts = Random(7), Random(8)
    return [read(misreads, doubts, engine or Engine(), subject) for _ in range(count)]


@pytest.mark.parametrize("rate", [0.03, 0.08])
def test_the_share_of_misreads_is_the_one_asked_for(vehicles: tuple[Vehicle, ...], rate: float) -> None:
    rng = Random(1)
    made = subjects(rng, vehicles, rate)
    seen = [(one, read(rng, rng, Engine(), one)) for one in made for _ in range(4)]
    wrong = [found.text.replace(" ", "") != one.text for one, found in seen]
    assert [found.kind is not None for _, found in seen] == wrong
    assert sum(wrong) / len(seen) == pytest.approx(rate, rel=0.12)


def test_nothing_is_misread_at_a_rate_of_zero(vehicles: tuple[Vehicle, ...]) -> None:
    rng = Random(1)
    assert all(read(rng, rng, Engine(), one).kind is None for one in subjects(rng, vehicles, 0.0))


@pytest.mark.parametrize("rate", [-0.01, HIGHEST_RATE + 0.01, float("nan")])
def test_a_rate_out_of_range_is_refused(vehicles: tuple[Vehicle, ...], rate: float) -> None:
    with pytest.raises(InputError):
        subjects(Random(1), vehicles, rate)


def test_one_plate_in_fifteen_is_not_legal(vehicles: tuple[Vehicle, ...]) -> None:
    states = Counter(one.state for one in subjects(Random(1), vehicles, 0.03))
    illegal = (states[State.SPACED] + states[State.STYLED]) / len(vehicles)
    assert illegal == pytest.approx(ILLEGAL_SHARE, rel=0.15)
    assert states[State.SPACED] == pytest.approx(states[State.STYLED], rel=0.25)


def test_plates_that_are_not_legal_or_not_clean_are_misread_more(vehicles: tuple[Vehicle, ...]) -> None:
    rates = {one.state: one.rate for one in subjects(Random(1), vehicles, 0.03)}
    assert rates[State.STYLED] > rates[State.DIRTY] > rates[State.SPACED] > rates[State.CLEAN] > 0


def test_a_confused_character_is_one_that_looks_like_it() -> None:
    confused = [one.text for one in reads_of(PLAIN) if one.kind is Kind.CONFUSED]
    assert len(confused) > 200
    for text in confused:
        changed = [(was, now) for was, now in zip(PLAIN.text, text, strict=True) if was != now]
        assert len(changed) in (1, 2)
        for was, now in changed:
            assert was not in CONFUSIONS or now in CONFUSIONS[was]


def test_an_obscured_character_stays_a_letter_or_a_digit() -> None:
    obscured = [one.text for one in reads_of(PLAIN) if one.kind is Kind.OBSCURED]
    assert obscured
    for text in obscured:
        assert text != PLAIN.text
        assert [one.isdigit() for one in text] == [one.isdigit() for one in PLAIN.text]


def test_a_partial_read_lacks_one_character_most_often_at_an_end() -> None:
    partial = Counter(one.text for one in reads_of(PLAIN) if one.kind is Kind.PARTIAL)
    assert all(len(text) == 6 for text in partial)
    ends = partial[PLAIN.text[1:]] + partial[PLAIN.text[:-1]]
    assert ends / partial.total() > 0.6


def test_a_screw_between_two_ones_reads_as_h_and_nowhere_else() -> None:
    seen = reads_of(SCREWED)
    by_screw = [one for one in seen if one.kind is Kind.SCREW]
    assert {one.text for one in by_screw} == {"ABHCDE"}
    assert len(by_screw) / len(seen) == pytest.approx(0.5, abs=0.03)
    assert all(one.kind is not Kind.SCREW for one in reads_of(replace(SCREWED, screwed=False)))


def test_two_ones_are_needed_for_a_screw(vehicles: tuple[Vehicle, ...]) -> None:
    screwed = [one for one in subjects(Random(1), vehicles, 0.03) if one.screwed]
    assert screwed
    assert all("11" in one.text for one in screwed)


def test_odd_spacing_is_shown_and_changes_no_character() -> None:
    spaced = replace(PLAIN, shown="AB1 2CDE", state=State.SPACED, rate=0.0)
    assert {one.text for one in reads_of(spaced, count=50)} == {"AB1 2CDE"}


def confidences_by_rightness(engine: Engine) -> tuple[list[float], list[float]]:
    """Confidences of the characters read right and wrong, all doubted ones."""
    right: list[float] = []
    wrong: list[float] = []
    for one in reads_of(replace(PLAIN, rate=0.4), engine, 6_000):
        if one.kind is Kind.CONFUSED:
            for was, now, sure in zip(PLAIN.text, one.text, one.char_confidences, strict=True):
                (right if was == now else wrong).append(sure)
        elif one.kind is None:
            right += one.char_confidences
    return right, wrong


def test_a_confidence_means_what_it_says() -> None:
    right, wrong = confidences_by_rightness(Engine())
    for low, high in ((0.5, 0.7), (0.7, 0.9)):
        of_right = sum(low <= one < high for one in right)
        of_wrong = sum(low <= one < high for one in wrong)
        assert of_right / (of_right + of_wrong) == pytest.approx((low + high) / 2, abs=0.07)


def test_an_engine_that_is_too_sure_is_wrong_more_often_than_it_says() -> None:
    right, wrong = confidences_by_rightness(Engine(sharpness=4))
    of_right, of_wrong = (sum(0.9 <= one < 0.99 for one in which) for which in (right, wrong))
    assert of_right / (of_right + of_wrong) < 0.85


def test_random_confidences_tell_nothing() -> None:
    right, wrong = confidences_by_rightness(Engine(candour=Candour.RANDOM))
    low_right, low_wrong = (sum(one < 0.9 for one in which) / len(which) for which in (right, wrong))
    assert low_right == pytest.approx(low_wrong, abs=0.02)


def test_an_engine_gives_only_what_it_is_said_to_give() -> None:
    silent = reads_of(PLAIN, Engine(candidates=False, characters=False), 50)
    assert all((one.candidates, one.char_confidences) == ((), ()) for one in silent)
    generous = reads_of(PLAIN, Engine(floor=0.0), 50)
    assert all(len(one.candidates) == 5 for one in generous)


def test_engines_that_say_different_things_misread_the_same() -> None:
    engines = [Engine(), Engine(candidates=False), Engine(sharpness=4), Engine(candour=Candour.RANDOM)]
    first, *others = ([one.text for one in reads_of(PLAIN, engine, 300)] for engine in engines)
    assert all(other == first for other in others)


def test_candidates_come_likeliest_first_and_are_other_texts() -> None:
    for one in reads_of(PLAIN, count=1_000):
        probabilities = [probability for _, probability in one.candidates if probability is not None]
        assert len(probabilities) == len(one.candidates)
        assert probabilities == sorted(probabilities, reverse=True)
        assert all(0 < probability <= 0.5 for probability in probabilities)
        assert one.text not in dict(one.candidates)


@pytest.mark.parametrize(("score", "least"), [(Score.MEAN, 0.8), (Score.NONE, None)])
def test_candidates_scored_otherwise_are_the_same(score: Score, least: float | None) -> None:
    usual, other = (reads_of(PLAIN, Engine(floor=0.0, score=each), 200) for each in (Score.PRODUCT, score))
    for one, same in zip(usual, other, strict=True):
        assert [text for text, _ in one.candidates] == [text for text, _ in same.candidates]
        first = same.candidates[0][1]
        assert first is None if least is None else first is not None and first > least


def test_the_truth_is_often_among_the_candidates_of_a_confused_read() -> None:
    confused = [one for one in reads_of(PLAIN) if one.kind is Kind.CONFUSED]
    known = sum(PLAIN.text in dict(one.candidates) for one in confused)
    assert 0.5 < known / len(confused) < 0.9
