"""Figures as JSON and as a table."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from blindplate.cli.benchmarks import machine
from blindplate.cli.benchmarks.ingest import IngestFigures
from blindplate.cli.benchmarks.report import as_object, as_table
from blindplate.cli.benchmarks.timing import Spread


@pytest.fixture
def figures() -> IngestFigures:
    return IngestFigures(
        threads=4,
        rounds=5,
        records_per_second={1: Spread(1234.5678, 1000, 2000), 20: Spread(5, 4, 6)},
        submission_ms={1: Spread(0.123456, 0.1, 0.2)},
        matcher_cpu_ms_per_record={1: 1 / 3},
        records_per_round={1: 400},
        wire_bytes={1: 4523},
        sync_ms=Spread(0.5, 0.25, 1.0, 0.125),
        acknowledged=123_456,
    )


def test_what_was_measured_several_times_is_a_median_with_its_least_and_most(figures: IngestFigures) -> None:
    made = as_object(figures, machine.describe())
    assert (made["sync_ms"], made["sync_ms_min"], made["sync_ms_max"], made["sync_ms_cpu"]) == (
        0.5,
        0.25,
        1.0,
        0.125,
    )
    assert made["records_per_second"] == {"1": 1235.0, "20": 5}
    assert made["records_per_second_min"] == {"1": 1000, "20": 4}
    assert "records_per_second_cpu" not in made


def test_measured_numbers_are_cut_and_counted_ones_are_not(figures: IngestFigures) -> None:
    made = as_object(figures, machine.describe())
    assert made["submission_ms"] == {"1": 0.1235}
    assert made["matcher_cpu_ms_per_record"] == {"1": 0.3333}
    assert made["acknowledged"] == 123_456


def test_the_object_is_json_and_names_the_machine(figures: IngestFigures) -> None:
    described = json.loads(json.dumps(as_object(figures, machine.describe())))["machine"]
    assert described["cpu"]
    assert described["cores"] >= 1
    assert described["memory_gib"] > 0
    assert described["kernel"].startswith("Linux ")
    assert described["load"] >= 0
    assert {"tenseal", "numpy", "voprf", "cryptography", "grpcio"} <= described["libraries"].keys()


def test_a_library_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_LIBRARIES", ("no-such-distribution", "numpy"))
    assert list(machine.describe().libraries) == ["numpy"]


def test_the_table_holds_every_figure_and_the_machine(figures: IngestFigures) -> None:
    printed = io.StringIO()
    Console(file=printed, width=200).print(as_table("Intake", figures, machine.describe()))
    text = printed.getvalue()
    for expected in ("Intake", "records_per_second 20", "1,235", "0.1235", "123,456", "Python", "load"):
        assert expected in text
