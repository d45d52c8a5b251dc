"""Texts in statements: one line, readable as it stands, and never nothing; and what a grant has to say in any case."""

from __future__ import annotations

import json
import unicodedata
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from blindplate.core.errors import MessageError
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.model import Text
from tests.unit.core.ledger.entering import GRANT

TEXT: TypeAdapter[str] = TypeAdapter(Text)


@given(st.text(max_size=50), st.characters(categories=["Cc", "Zl", "Zp"]), st.text(max_size=50))
def test_no_text_holds_a_control_character_or_a_line_end(before: str, control: str, after: str) -> None:
    with pytest.raises(ValidationError, match="control character"):
        TEXT.validate_python(before + "a" + control + after)


@pytest.mark.parametrize("mark", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
def test_no_text_is_turned_round(mark: str) -> None:
    with pytest.raises(ValidationError, match="reorders"):
        TEXT.validate_python(f"not {mark} so")


@given(st.text(st.characters(categories=["Zs"]), min_size=1, max_size=20))
def test_spaces_of_any_kind_are_no_text(spaces: str) -> None:
    with pytest.raises(ValidationError, match="nothing that can be seen"):
        TEXT.validate_python(spaces)


@pytest.mark.parametrize(
    "mark", "\u00ad\u034f\u115f\u200b\u200d\u2060\u2800\u3164\ufe0f\ufeff\uffa0\U000e0041"
)
def test_marks_that_show_nothing_are_no_text(mark: str) -> None:
    with pytest.raises(ValidationError, match="nothing that can be seen"):
        TEXT.validate_python(f" {mark}")


@given(st.text(st.characters(categories=["L", "N", "P", "Sc", "Sm", "Zs"]), min_size=1, max_size=50))
def test_what_people_write_is_taken_as_it_is(text: str) -> None:
    # U+FFA0 and its kin are letters by their category, and show nothing.
    written = "a" + text
    assert TEXT.validate_python(written) == written
    assert all(unicodedata.category(one) not in ("Cc", "Zl", "Zp") for one in written)


def _refused(**fields: Any) -> None:
    payload = json.loads(GRANT.model_dump_json()) | fields
    with pytest.raises(MessageError):
        Grant.parsed(json.dumps(payload).encode())


@pytest.mark.parametrize("which", ["privacy_assessment", "equality_assessment"])
def test_a_grant_with_an_empty_assessment_is_refused(which: str) -> None:
    _refused(**{which: {"address": "https://police.example/none.pdf", "sha256": sha256().hexdigest()}})


def test_a_grant_with_one_document_as_both_assessments_is_refused() -> None:
    paper = json.loads(GRANT.model_dump_json())["privacy_assessment"]
    _refused(equality_assessment=paper | {"address": "https://police.example/again.pdf"})


def test_a_grant_that_asks_for_no_officer_is_refused() -> None:
    _refused(release=json.loads(GRANT.release.model_dump_json()) | {"officers": 0})


@pytest.mark.parametrize("field", ["owner", "purpose", "lawful_basis", "consultation", "decision"])
def test_a_grant_with_a_blank_text_is_refused(field: str) -> None:
    _refused(**{field: " "})
