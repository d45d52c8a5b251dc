"""The search for plates finds what is planted, in every form, at every offset, and nothing else."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.cli.demonstration import search
from blindplate.cli.demonstration.search import PlateSearch, files_below, plant_canary

PLATE = "AB12CDE"
SEARCH = PlateSearch([PLATE])
FORMS: dict[str, Callable[[bytes], bytes]] = {
    "text": lambda pad: pad + PLATE.encode() + pad,
    "lower case, spaced": lambda pad: pad + b"ab12 cde" + pad,
    "utf-16": lambda pad: pad + PLATE.encode("utf-16-le") + pad,
    "utf-16, big endian": lambda pad: pad + PLATE.encode("utf-16-be") + pad,
    "hexadecimal": lambda pad: (pad + PLATE.encode() + pad).hex().encode(),
    "base64": lambda pad: base64.b64encode(pad + PLATE.encode() + pad),
    "base64, for addresses": lambda pad: base64.urlsafe_b64encode(pad + PLATE.lower().encode() + pad),
}


@pytest.mark.parametrize("form", FORMS)
@given(pad=st.binary(max_size=5))
def test_a_plate_is_found_in_any_form_at_any_offset(form: str, pad: bytes) -> None:
    assert list(SEARCH.content(FORMS[form](pad)))


@pytest.mark.parametrize("form", FORMS)
def test_another_plate_is_not_found(form: str) -> None:
    assert list(PlateSearch(["AC12CDE"]).content(FORMS[form](b""))) == []


def test_random_bytes_hold_no_plate() -> None:
    assert list(SEARCH.content(os.urandom(1 << 20))) == []


def test_digits_of_a_digest_are_no_plate_but_a_plate_beside_text_is() -> None:
    searching = PlateSearch(["BAF640"])
    assert list(searching.content(b"c5ad385baf64008a322ab978e4b3")) == []
    assert list(searching.content(b"plate=baf640;")) == ["text"]


def test_base64_of_other_bytes_that_shares_the_digits_a_plate_decides_is_no_plate() -> None:
    searching = PlateSearch(["AB12CD"])
    digits = base64.b64encode(b"\x00AB12CD")
    other = base64.b64decode(digits[:1] + b"f" + digits[2:])
    assert list(searching.content(b'"' + digits + b'"')) == ["base64"]
    assert b"AB12CD" not in other
    assert list(searching.content(b'"' + base64.b64encode(other) + b'"')) == []


def test_a_plate_across_the_border_of_two_pieces_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_CHUNK", 1024)
    path = tmp_path / "file"
    path.write_bytes(b"\x00" * 1020 + PLATE.encode() + b"\x00" * 1020)
    assert [finding.form for finding in SEARCH.file(path)] == ["text"]


def test_every_canary_is_found(tmp_path: Path) -> None:
    planted = plant_canary(tmp_path, PLATE)
    found = {finding.path for finding in SEARCH.files(planted)}
    assert found == set(planted)
    assert len(planted) > 20


def test_files_made_while_others_are_looked_at_are_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    for name in ("a", "b", "inputs/c"):
        (tmp_path / name).touch()
    seen: list[str] = []
    for path in files_below(tmp_path, tmp_path / "inputs"):
        seen.append(path.name)
        if path.name == "a":
            (tmp_path / "b").unlink()
            (tmp_path / "later").touch()
    assert seen == ["a", "b", "later"]
