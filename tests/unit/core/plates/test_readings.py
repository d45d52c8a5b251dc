"""Alternates: where each comes from, in which order, and what does not become one."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from blindplate.core.errors import PlateError
from blindplate.core.plates import CanonicalPlate, Format, alternates, canonicalize, read_plates
from blindplate.core.plates.grammar import FOLDS
from blindplate.core.plates.readings import (
    CANDIDATES_FROM,
    CROSSED,
    DOUBTED_BELOW,
    LOOKALIKES,
    AlternateRules,
    Source,
)


def texts(plates: tuple[CanonicalPlate, ...]) -> list[str]:
    return [plate.text for plate in plates]


def test_lookalikes_are_symmetric_and_of_one_type() -> None:
    for character, others in LOOKALIKES.items():
        for other in others:
            assert character in LOOKALIKES[other]
            assert character.isdigit() == other.isdigit()
        assert character not in others
        assert len(set(others)) == len(others)
        assert FOLDS.get(character) not in set(others)


@pytest.mark.parametrize("pair", ["DO", "OQ", "VY", "MN", "MW", "NH", "MH", "WH", "38", "17", "37"])
def test_a_pair_the_protocol_names_is_proposed_and_never_folded(pair: str) -> None:
    one, other = (
        (f"A{character}34KLM" if character.isalpha() else f"AK{character}4KLM") for character in pair
    )
    confidences = [0.5 if left != right else 0.99 for left, right in zip(one, other, strict=True)]
    if "Q" not in pair:
        assert canonicalize(one, "GB") != canonicalize(other, "GB")
        assert canonicalize(other, "GB") in alternates(one, "GB", (), confidences)
    else:
        assert texts(alternates("O123ABC", "GB", (), [0.5, *[0.99] * 6])) == ["D123ABC", "Q123ABC"]


def test_spacing_decides_northern_ireland_against_current_and_without_it_both_come() -> None:
    spaced_ni, spaced_gb = read_plates("AX1 4000", "GB"), read_plates("AX14 000", "GB")
    assert (spaced_ni.primary.format, spaced_ni.alternates) == (Format.NI, ())
    assert (spaced_gb.primary.format, spaced_gb.alternates) == (Format.GB_CURRENT, ())
    bare = read_plates("AX14000", "GB")
    assert (bare.primary, *bare.alternates) == (spaced_gb.primary, spaced_ni.primary)


def test_an_owner_of_either_mark_is_met_by_the_bare_text() -> None:
    seen = read_plates("AX14000", None)
    for listed in ("AXI 4000", "AX14 OOO"):
        assert canonicalize(listed, None) in {seen.primary, *seen.alternates}


def test_candidates_without_confidence_come_last_in_the_order_given() -> None:
    candidates = [("AB12CDF", None), ("AB12CDG", None), ("AB12CDH", 0.03)]
    assert texts(alternates("AB12CDE", "GB", candidates)) == ["AB12CDH", "AB12CDF", "AB12CDG"]


def test_candidates_of_equal_confidence_keep_their_order() -> None:
    candidates = [("AB12CDG", 0.5), ("AB12CDF", 0.5)]
    assert texts(alternates("AB12CDE", "GB", candidates)) == ["AB12CDG", "AB12CDF"]


def test_the_primary_among_the_candidates_is_no_alternate_however_written() -> None:
    assert alternates("AB12CDE", "GB", [("ab12 cde", 0.9), ("ABI2CDE", 0.8)]) == ()


def test_structure_comes_before_candidates_and_candidates_before_doubt() -> None:
    reading = read_plates("AX14000", "GB", [("AX14OOD", 0.9)], [0.99, 0.5, *[0.99] * 5])
    assert texts(reading.alternates) == ["AXI4000", "AX14OOD", "AK14OOO"]


def test_doubt_is_shared_out_by_likeness() -> None:
    # 0.4 for Y and half of it for U, against 0.3 for F.
    confidences = [0.99, 0.6, 0.99, 0.99, 0.99, 0.99, 0.7]
    assert texts(alternates("AV34KLE", "GB", (), confidences)) == ["AY34KLE", "AV34KLF", "AU34KLE"]


def test_a_doubted_character_may_be_of_the_other_type_where_that_is_a_mark() -> None:
    assert "AB5123" in texts(alternates("ABS123", "GB", (), [0.99, 0.99, 0.5, 0.99, 0.99, 0.99]))


def test_a_character_read_well_is_not_doubted() -> None:
    assert alternates("AV34KLM", "GB", (), [DOUBTED_BELOW] * 7) == ()


@pytest.mark.parametrize("raw", ["AB12 CDE", "\u6caaAB12CDE"], ids=["spaced", "dropped-sign"])
def test_confidences_for_the_raw_characters_are_aligned(raw: str) -> None:
    confidences = [0.0 if not character.isascii() or character == " " else 0.99 for character in raw]
    assert alternates(raw, "GB", (), confidences) == ()
    confidences[raw.index("D")] = 0.5
    assert texts(alternates(raw, "GB", (), confidences)) == ["AB12COE"]


def test_confidences_for_other_characters_are_left_out_of_account() -> None:
    assert alternates("AV34KLM", "GB", (), [0.1, 0.1]) == ()
    assert alternates("\ufb01 AV34", "FR", (), [0.1] * 7) == ()
    assert alternates("AV 34KLM", "GB", (), [0.1] * 9) == ()


@pytest.mark.parametrize("bad", [-0.1, 1.1, 99.0, math.nan, math.inf])
def test_a_confidence_that_is_no_fraction_is_refused(bad: float) -> None:
    with pytest.raises(PlateError):
        read_plates("AB12CDE", "GB", [("AB12CDF", bad)])
    with pytest.raises(PlateError):
        read_plates("AB12CDE", "GB", (), [bad] * 7)


def test_a_raw_text_that_is_no_plate_is_refused() -> None:
    with pytest.raises(PlateError):
        read_plates("--", "GB", [("AB12CDE", 0.9)])


@pytest.mark.parametrize("candidate", ["", "A" * 17, "AB1?CDE", " " * 65])
def test_a_candidate_that_is_no_plate_is_passed_over(candidate: str) -> None:
    assert texts(alternates("AB12CDE", "GB", [(candidate, 0.9), ("AB12CDF", 0.1)])) == ["AB12CDF"]


def test_a_candidate_that_its_engine_does_not_believe_is_left_out() -> None:
    candidates = [("AB12CDF", CANDIDATES_FROM), ("AB12CDG", CANDIDATES_FROM - 1e-9), ("AB12CDH", None)]
    assert texts(alternates("AB12CDE", "GB", candidates)) == ["AB12CDF", "AB12CDH"]


def test_a_letter_and_a_digit_that_are_never_folded_are_put_right_in_a_text_that_is_no_mark() -> None:
    assert texts(alternates("ABD2CDE", "GB")) == texts(alternates("ABQ2CDE", None)) == ["AB02CDE"]
    assert texts(alternates("ABG2CDE", "GB")) == ["AB62CDE"]
    assert texts(alternates("AB126DE", "GB")) == ["AB12GDE"]
    assert alternates("AB62CDE", "GB") == alternates("ABG2CDE", "FR") == alternates("ABGGCDE", "GB") == ()


def test_crossed_pairs_are_of_two_types_and_never_folded() -> None:
    for letter, digit in CROSSED.items():
        assert letter.isdigit() != digit.isdigit()
        assert FOLDS.get(letter) != digit


def test_rules_say_how_many_and_from_what() -> None:
    candidates, confidences = [("AB12CDF", 0.3), ("AB12CDG", 0.01)], [*[0.99] * 5, 0.6, 0.92]

    def under(**changed: object) -> list[str]:
        rules = replace(AlternateRules(), **changed)  # type: ignore[arg-type]  # whichever field a case names
        return texts(read_plates("AB12CDE", "GB", candidates, confidences, rules).alternates)

    assert under() == ["AB12CDF", "AB12COE"]
    assert under(most=1) == ["AB12CDF"]
    assert under(most=0) == under(sources=frozenset()) == []
    assert under(candidates_from=0.0) == ["AB12CDF", "AB12CDG", "AB12COE"]
    assert under(sources=frozenset({Source.LIKENESS}), doubted_below=0.95) == ["AB12COE", "AB12CDF"]
    assert under(doubted_below=0.5) == ["AB12CDF"]


def test_a_screw_between_two_ones_is_proposed_where_the_text_is_no_mark() -> None:
    assert texts(alternates("ABHCDE", "GB")) == ["AB11CDE"]
    assert texts(alternates("ABHCDE", None)) == ["AB11CDE"]
    assert alternates("ABCDHE", "GB") == ()
    assert alternates("ABHCDE", "FR") == ()


def test_a_mark_with_a_clear_h_proposes_no_screw() -> None:
    assert alternates("AH12", "GB") == ()
    assert texts(alternates("AH12", "GB", (), [0.99, 0.5, 0.99, 0.99]))[0] == "A1112"


def test_a_foreign_doubt_is_proposed_under_its_country() -> None:
    (other,) = alternates("AB123CE", "FR", (), [*[0.99] * 6, 0.5])
    assert (other.country, other.format, other.text) == ("FR", Format.VERBATIM, "AB123CF")


def test_a_doubt_of_unknown_country_is_proposed_only_as_a_mark() -> None:
    assert texts(alternates("O123ABC", None, (), [0.5, *[0.99] * 6])) == ["D123ABC", "Q123ABC"]


def test_a_folded_text_of_unknown_country_may_be_foreign() -> None:
    (other,) = alternates("AB125CD", None)
    assert (other.country, other.text) == ("ZZ", "AB125CD")
    assert alternates("AB125CD", "GB") == ()
