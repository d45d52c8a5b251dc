"""Random marks of every format, drawn from the text of docs/spec/plates.md and not from the grammar's own tables."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from blindplate.core.plates import Format

_GB: Final = "[A-HJ-PR-Y]"
_YEAR: Final = "[A-HJ-NPR-TV-Y]"
_NI_CODE: Final = "([A-HJ-PR-Y]Z|I[ABGJLW]|[JOUX]I)"
PATTERNS: Final = {
    Format.GB_CURRENT: f"{_GB}{{2}}[0-9]{{2}}[A-HJ-PR-Z]{{3}}",
    Format.GB_PREFIX: f"{_YEAR}[1-9][0-9]{{0,2}}{_GB}{{3}}",
    Format.GB_SUFFIX: f"{_GB}{{3}}[1-9][0-9]{{0,2}}{_YEAR}",
    Format.GB_DATELESS: (
        f"({_GB}{{1,2}}[1-9][0-9]{{0,3}}|{_GB}{{3}}[1-9][0-9]{{0,2}}"
        f"|[1-9][0-9]{{0,3}}{_GB}{{1,2}}|[1-9][0-9]{{0,2}}{_GB}{{3}})"
    ),
    Format.NI: f"(({_GB}?{_NI_CODE}|QNI)[1-9][0-9]{{0,3}}|[1-9][0-9]{{0,3}}{_NI_CODE})",
    Format.GB_Q: f"Q[1-9][0-9]{{0,2}}{_GB}{{3}}",
    Format.GB_TRADE: f"([0-9]{{5}}|0[0-9]{{2}}{_GB}{{1,3}})",
    Format.GB_MILITARY: "([A-HJ-Z]{2}[0-9]{2}[A-HJ-Z]{2}|[0-9]{2}[A-HJ-Z]{2}[0-9]{2})",
    Format.GB_DIPLOMATIC: "[1-9][0-9]{2}[DX][1-9][0-9]{2}",
}


def marks_of(format_: Format) -> st.SearchStrategy[str]:
    return st.from_regex(PATTERNS[format_], fullmatch=True)


def any_marks() -> st.SearchStrategy[str]:
    return st.one_of([marks_of(format_) for format_ in PATTERNS])


def plate_characters(longest: int = 16) -> st.SearchStrategy[str]:
    """Texts of A-Z and 0-9, rich in confusables."""
    return st.text(st.sampled_from("0O1I2Z5S8BABCDHKNQXUVJ34679"), min_size=1, max_size=longest)
