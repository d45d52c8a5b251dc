"""Lists are taken from the population, share a few vehicles, and come back whole from the owner's reader."""

from __future__ import annotations

import stat
from datetime import date
from pathlib import Path

import pytest

from blindplate.cli.traffic import (
    Vehicle,
    emissions_list,
    hotlist,
    population,
    write_emissions_csv,
    write_hotlist_csv,
)
from blindplate.client.owner.listfile import ListFile, read_list_file
from blindplate.core.errors import InputError

TODAY = date(2026, 6, 1)


def read(path: Path) -> ListFile:
    # A default country that no row may need.
    return read_list_file(path, country="AQ", today=TODAY, max_vehicles=10_000)


def test_lists_have_the_size_asked_for_and_share_a_few(vehicles: tuple[Vehicle, ...]) -> None:
    liable, sought = emissions_list(vehicles, 800), hotlist(vehicles, 100)
    assert (len(set(liable)), len(set(sought))) == (800, 100)
    assert len(set(liable) & set(sought)) == 5
    assert set(liable) | set(sought) <= set(vehicles)


def test_foreign_vehicles_are_sought_but_never_liable(vehicles: tuple[Vehicle, ...]) -> None:
    assert {vehicle.country for vehicle in emissions_list(vehicles, 2_800)} == {"GB"}
    assert {vehicle.country for vehicle in hotlist(vehicles, 500)} > {"GB"}


@pytest.mark.parametrize("n", [0, 1, 9, 10, 60])
def test_a_hotlist_of_any_size_names_each_vehicle_once(n: int) -> None:
    assert len(set(hotlist(population(2, 60), n))) == n


@pytest.mark.parametrize("n", [-1, 61])
def test_a_list_longer_than_the_population_is_refused(n: int) -> None:
    for choose in (emissions_list, hotlist):
        with pytest.raises(InputError):
            choose(population(2, 60), n)


def test_the_owner_reads_back_the_hotlist(tmp_path: Path, vehicles: tuple[Vehicle, ...]) -> None:
    sought = hotlist(vehicles, 500)
    write_hotlist_csv(tmp_path / "hotlist.csv", sought, TODAY)
    found = read(tmp_path / "hotlist.csv")
    assert found.problems == ()
    assert [listed.plate for listed in found.vehicles] == [vehicle.plate for vehicle in sought]
    for listed, vehicle in zip(found.vehicles, sought, strict=True):
        details = listed.details
        assert (details.make, details.model, details.colour) == (vehicle.make, vehicle.model, vehicle.colour)
        assert details.weed_date == TODAY
        assert all((details.reason, details.priority, details.action))


def test_the_authority_reads_back_the_emissions_list(tmp_path: Path, vehicles: tuple[Vehicle, ...]) -> None:
    liable = emissions_list(vehicles, 800)
    write_emissions_csv(tmp_path / "emissions.csv", liable)
    found = read(tmp_path / "emissions.csv")
    assert found.problems == ()
    assert [listed.plate for listed in found.vehicles] == [vehicle.plate for vehicle in liable]
    assert all(listed.details.reason for listed in found.vehicles)


def test_a_list_file_is_its_owners_alone(tmp_path: Path, vehicles: tuple[Vehicle, ...]) -> None:
    write_hotlist_csv(tmp_path / "a.csv", vehicles[:5], TODAY)
    write_emissions_csv(tmp_path / "b.csv", vehicles[:5])
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
