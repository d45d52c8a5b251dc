"""Every benchmark in a small size: it runs, it gives every figure, and the figures can be true. Nothing is timed."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from blindplate.cli.benchmarks import ingest
from blindplate.cli.main import app
from blindplate.core.errors import InputError, ParameterError
from blindplate.psi.layout import plan
from blindplate.psi.parameters import load_set

MACHINE = {"cpu", "cores", "memory_gib", "kernel", "python", "libraries", "load"}


def bench(*arguments: str) -> dict[str, Any]:
    """What ``blindplate bench ARGUMENTS --json`` prints."""
    result = CliRunner().invoke(app, ["bench", *arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    made: dict[str, Any] = json.loads(result.stdout)
    assert made["machine"].keys() == MACHINE
    assert made["machine"]["libraries"].keys() >= {"tenseal", "numpy", "voprf", "cryptography", "grpcio"}
    return made


def assert_spread(made: dict[str, Any], name: str, *, cpu: bool = True) -> None:
    assert 0 < made[f"{name}_min"] <= made[name] <= made[f"{name}_max"]
    assert (f"{name}_cpu" in made) == cpu


@pytest.mark.parametrize("name", ["prompt", "bulk"])
def test_match(name: str) -> None:
    made = bench("match", "--entries", "300", "--set", name, "--reads", "182", "--batches", "5")
    layout = plan(300, load_set(name))
    assert (made["entries"], made["set"], made["batches"]) == (300, name, 5)
    assert (made["bins"], made["degree"], made["slots_per_bin"]) == (4, layout.degree, layout.slots // 4)
    assert made["upload_bytes"] == layout.upload_bytes
    assert made["answer_bytes"] == layout.answer_bytes
    assert -60 < made["failure_log2"] < -30
    assert -60 < made["stranger_log2"] < -30
    for figure in ("batch_ms", "reads_per_second_per_core", "open_ms"):
        assert_spread(made, figure)
    assert made["tick_ms"].keys() == {"50", "182", "500", str(layout.slots)}
    assert all(made["tick_ms_min"][size] <= taken for size, taken in made["tick_ms"].items())
    assert made["tick_ms"][str(layout.slots)] == made["batch_ms"]
    # Four bins of thousands of slots: few reads fit all of them, and not quite all of as many as there are slots.
    assert made["tick_fitted"]["50"] == 50
    assert 0.9 * layout.slots < made["reads_fitted"] < layout.slots
    # The median of fitted over time lies between the extremes of each.
    least = made["reads_fitted"] / made["batch_ms_max"]
    assert (
        0.9 * least
        < made["reads_per_second_per_core"] / 1000
        < 1.1 * made["reads_fitted"] / made["batch_ms_min"]
    )
    assert all(made[step] > 0 for step in ("build_seconds", "encrypt_seconds", "load_seconds"))
    assert made["peak_memory_bytes"] > made["upload_bytes"]


def test_match_of_a_set_there_is_not() -> None:
    with pytest.raises(ParameterError, match="prompt, bulk"):
        bench("match", "--entries", "300", "--set", "no-such")


def test_match_of_a_list_too_long() -> None:
    with pytest.raises(InputError, match="too long"):
        bench("match", "--entries", "100000000")


def test_a_median_of_fewer_than_five_is_refused() -> None:
    result = CliRunner().invoke(app, ["bench", "pseudonyms", "--rounds", "4"])
    assert result.exit_code == 2
    assert "rounds" in result.stderr


def test_pseudonyms() -> None:
    made = bench("pseudonyms", "--inputs", "20", "--rounds", "5")
    assert (made["inputs"], made["rounds"]) == (20, 5)
    for step in ("blind", "evaluate_with_proof", "finalize", "direct"):
        assert_spread(made, f"{step}_per_second")


def test_records() -> None:
    made = bench("records", "--batch", "8", "--rounds", "5")
    assert (made["records"], made["rounds"]) == (8, 5)
    for step in (
        "seal",
        "attest",
        "attest_withheld",
        "to_wire",
        "open_wire",
        "open_envelope",
        "open_payload",
    ):
        assert_spread(made, f"{step}_per_second")
    # Three encapsulations of 1,120 bytes, and two more where the signature itself is sealed to both custodians.
    assert 3 * 1120 < made["wire_bytes"] < 8192
    assert made["wire_bytes_withheld"] > made["wire_bytes"] + 2 * 1120


def test_ingest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Submissions of 500 would be sealed for a quarter of a minute.
    monkeypatch.setattr(ingest, "measure_ingest", partial(ingest.measure_ingest, batches=(1, 20)))
    made = bench("ingest", "--records", "40", "--threads", "2", "--rounds", "5", "--folder", str(tmp_path))
    assert (made["threads"], made["rounds"]) == (2, 5)
    assert made["records_per_round"] == {"1": 40, "20": 40}
    # With the round that is not counted.
    assert made["acknowledged"] == 6 * (40 + 40)
    for size in ("1", "20"):
        assert 0 < made["records_per_second_min"][size] <= made["records_per_second"][size]
        assert 0 < made["submission_ms"][size] <= made["submission_ms_max"][size]
        assert made["matcher_cpu_ms_per_record"][size] > 0
    assert made["wire_bytes"]["20"] > made["wire_bytes"]["1"] > 3 * 1120
    assert_spread(made, "sync_ms", cpu=False)
    assert not list(tmp_path.iterdir())


def test_charging(tmp_path: Path) -> None:
    made = bench("charging", "--reads", "1000", "--listed", "1000", "--folder", str(tmp_path))
    assert {name: made[name] for name in ("reads", "listed", "kept", "settled", "opened")} == {
        "reads": 1000,
        "listed": 1000,
        "kept": 47,
        "settled": 42,
        "opened": 5,
    }
    steps = [name for name in made if name.endswith("_cpu_seconds")]
    assert len(steps) == 14
    assert all(made[name] >= 0 for name in steps)
    assert 0 < made["owner_cpu_seconds"] < made["all_cpu_seconds"]
    assert not list(tmp_path.iterdir())


def test_tables_are_printed_without_json() -> None:
    result = CliRunner().invoke(app, ["bench", "pseudonyms", "--inputs", "5", "--rounds", "5"])
    assert result.exit_code == 0
    assert "blind_per_second" in result.stdout
    assert "by processor time" in result.stdout
