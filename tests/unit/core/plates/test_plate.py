"""``CanonicalPlate``: only canonical ones exist, their encoding is theirs alone, and nothing prints them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core import plates
from blindplate.core.errors import PlateError
from blindplate.core.plates import CanonicalPlate, Format, canonicalize, read_plates
from tests.unit.core.plates.marks import any_marks, plate_characters

PLATE = CanonicalPlate(1, "GB", Format.GB_CURRENT, "AB12CDE")


def test_exported_names() -> None:
    assert sorted(plates.__all__) == [
        *[
            "AlternateRules",
            "CanonicalPlate",
            "DEFAULT_RULES",
            "Format",
            "MAX_ALTERNATES",
            "PlateReading",
            "SCHEME_VERSION",
        ],
        *["Source", "UNKNOWN_COUNTRY", "alternates", "canonicalize", "country_code", "read_plates"],
    ]
    assert all(hasattr(plates, name) for name in plates.__all__)


@pytest.mark.parametrize(
    ("version", "country", "format_", "text"),
    [
        pytest.param(0, "GB", Format.GB_CURRENT, "AB12CDE", id="version-0"),
        pytest.param(2, "GB", Format.GB_CURRENT, "AB12CDE", id="version-2"),
        pytest.param(1, "UK", Format.GB_CURRENT, "AB12CDE", id="country-not-iso"),
        pytest.param(1, "gb", Format.GB_CURRENT, "AB12CDE", id="country-lower-case"),
        pytest.param(1, "GBR", Format.GB_CURRENT, "AB12CDE", id="country-alpha-3"),
        pytest.param(1, "", Format.GB_CURRENT, "AB12CDE", id="country-empty"),
        pytest.param(1, "FR", Format.GB_CURRENT, "AB12CDE", id="gb-format-abroad"),
        pytest.param(1, "GB", Format.GB_PREFIX, "AB12CDE", id="other-format"),
        pytest.param(1, "GB", Format.VERBATIM, "AB12CDE", id="verbatim-mark"),
        pytest.param(1, "GB", Format.GB_CURRENT, "ABI2CDE", id="not-folded"),
        pytest.param(1, "GB", Format.VERBATIM, "ABI2CDE", id="verbatim-that-folds"),
        pytest.param(1, "GB", Format.VERBATIM, "", id="empty"),
        pytest.param(1, "GB", Format.VERBATIM, "A" * 17, id="seventeen"),
        pytest.param(1, "GB", Format.GB_CURRENT, "ab12cde", id="lower-case"),
        pytest.param(1, "GB", Format.GB_CURRENT, "AB12 CDE", id="spaced"),
        pytest.param(1, "GB", Format.GB_CURRENT, "AB12CDE\n", id="newline"),
        pytest.param(1, "GB", Format.GB_CURRENT, "AB1\u0662CDE", id="foreign-digit"),
    ],
)
def test_what_is_not_canonical_does_not_exist(version: int, country: str, format_: Format, text: str) -> None:
    with pytest.raises(PlateError):
        CanonicalPlate(version, country, format_, text)


def test_encoding_is_the_specified_bytes() -> None:
    fields = [b"blindplate-v1", b"plate", b"\x01", b"GB", b"\x01", b"AB12CDE"]
    assert PLATE.encode() == b"".join(len(field).to_bytes(4, "big") + field for field in fields)


@settings(max_examples=100)
@given(st.one_of(any_marks(), plate_characters()), st.sampled_from(["GB", "FR", "ZZ"]))
def test_decode_undoes_encode(text: str, country: str) -> None:
    plate = canonicalize(text, country)
    assert CanonicalPlate.decode(plate.encode()) == plate


@settings(max_examples=100)
@given(any_marks(), st.data())
def test_no_changed_byte_decodes_to_the_same_plate(mark: str, data: st.DataObject) -> None:
    plate = canonicalize(mark, "GB")
    encoded = bytearray(plate.encode())
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        decoded = CanonicalPlate.decode(bytes(encoded))
    except PlateError:
        return
    assert decoded != plate
    assert decoded.encode() == bytes(encoded)


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_plate_or_a_plate_error(encoded: bytes) -> None:
    with pytest.raises(PlateError):
        CanonicalPlate.decode(encoded)


def test_country_and_format_tell_plates_apart() -> None:
    alike = {canonicalize("AB12CDE", country).encode() for country in ("GB", "FR", "ZZ", "IE")}
    assert len(alike) == 4


def test_equal_plates_are_one_key() -> None:
    assert {PLATE: 1}[canonicalize("ab12 cde", "uk")] == 1


@pytest.mark.parametrize("shown", [repr, str, "{}".format, "{!s}".format, "%s".__mod__, ascii])
def test_printing_a_plate_shows_nothing_of_it(shown: Callable[[object], str]) -> None:
    text = shown(PLATE)
    assert text == "CanonicalPlate(version=1, country='GB', format=GB_CURRENT)"
    assert PLATE.text not in text


def test_printing_a_reading_shows_nothing_of_its_plates() -> None:
    reading = read_plates("AX14000", None, [("AB12CDE", 0.5)])
    assert len(reading.alternates) == 3
    for text in ("AX14OOO", "AXI4000", "AX14000", "AB12CDE"):
        assert text not in repr(reading)


def test_a_plate_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        PLATE.text = "AB12CDF"  # type: ignore[misc]  # that it is read-only is what is tested


def test_copies_are_equal() -> None:
    assert copy.deepcopy(PLATE) == pickle.loads(pickle.dumps(PLATE)) == PLATE
