"""Charts as SVG text: stacked columns, bars, and lines over time.

Guarantees that a chart needs no script and nothing from elsewhere, that it bears a title and a description for who does
not see it, and that it takes its colours from the page (classes ``s1`` to ``s4``), so that it can be read by day and by
night. The page sets a table of the same numbers beside each: no number is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from markupsafe import Markup, escape

_WIDTH: Final = 720
_HEIGHT: Final = 260
_LEFT: Final = 64
_RIGHT: Final = 8
_TOP: Final = 12
_BOTTOM: Final = 40
_ROW: Final = 28
_NAMES: Final = 200
_VALUES: Final = 90
_MOST_LABELS: Final = 8
_MOST_LETTERS: Final = 26


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of thing counted, a value for each label."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing over time: (moment, value) from left to right, each value lasting until the next."""

    name: str
    points: Sequence[tuple[int, int]]


def columns(
    name: str, title: str, description: str, labels: Sequence[str], series: Sequence[Series]
) -> Markup:
    """Stacked columns, one a label; ``name`` is unique on the page."""
    totals = [sum(one.values[at] for one in series) for at in range(len(labels))]
    top = _ceiling(max(totals, default=0))
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(labels), 1)
    width = min(step * 0.8, 48.0)
    parts = [_grid(top)]
    for at, label in enumerate(labels):
        left = _LEFT + at * step + (step - width) / 2
        below = 0
        for number, one in enumerate(series, 1):
            value = one.values[at]
            if value:
                y, height = _y(below + value, top), _y(below, top) - _y(below + value, top)
                parts.append(
                    f'<rect class="s{number}" x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}">'
                    f"<title>{escape(label)}, {escape(one.name)}: {value:,}</title></rect>"
                )
            below += value
        if at % ceil(len(labels) / _MOST_LABELS) == 0:
            parts.append(_text(left + width / 2, _HEIGHT - _BOTTOM + 18, label, "middle"))
    return _svg(name, title, description, _HEIGHT, parts)


def bars(name: str, title: str, description: str, labels: Sequence[str], series: Sequence[Series]) -> Markup:
    """Stacked bars, one a label, each with its total beside it."""
    totals = [sum(one.values[at] for one in series) for at in range(len(labels))]
    scale = (_WIDTH - _NAMES - _VALUES) / max([*totals, 1])
    parts: list[str] = []
    for at, label in enumerate(labels):
        y, left = at * _ROW + 4, float(_NAMES)
        parts.append(_text(_NAMES - 8, y + 15, _short(label), "end"))
        for number, one in enumerate(series, 1):
            width = one.values[at] * scale
            if width:
                parts.append(
                    f'<rect class="s{number}" x="{left:.1f}" y="{y}" width="{width:.1f}" height="{_ROW - 8}">'
                    f"<title>{escape(label)}, {escape(one.name)}: {one.values[at]:,}</title></rect>"
                )
            left += width
        parts.append(_text(left + 6, y + 15, f"{totals[at]:,}", "start"))
    return _svg(name, title, description, max(len(labels), 1) * _ROW + 4, parts)


def lines(name: str, title: str, description: str, series: Sequence[Line], labels: tuple[str, str]) -> Markup:
    """Steps over time; ``labels`` stand below the first and the last moment."""
    moments = [moment for one in series for moment, _ in one.points]
    first, last = min(moments, default=0), max(moments, default=1)
    top = _ceiling(max((value for one in series for _, value in one.points), default=0))
    reach = (_WIDTH - _LEFT - _RIGHT) / max(last - first, 1)
    parts = [_grid(top)]
    for number, one in enumerate(series, 1):
        path = ""
        for moment, value in one.points:
            x, y = _LEFT + (moment - first) * reach, _y(value, top)
            path += f"H{x:.1f}V{y:.1f}" if path else f"M{x:.1f},{y:.1f}"
        path += f"H{_WIDTH - _RIGHT}"
        parts.append(f'<path class="l{number}" d="{path}"><title>{escape(one.name)}</title></path>')
    parts.append(_text(_LEFT, _HEIGHT - _BOTTOM + 18, labels[0], "start"))
    parts.append(_text(_WIDTH - _RIGHT, _HEIGHT - _BOTTOM + 18, labels[1], "end"))
    return _svg(name, title, description, _HEIGHT, parts)


def _svg(name: str, title: str, description: str, height: int, parts: Sequence[str]) -> Markup:
    return Markup(  # noqa: S704  every text in ``parts`` was escaped where it was put in
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-labelledby="{escape(name)}-title {escape(name)}-text">'
        f'<title id="{escape(name)}-title">{escape(title)}</title>'
        f'<desc id="{escape(name)}-text">{escape(description)}</desc>{"".join(parts)}</svg>'
    )


def _grid(top: int) -> str:
    marks: list[str] = []
    for part in range(5):
        value = top * part // 4
        y = _y(value, top)
        marks.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        marks.append(_text(_LEFT - 8, y + 4, f"{value:,}", "end"))
    return "".join(marks)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _y(value: float, top: int) -> float:
    return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)


def _ceiling(most: int) -> int:
    """A round number not below ``most``, that 4 divides."""
    unit = int(10 ** (len(str(most)) - 1))
    for tenths in (10, 12, 16, 20, 24, 32, 40, 60, 80, 100):
        if unit * tenths >= most * 10 and unit * tenths % 40 == 0:
            return unit * tenths // 10
    return max(4 * ceil(most / 4), 4)


def _short(text: str) -> str:
    """A name that fits beside a bar; the table has it whole."""
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"
