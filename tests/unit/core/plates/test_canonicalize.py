"""``canonicalize``: refusals, countries, and that owners and cameras meet. The rest is in the vectors."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given, settings

from blindplate.core.errors import PlateError
from blindplate.core.plates import SCHEME_VERSION, Format, canonicalize, read_plates
from blindplate.core.plates.canonical import written
from tests.unit.core.plates.marks import any_marks


@pytest.mark.parametrize(
    "raw",
    ["SECRETPLATE12345X", "SECRET" + " " * 60, "SECRET?", "SECRET*1", "SECRET%", "\u0391\u0392 SECRET?"],
    ids=["seventeen", "sixty-six", "question-mark", "asterisk", "percent", "greek"],
)
def test_no_refusal_shows_the_plate(raw: str) -> None:
    with pytest.raises(PlateError) as caught:
        canonicalize(raw, "GB")
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + str(caught.value.args)
    assert "SECRET" not in shown.replace("test_canonicalize", "")
    assert caught.value.code == "plate"
    assert caught.value.__context__ is None


@pytest.mark.parametrize("raw", ["", " ", "\U0001f697", "\u2014", "\u0416\u0429", "\ud800"])
def test_nothing_left_is_refused(raw: str) -> None:
    with pytest.raises(PlateError):
        canonicalize(raw, None)


def test_sixty_four_characters_are_taken_and_sixty_five_are_not() -> None:
    assert canonicalize("AB12CDE".rjust(64), "GB").text == "AB12CDE"
    with pytest.raises(PlateError):
        canonicalize("AB12CDE".rjust(65), "GB")


def test_sixteen_characters_are_taken_and_seventeen_are_not() -> None:
    assert canonicalize("A" * 16, "GB").text == "A" * 16
    with pytest.raises(PlateError):
        canonicalize("A" * 17, "GB")


@settings(max_examples=50)
@given(any_marks())
def test_owner_and_camera_agree_on_every_mark(mark: str) -> None:
    listed = canonicalize(f" {mark.lower()} ", None)
    assert listed == canonicalize(mark, "GB") == read_plates(mark, "eu-gb").primary
    assert listed.version == SCHEME_VERSION


@pytest.mark.parametrize("country", ["GB", "gb", "uk", "GBR", "eu-gb", "gb-nir", None, "", "unknown"])
def test_every_name_for_britain_gives_one_plate(country: str | None) -> None:
    assert canonicalize("AXI 4000", country).encode() == canonicalize("AXI4000", "GB").encode()


def test_unknown_country_never_meets_a_known_one() -> None:
    known, unknown = canonicalize("191-D-12345", "IE"), canonicalize("191-D-12345", None)
    assert (known.country, unknown.country) == ("IE", "ZZ")
    assert known.encode() != unknown.encode()


def test_folding_does_not_reach_into_other_countries() -> None:
    assert canonicalize("ABI2CDE", "FR").text == "ABI2CDE"
    assert canonicalize("ABI2CDE", "JE").format is Format.VERBATIM


def test_cleaning_remembers_separators_and_places_without_showing_the_text() -> None:
    cleaned = written(" ax14 ooo\n")
    assert (cleaned.text, cleaned.cuts, cleaned.kept) == ("AX14OOO", frozenset({4}), (1, 2, 3, 4, 6, 7, 8))
    assert "AX14OOO" not in repr(cleaned)


def test_cleaning_gives_no_places_when_normalising_changed_the_length() -> None:
    assert written("\ufb01 12").kept == ()
