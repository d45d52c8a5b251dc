"""The published vectors: the code agrees with each, and they are what their generator writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from blindplate.core.errors import PlateError
from blindplate.core.plates import CanonicalPlate, Format, canonicalize, country_code, read_plates
from tools.generate_plate_vectors import main, render

FOLDER: Final = Path(__file__).parents[3] / "vectors"
VECTORS: Final[dict[str, Any]] = json.loads((FOLDER / "plates-v1.json").read_text(encoding="ascii"))
SCHEMA: Final[dict[str, Any]] = json.loads(
    (FOLDER / "schemas" / VECTORS["schema"]).read_text(encoding="ascii")
)


def vectors_of(kind: str) -> list[Any]:
    groups = [group["tests"] for group in VECTORS["testGroups"] if group["type"] == kind]
    return [pytest.param(test, id=f"{test['tcId']}-{test['flags'][0]}") for tests in groups for test in tests]


def plate_of(expected: dict[str, Any]) -> CanonicalPlate:
    return CanonicalPlate(
        expected["version"], expected["country"], Format[expected["format"]], expected["text"]
    )


@pytest.mark.parametrize("test", vectors_of("PlateCanonicalize"))
def test_canonicalize_agrees(test: dict[str, Any]) -> None:
    if test["result"] == "invalid":
        with pytest.raises(PlateError):
            canonicalize(test["raw"], test["country"])
        return
    plate = canonicalize(test["raw"], test["country"])
    assert plate == plate_of(test["plate"])
    assert plate.encode().hex() == test["plate"]["encoded"]
    assert CanonicalPlate.decode(plate.encode()) == plate


@pytest.mark.parametrize("test", vectors_of("PlateRead"))
def test_read_agrees(test: dict[str, Any]) -> None:
    candidates = [(candidate["text"], candidate["confidence"]) for candidate in test["candidates"]]
    reading = read_plates(test["raw"], test["country"], candidates, test["charConfidences"])
    assert reading.primary.encode().hex() == test["primary"]["encoded"]
    assert [plate.encode().hex() for plate in reading.alternates] == [
        plate["encoded"] for plate in test["alternates"]
    ]


@pytest.mark.parametrize("test", vectors_of("PlateDecode"))
def test_decode_refuses(test: dict[str, Any]) -> None:
    with pytest.raises(PlateError):
        CanonicalPlate.decode(bytes.fromhex(test["encoded"]))


@pytest.mark.parametrize("test", vectors_of("PlateCountry"))
def test_country_agrees(test: dict[str, Any]) -> None:
    assert country_code(test["text"]) == test["code"]


def test_file_fits_its_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(VECTORS)


@pytest.mark.parametrize("change", [{"unknown": 1}, {"result": "maybe"}, {"flags": []}, {"tcId": 0}])
def test_schema_refuses_a_test_of_another_shape(change: dict[str, Any]) -> None:
    first = VECTORS["testGroups"][0]
    broken = {**VECTORS, "testGroups": [{**first, "tests": [{**first["tests"][0], **change}]}]}
    assert not Draft202012Validator(SCHEMA).is_valid(broken)


def test_ids_count_up_and_every_flag_is_noted_and_used() -> None:
    tests = [test for group in VECTORS["testGroups"] for test in group["tests"]]
    assert [test["tcId"] for test in tests] == list(range(1, VECTORS["numberOfTests"] + 1))
    assert {flag for test in tests for flag in test["flags"]} == set(VECTORS["notes"])


def test_file_is_what_the_generator_writes() -> None:
    assert (FOLDER / "plates-v1.json").read_text(encoding="ascii") == render()


def test_generator_writes_and_checks(tmp_path: Path) -> None:
    target = tmp_path / "plates.json"
    assert main(["--output", str(target)]) == 0
    assert main(["--check", "--output", str(target)]) == 0
    target.write_text(target.read_text(encoding="ascii").replace("AB12CDE", "AB12CDF", 1), encoding="ascii")
    assert main(["--check", "--output", str(target)]) == 1
