"""A population is of different vehicles with valid marks, the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest

from blindplate.cli.traffic import Vehicle, population
from blindplate.core.errors import InputError
from blindplate.core.plates import Format, canonicalize


def test_no_two_vehicles_have_one_canonical_plate(vehicles: tuple[Vehicle, ...]) -> None:
    assert len({canonicalize(vehicle.text, vehicle.country) for vehicle in vehicles}) == len(vehicles)


def test_every_text_is_a_mark_as_it_stands(vehicles: tuple[Vehicle, ...]) -> None:
    for vehicle in vehicles:
        assert vehicle.plate.text == vehicle.text
        assert (vehicle.plate.format is Format.VERBATIM) == (vehicle.country != "GB")
        assert len(vehicle.text) >= 6
        assert not vehicle.text.isdecimal()


def test_most_are_of_the_current_format_and_no_kind_is_missing(vehicles: tuple[Vehicle, ...]) -> None:
    formats = Counter(vehicle.plate.format for vehicle in vehicles)
    assert 0.84 < formats[Format.GB_CURRENT] / len(vehicles) < 0.92
    assert set(formats) == {
        Format.GB_CURRENT,
        Format.GB_PREFIX,
        Format.GB_SUFFIX,
        Format.GB_DATELESS,
        Format.NI,
        Format.VERBATIM,
    }
    assert {vehicle.country for vehicle in vehicles} == {"GB", "IE", "FR", "PL", "DE", "NL"}


def test_current_marks_have_issued_letters_and_age_identifiers(vehicles: tuple[Vehicle, ...]) -> None:
    for vehicle in vehicles:
        if vehicle.plate.format is Format.GB_CURRENT:
            tag, age, random = vehicle.text[:2], int(vehicle.text[2:4]), vehicle.text[4:]
            assert 2 <= age <= 25 or 51 <= age <= 75
            assert set("IQZ").isdisjoint(tag)
            assert set("IQ").isdisjoint(random)


def test_a_larger_population_of_the_same_seed_begins_with_the_smaller() -> None:
    assert population(3, 300)[:100] == population(3, 100)
    assert population(3, 100) != population(4, 100)


def test_printing_a_vehicle_shows_no_plate(vehicles: tuple[Vehicle, ...]) -> None:
    assert all(vehicle.text not in repr(vehicle) for vehicle in vehicles[:100])


def test_a_population_of_less_than_none_is_refused() -> None:
    assert population(1, 0) == ()
    with pytest.raises(InputError):
        population(1, -1)
