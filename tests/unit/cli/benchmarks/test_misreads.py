"""``bench misreads``: its object, that it repeats itself, and that what it measures can be bad."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from blindplate.cli.benchmarks import misread_tally
from blindplate.cli.benchmarks.misread_chart import Curve, draw
from blindplate.cli.benchmarks.misread_comparison import AS_CAMERAS, ENGINES, compare
from blindplate.cli.benchmarks.misreads import MisreadFigures, measure_misreads
from blindplate.cli.main import app
from blindplate.core.plates import MAX_ALTERNATES, AlternateRules, PlateReading, canonicalize

SHARE = {"type": "number", "minimum": 0, "maximum": 1}
COUNT = {"type": "number", "minimum": 0}
SHARES = ("true_hit_rate", "true_hit_rate_with_alternates")
COUNTS = ("false_hits_per_100k", "false_hits_per_100k_with_alternates")
SCHEMA = {
    "type": "object",
    "properties": {
        **{name + end: SHARE for name in SHARES for end in ("", "_low", "_high")},
        **{name + end: COUNT for name in COUNTS for end in ("", "_low", "_high")},
        "alternates_share": SHARE,
        "reads": {"const": 2000},
        "seed": {"const": 3},
        "listed": {"const": 3000},
        "true_hit_rate_by_limit": {"type": "object", "required": ["0", "5"], "additionalProperties": SHARE},
        "machine": {"type": "object", "required": ["cpu", "cores", "python"]},
    },
    "required": [*SHARES, *COUNTS, "reads", "seed", "alternates_share", "listed", "machine", "reads_a_day"],
}


@pytest.fixture(scope="module")
def figures() -> MisreadFigures:
    return measure_misreads(3, 3_000, 6_000)


def test_the_object_has_the_promised_keys() -> None:
    arguments = ["bench", "misreads", "--json", "--seed", "3", "--reads", "2000", "--listed", "3000"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    jsonschema.validate(made, SCHEMA)
    for name in (*SHARES, *COUNTS):
        assert made[name + "_low"] <= made[name] <= made[name + "_high"]


def test_the_same_seed_gives_the_same_figures_and_another_one_others(figures: MisreadFigures) -> None:
    assert measure_misreads(3, 3_000, 6_000) == figures
    assert measure_misreads(4, 3_000, 6_000) != figures


def test_alternates_find_more_and_name_no_fewer_others(figures: MisreadFigures) -> None:
    assert figures.true_hit_rate_with_alternates.value > figures.true_hit_rate.value > 0.9
    assert figures.false_hits_per_100k_with_alternates.value >= figures.false_hits_per_100k.value
    assert 0 < figures.alternates_share < 0.5
    assert figures.misread_share == pytest.approx(0.03, rel=0.3)


def test_the_limit_in_force_is_the_one_of_the_rules(figures: MisreadFigures) -> None:
    assert figures.max_alternates == MAX_ALTERNATES
    assert figures.true_hit_rate_with_alternates == figures.true_hit_rate_by_limit[MAX_ALTERNATES]
    fewer = measure_misreads(3, 3_000, 6_000, rules=AlternateRules(most=1))
    assert fewer.true_hit_rate_with_alternates == figures.true_hit_rate_by_limit[1]


@pytest.mark.parametrize("off", [AlternateRules(most=0), AlternateRules(sources=frozenset())])
def test_without_alternates_there_is_nothing_to_gain(off: AlternateRules, figures: MisreadFigures) -> None:
    without = measure_misreads(3, 3_000, 6_000, rules=off)
    assert without.true_hit_rate_with_alternates == without.true_hit_rate == figures.true_hit_rate
    assert without.false_hits_per_100k_with_alternates == without.false_hits_per_100k
    assert without.alternates_share == without.true_share_of_alternate_hits == 0


def test_canonicalisation_that_merges_vehicles_shows(
    figures: MisreadFigures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a traffic feed once did: every D, 0 and Q taken for O, so that texts no longer tell vehicles apart."""

    def merging(raw: str, country: str | None, *_: object) -> PlateReading:
        merged = raw.translate(str.maketrans("DQVMN", "OOYHH"))
        return PlateReading(canonicalize(merged, country), ())

    monkeypatch.setattr(misread_tally, "read_plates", merging)
    merged = measure_misreads(3, 3_000, 6_000)
    assert merged.true_hit_rate.value < figures.true_hit_rate.value - 0.2


def test_a_comparison_writes_its_rows_and_a_chart(tmp_path: Path) -> None:
    compare(tmp_path, 1, 1_000, 1_000, print)
    rows = json.loads((tmp_path / "misreads.json").read_text())["rows"]
    assert {row["engine"] for row in rows} == set(ENGINES)
    for name, (_, rules) in ENGINES.items():
        assert {row["rules"] for row in rows if row["engine"] == name} == set(rules)
    # Engines differ in what they say, not in what they misread; unless they misread otherwise.
    first = {
        row["engine"]: row["true_hit_rate"]["value"]
        for row in rows
        if row["most"] == 0 and row["rules"] == AS_CAMERAS
    }
    first.pop("confusions unlike the font's")
    assert len(set(first.values())) == 1
    svg = (tmp_path / "misreads.svg").read_text()
    ET.fromstring(svg)
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_a_chart_escapes_names_and_draws_every_limit(figures: MisreadFigures) -> None:
    false = list(figures.false_hits_per_100k_by_limit.values())
    svg = draw([Curve("a<b", [0.03, 0.02], [0, 0.1], false[:2])], 1, "c&d")
    drawn = ET.fromstring(svg)
    texts = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"a<b", "c&d", "0", "1"} <= set(texts)
