"""Which vehicles of a population are listed, and the list files that owners submit.

Guarantees that the same population gives the same lists, that a few vehicles are on both where the population holds
both lists, and that a list file is readable by its owner alone. Does not model vehicles leaving a list.
The files are what ``docs/spec/owner.md`` section 2 specifies.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from blindplate.cli.traffic.vehicles import HOME_COUNTRY, Vehicle
from blindplate.core.errors import InputError
from blindplate.edge.keyfiles import write_secret

# At most this many vehicles, and at most one in ten of a hotlist, are on the emissions list as well.
MAX_SHARED: Final = 5

_HOTLIST_COLUMNS: Final = (
    "vrm",
    "country",
    "reason",
    "priority",
    "action",
    "weed_date",
    "make",
    "model",
    "colour",
)
_EMISSIONS_COLUMNS: Final = ("vrm", "country", "reason")
_REASONS: Final = (
    ("Stolen vehicle", "high", "Stop"),
    ("Used in robbery", "high", "Stop with caution"),
    ("Missing person", "high", "Stop and check welfare"),
    ("Cloned plate suspected", "medium", "Check make and model before stopping"),
    ("Keeper wanted on warrant", "medium", "Stop"),
    ("Not insured", "low", "Stop where safe"),
)
_STANDARDS: Final = ("Diesel below Euro 6", "Petrol below Euro 4")


def emissions_list(vehicles: Sequence[Vehicle], n: int) -> tuple[Vehicle, ...]:
    """The ``n`` vehicles that are liable: the first British ones, since others have no emissions record.

    Raises InputError when the population has too few.
    """
    british = [vehicle for vehicle in vehicles if vehicle.country == HOME_COUNTRY]
    _require(british, n)
    return tuple(british[:n])


def hotlist(vehicles: Sequence[Vehicle], n: int) -> tuple[Vehicle, ...]:
    """The ``n`` vehicles that are sought: the last ones, and a few that lead the emissions list.

    Raises InputError when the population has too few.
    """
    _require(vehicles, n)
    shared = emissions_list(vehicles, min(MAX_SHARED, n // 10))
    others = [vehicle for vehicle in vehicles if vehicle not in shared]
    return shared + tuple(others[len(others) - (n - len(shared)) :])


def write_hotlist_csv(path: Path, vehicles: Iterable[Vehicle], weed_date: date) -> None:
    """Write a police force's list file. ``weed_date`` is the last day on which its entries count.

    Raises StorageError when it cannot be written.
    """
    _write(
        path,
        _HOTLIST_COLUMNS,
        (
            (
                vehicle.text,
                vehicle.country,
                *_REASONS[row % len(_REASONS)],
                weed_date.isoformat(),
                vehicle.make,
                vehicle.model,
                vehicle.colour,
            )
            for row, vehicle in enumerate(vehicles)
        ),
    )


def write_emissions_csv(path: Path, vehicles: Iterable[Vehicle]) -> None:
    """Write an emissions authority's list file. Raises StorageError when it cannot be written."""
    _write(
        path,
        _EMISSIONS_COLUMNS,
        (
            (vehicle.text, vehicle.country, _STANDARDS[row % len(_STANDARDS)])
            for row, vehicle in enumerate(vehicles)
        ),
    )


def _require(vehicles: Sequence[Vehicle], n: int) -> None:
    if not 0 <= n <= len(vehicles):
        raise InputError(
            "A list is to be longer than the population it is taken from.", "Simulate more vehicles."
        )


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(columns)
    writer.writerows(rows)
    write_secret(path, buffer.getvalue().encode())
