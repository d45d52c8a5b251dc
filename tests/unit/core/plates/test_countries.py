"""``country_code`` against ISO 3166-1 as the time zone database ships it."""

from __future__ import annotations

from importlib import resources

import pytest

from blindplate.core.plates import UNKNOWN_COUNTRY, country_code
from blindplate.core.plates.countries import _ASSIGNED, _CODES


def test_assigned_codes_are_those_of_iso_3166_and_kosovo() -> None:
    table = resources.files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8")
    listed = {line.split("\t")[0] for line in table.splitlines() if line and not line.startswith("#")}
    assert listed | {"XK"} == _ASSIGNED
    assert len(listed) == 249


def test_no_other_name_is_an_assigned_code() -> None:
    """Else ``ni`` (Nicaragua) or ``al`` would depend on which table is asked first."""
    assert _ASSIGNED.isdisjoint(_CODES)
    assert set(_CODES.values()) <= _ASSIGNED


@pytest.mark.parametrize("code", sorted(_ASSIGNED)[::12])
def test_a_code_is_itself_in_every_dress(code: str) -> None:
    for dress in (code, code.lower(), f" {code} ", f"eu-{code}", f"{code}-xyz", f"EU_{code.lower()}"):
        assert country_code(dress) == code


def test_unknown_country_is_no_assigned_code() -> None:
    assert UNKNOWN_COUNTRY not in _ASSIGNED
    assert country_code(UNKNOWN_COUNTRY) == UNKNOWN_COUNTRY


@pytest.mark.parametrize("text", [None, "", "eu", "unknown", "n/a", "??", "826", "G B", "\u0130E", "gb" * 40])
def test_what_names_no_country_is_unknown(text: str | None) -> None:
    assert country_code(text) is None
