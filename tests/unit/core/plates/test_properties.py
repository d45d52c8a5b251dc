"""Properties of canonicalisation that everything built on it relies on."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from blindplate.core.errors import PlateError
from blindplate.core.plates import MAX_ALTERNATES, CanonicalPlate, Format, canonicalize, read_plates
from blindplate.core.plates.grammar import FOLDS
from tests.unit.core.plates.marks import any_marks, marks_of, plate_characters

COUNTRIES = st.sampled_from([None, "GB", "ZZ", "FR", "uk", "unknown", "eu-gb"])
SEPARATORS = st.sampled_from(["", "", "", " ", "-", "\u00b7", "\n"])


@st.composite
def raw_texts(draw: st.DrawFn) -> str:
    """Plate characters or a mark, with separators anywhere, in either case."""
    text = draw(st.one_of(plate_characters(), any_marks()))
    spaced = "".join(character + draw(SEPARATORS) for character in text)
    return spaced.lower() if draw(st.booleans()) else spaced


@settings(max_examples=100)
@given(raw_texts(), COUNTRIES)
def test_canonicalising_twice_changes_nothing(raw: str, country: str | None) -> None:
    plate = canonicalize(raw, country)
    assert canonicalize(plate.text, plate.country) == plate


@settings(max_examples=100)
@given(st.text(max_size=70), COUNTRIES)
def test_any_text_is_a_plate_or_a_plate_error(raw: str, country: str | None) -> None:
    try:
        plate = canonicalize(raw, country)
    except PlateError:
        return
    assert canonicalize(plate.text, plate.country) == plate
    assert CanonicalPlate.decode(plate.encode()) == plate


@settings(max_examples=100)
@given(marks_of(Format.GB_CURRENT), marks_of(Format.GB_CURRENT), SEPARATORS, COUNTRIES)
def test_two_current_marks_never_meet(one: str, other: str, separator: str, country: str | None) -> None:
    assume(one != other)
    spaced = other[:4] + separator + other[4:]
    assert canonicalize(one, country).encode() != canonicalize(spaced, country).encode()


@settings(max_examples=100)
@given(marks_of(Format.GB_CURRENT), st.integers(0, 6))
def test_a_confusable_never_makes_one_current_mark_another(mark: str, index: int) -> None:
    """The nearest neighbours of all: a misread mark is the mark, stands itself, or is of another format."""
    misread = mark[:index] + FOLDS.get(mark[index], mark[index]) + mark[index + 1 :]
    plate = canonicalize(misread, "GB")
    assert plate.format is not Format.GB_CURRENT or plate.text in {mark, misread}


@settings(max_examples=100)
@given(any_marks(), any_marks())
def test_two_marks_of_any_format_never_meet(one: str, other: str) -> None:
    assume(one != other)
    assert canonicalize(one, "GB").encode() != canonicalize(other, None).encode()


@settings(max_examples=100)
@given(raw_texts(), st.sampled_from(["FR", "DE", "ZZ", "JE"]))
def test_a_foreign_text_is_never_changed(raw: str, country: str) -> None:
    plate = canonicalize(raw, country)
    kept = "".join(character for character in raw.upper() if character.isascii() and character.isalnum())
    assert (plate.country, plate.format, plate.text) == (country, Format.VERBATIM, kept)


@settings(max_examples=100)
@given(raw_texts(), COUNTRIES)
def test_folding_keeps_length_and_swaps_letter_and_digit_alone(raw: str, country: str | None) -> None:
    plate = canonicalize(raw, country)
    kept = canonicalize(raw, "ZZ").text
    assert all(
        read == canonical or FOLDS.get(read) == canonical
        for read, canonical in zip(kept, plate.text, strict=True)
    )


@settings(max_examples=100)
@given(
    raw_texts(),
    COUNTRIES,
    st.lists(st.tuples(raw_texts() | st.text(max_size=20), st.none() | st.floats(0, 1)), max_size=6),
    st.lists(st.floats(0, 1), max_size=10),
)
def test_alternates_are_few_distinct_and_canonical(
    raw: str,
    country: str | None,
    candidates: list[tuple[str, float | None]],
    confidences: list[float],
) -> None:
    reading = read_plates(raw, country, candidates, confidences)
    assert reading.primary == canonicalize(raw, country)
    assert reading.primary not in reading.alternates
    assert len(set(reading.alternates)) == len(reading.alternates) <= MAX_ALTERNATES
    assert all(canonicalize(plate.text, plate.country) == plate for plate in reading.alternates)
    assert read_plates(raw, country, candidates, confidences) == reading


@settings(max_examples=100)
@given(raw_texts(), st.data())
def test_one_read_has_confidences_for_every_character(raw: str, data: st.DataObject) -> None:
    kept = canonicalize(raw, "ZZ").text
    confidences = data.draw(st.lists(st.floats(0, 1), min_size=len(kept), max_size=len(kept)))
    reading = read_plates(raw, "GB", (), confidences)
    assert all(plate.format is not Format.VERBATIM for plate in reading.alternates)
