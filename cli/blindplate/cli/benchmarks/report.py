"""Figures as JSON and as a table: the same names in both, the unit in the name.

In JSON a figure measured several times is its median; ``NAME_min``, ``NAME_max`` and, where it was taken,
``NAME_cpu`` (the median by processor time) stand beside it. An estimate has ``NAME_low`` and ``NAME_high``, its 95 %
interval. Numbers are cut to four figures: no more are meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any, Final, TypeAlias

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from blindplate.cli.benchmarks.charging_figures import ChargingFigures
from blindplate.cli.benchmarks.ingest import IngestFigures
from blindplate.cli.benchmarks.intervals import Interval
from blindplate.cli.benchmarks.ledger import LedgerFigures
from blindplate.cli.benchmarks.machine import Machine
from blindplate.cli.benchmarks.match import MatchFigures
from blindplate.cli.benchmarks.misreads import MisreadFigures
from blindplate.cli.benchmarks.pseudonyms import PseudonymFigures
from blindplate.cli.benchmarks.records import RecordFigures
from blindplate.cli.benchmarks.timing import Spread

Figures: TypeAlias = (
    ChargingFigures
    | IngestFigures
    | LedgerFigures
    | MatchFigures
    | MisreadFigures
    | PseudonymFigures
    | RecordFigures
)
Value: TypeAlias = Interval | Spread | float | str

_DIGITS: Final = 4


def as_object(figures: Figures, machine: Machine) -> dict[str, Any]:
    """All figures and the machine, for JSON."""
    made: dict[str, Any] = {}
    for name, value in _fields(figures):
        if isinstance(value, Mapping):
            for key, one in value.items():
                for suffix, number in _parts(one):
                    made.setdefault(name + suffix, {})[str(key)] = number
        else:
            made |= {name + suffix: number for suffix, number in _parts(value)}
    return made | {"machine": asdict(machine)}


def as_table(title: str, figures: Figures, machine: Machine) -> RenderableType:
    """All figures and the machine, to be printed."""
    table = Table(title=title, title_justify="left", box=None)
    estimated = any(isinstance(value, Interval) for _, value in _fields(figures))
    measured = ("median", "least", "most", "by processor time")
    for heading in ("", *(("estimate", "95 % from", "to") if estimated else measured)):
        table.add_column(heading, justify="right" if heading else "left")
    for name, value in _fields(figures):
        if isinstance(value, Mapping):
            for key, one in value.items():
                table.add_row(f"{name} {key:,}", *_cells(one))
        else:
            table.add_row(name, *_cells(value))
    return Group(table, Text(_machine(machine)))


def _fields(figures: Figures) -> Iterator[tuple[str, Value | Mapping[int, Value]]]:
    for each in fields(figures):
        yield each.name, getattr(figures, each.name)


def _parts(value: Value) -> Iterator[tuple[str, float | str]]:
    """What one figure is in JSON: suffixes of its name, and values."""
    if isinstance(value, Interval):
        yield "", _cut(value.value)
        yield "_low", _cut(value.low)
        yield "_high", _cut(value.high)
        return
    if not isinstance(value, Spread):
        yield "", _cut(value)
        return
    yield "", _cut(value.median)
    yield "_min", _cut(value.least)
    yield "_max", _cut(value.most)
    if value.cpu is not None:
        yield "_cpu", _cut(value.cpu)


def _cells(value: Value) -> list[str]:
    return [_text(part) for _, part in _parts(value)]


def _cut(value: float | str) -> float | str:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _text(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 10 ** (_DIGITS - 1) else f"{value:,}"


def _machine(machine: Machine) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in machine.libraries.items())
    return (
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib} GiB, {machine.kernel}, "
        f"Python {machine.python}, {libraries}; load {machine.load} before."
    )
