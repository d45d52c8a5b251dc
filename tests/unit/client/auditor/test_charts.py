"""Charts: what is drawn is as long as its number says, and any text and any numbers make a drawing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.client.auditor.charts import Line, Series, bars, columns, lines
from tests.unit.client.auditor.pages import Element, parse

COUNTS = st.lists(st.lists(st.integers(0, 10**7), min_size=3, max_size=3), max_size=40)


def drawn(svg: str) -> Element:
    """The drawing's element."""
    return parse(f"<!DOCTYPE html>{svg}").one("svg")


def lengths(svg: str, name: str) -> dict[str, float]:
    """How long each rectangle is, by its title."""
    return {one.one("title").text: float(one.attributes[name]) for one in drawn(svg).all("rect")}


def series_of(rows: list[list[int]]) -> tuple[list[str], list[Series]]:
    """Labels, and three series over them."""
    return (
        [f"label {at}" for at in range(len(rows))],
        [Series(f"series {number}", [row[number] for row in rows]) for number in range(3)],
    )


@settings(max_examples=60)
@given(COUNTS)
def test_columns_are_as_high_as_their_numbers_and_stay_in_the_drawing(rows: list[list[int]]) -> None:
    labels, series = series_of(rows)
    svg = columns("one", "Title", "Text", labels, series)
    heights = lengths(svg, "height")
    most = max((sum(row) for row in rows), default=0)
    for at, row in enumerate(rows):
        for number, value in enumerate(row):
            height = heights.pop(f"label {at}, series {number}: {value:,}", None)
            assert (height is None) == (value == 0)
            if height is not None:
                assert height <= 208.05
                assert height == pytest.approx(208 * value / ceiling(svg), abs=0.06)
    assert heights == {}
    assert most <= ceiling(svg) <= max(2 * most, 4)
    for one in drawn(svg).all("rect"):
        assert float(one.attributes["y"]) >= 11.9
        assert 0 <= float(one.attributes["x"]) <= 720 - float(one.attributes["width"])


def ceiling(svg: str) -> int:
    """The number at the highest line of the grid."""
    marks = [one.text.replace(",", "") for one in drawn(svg).all("text")]
    return max(int(mark) for mark in marks if mark.isdecimal())


@settings(max_examples=60)
@given(COUNTS)
def test_bars_are_as_long_as_their_numbers_and_bear_their_totals(rows: list[list[int]]) -> None:
    labels, series = series_of(rows)
    svg = bars("one", "Title", "Text", labels, series)
    widths = lengths(svg, "width")
    most = max([1, *(sum(row) for row in rows)])
    for at, row in enumerate(rows):
        for number, value in enumerate(row):
            assert widths.pop(f"label {at}, series {number}: {value:,}", 0) == pytest.approx(
                430 * value / most, abs=0.06
            )
    assert widths == {}
    texts = [one.text for one in drawn(svg).all("text")]
    assert texts[1::2] == [f"{sum(row):,}" for row in rows]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**7)), max_size=20))
def test_lines_stay_in_the_drawing(points: list[tuple[int, int]]) -> None:
    points.sort()
    svg = lines("one", "Title", "Text", [Line("a", points)] if points else [], ("first", "last"))
    for path in drawn(svg).all("path"):
        for command, numbers in re.findall(r"([MHV])([\d.,-]+)", path.attributes["d"]):
            parts = [float(part) for part in numbers.split(",")]
            x, y = {"M": parts, "H": [*parts, 100.0], "V": [100.0, *parts]}[command]
            assert 64 <= x <= 712
            assert 11.9 <= y <= 220.1


@pytest.mark.parametrize("draw", [columns, bars])
def test_texts_are_escaped_wherever_they_go(draw: object) -> None:
    hostile = '</text><script>"&'
    assert callable(draw)
    svg = str(draw("one", hostile, hostile, [hostile], [Series(hostile, [3])]))
    assert "<script" not in svg
    assert sum(hostile in one.text for one in drawn(svg).all("title", "desc", "text")) >= 3
    svg = lines("one", hostile, hostile, [Line(hostile, [(1, 2)])], (hostile, hostile))
    assert "<script" not in svg
    assert drawn(svg).one("path").text == hostile


def test_a_name_too_long_to_stand_beside_its_bar_is_cut_there_and_whole_in_the_title() -> None:
    name = "the-police-of-a-county-with-a-very-long-name"
    svg = bars("one", "Title", "Text", [name], [Series("released", [1])])
    assert [one.text for one in drawn(svg).all("text")] == ["the-police-of-a-county-wi…", "1"]
    assert drawn(svg).one("rect").text == f"{name}, released: 1"


def test_only_so_many_labels_stand_below_columns_as_can_be_read() -> None:
    days = [f"2025-03-{day:02}" for day in range(1, 32)]
    svg = columns("one", "Title", "Text", days, [Series("a", [1] * 31)])
    assert [one.text for one in drawn(svg).all("text") if one.text.startswith("2025")] == days[::4]
