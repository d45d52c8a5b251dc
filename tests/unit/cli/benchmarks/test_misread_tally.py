"""What is counted as found, as wrong, and as added."""

from __future__ import annotations

import pytest

from blindplate.cli.benchmarks.misread_tally import Tally, tally_day
from blindplate.cli.misreading.day import key, make_day
from blindplate.cli.misreading.engine import Engine, EngineRead
from blindplate.cli.misreading.vehicles import Kind, State, Subject
from blindplate.core.errors import InputError
from blindplate.core.plates import AlternateRules

LISTED = Subject("GB", "AV34KLM", "AV34KLM", State.CLEAN, screwed=False, weak=None, rate=0.03)
STRANGER = Subject("GB", "AB12CDE", "AB12CDE", State.CLEAN, screwed=False, weak=None, rate=0.03)
DOUBTED = (0.99, 0.5, *[0.99] * 5)


def tally_of(*taken: tuple[Subject, str, tuple[float, ...]], listed: tuple[str, ...] = ("AV34KLM",)) -> Tally:
    tally = Tally({key("GB", text) for text in listed}, AlternateRules())
    for number, (subject, text, confidences) in enumerate(taken):
        kind = None if text == subject.text else Kind.CONFUSED
        tally.take(number, subject, EngineRead(text, (), confidences, kind))
    return tally


def test_a_right_read_is_found_without_alternates() -> None:
    tally = tally_of((LISTED, "AV34KLM", ()))
    assert [tally.true_hit_rate(allowed).value for allowed in (0, 3)] == [1.0, 1.0]
    assert tally.false_hit_rate(3).value == tally.alternates_share(3) == tally.misread_share == 0


def test_a_misread_within_one_type_is_found_by_an_alternate_alone() -> None:
    tally = tally_of((LISTED, "AY34KLM", DOUBTED))
    assert [tally.true_hit_rate(allowed).value for allowed in (0, 1)] == [0.0, 1.0]
    assert tally.misread_share == 1
    assert tally.false_hit_rate(1).value == 0


def test_a_misread_between_types_is_found_by_folding() -> None:
    assert tally_of((LISTED, "AV3AKLM", ())).true_hit_rate(3).value == 0
    folded = Subject("GB", "AV38KLM", "AV38KLM", State.CLEAN, screwed=False, weak=None, rate=0.03)
    assert tally_of((folded, "AV3BKLM", ()), listed=("AV38KLM",)).true_hit_rate(0).value == 1


def test_a_stranger_misread_as_a_listed_plate_is_a_false_hit() -> None:
    tally = tally_of((STRANGER, "AV34KLM", ()))
    assert tally.false_hit_rate(0).value == 1
    assert tally.listed_reads == 0


def test_a_stranger_whose_alternate_is_listed_is_a_false_hit_with_alternates_alone() -> None:
    tally = tally_of((STRANGER, "AY34KLM", DOUBTED))
    assert [tally.false_hit_rate(allowed).value for allowed in (0, 1)] == [0.0, 1.0]
    assert tally.alternates_share(1) == 0.5


def test_a_listed_vehicle_read_as_another_listed_one_is_a_miss_and_a_false_hit() -> None:
    tally = tally_of((LISTED, "AB12CDE", ()), listed=("AV34KLM", "AB12CDE"))
    assert (tally.true_hit_rate(3).value, tally.false_hit_rate(3).value) == (0, 1)


def test_no_rates_grow_without_alternates() -> None:
    day = make_day(2, 4_000, 4_000)
    none, some = Tally(day.listed, AlternateRules(sources=frozenset())), Tally(day.listed, AlternateRules())
    tally_day(day, Engine(), none, some)
    assert none.true_hit_rate(5) == none.true_hit_rate(0) == some.true_hit_rate(0)
    assert none.alternates_share(5) == 0
    assert some.true_hit_rate(5).value > some.true_hit_rate(0).value


def test_half_of_the_vehicles_that_pass_are_listed_and_the_list_is_as_long_as_asked_for() -> None:
    day = make_day(2, 1_600, 5_000)
    assert len(day.listed) == 5_000
    assert sum(key(one.country, one.text) in day.listed for one in day.subjects) == len(day.subjects) / 2


def test_a_list_shorter_than_the_listed_vehicles_is_refused() -> None:
    with pytest.raises(InputError):
        make_day(1, 16_000, 999)


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    one, again, other = make_day(4, 1_000, 2_000), make_day(4, 1_000, 2_000), make_day(5, 1_000, 2_000)
    assert one == again
    assert list(one.passes(Engine())) == list(again.passes(Engine()))
    assert one.listed != other.listed
    assert list(one.passes(Engine())) != list(other.passes(Engine()))
