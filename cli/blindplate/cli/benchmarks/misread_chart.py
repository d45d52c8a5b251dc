"""The comparison as one SVG: what alternates find beside what they cost, and the false hits they bring.

Guarantees an image that needs no script, no font and nothing from elsewhere, with a title and a description for who
does not see it. Each line is told by its marker and name, not by colour alone; docs/benchmarks.md has the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from blindplate.cli.benchmarks.intervals import Interval

_WIDTH: Final = 960
_HEIGHT: Final = 450
_TOP: Final = 64
_BOTTOM: Final = 330
_STYLE: Final = (
    "text{font:13px sans-serif;fill:#222}.h{font-weight:bold;font-size:15px}.a{fill:#555}"
    ".g{stroke:#ddd}.e{stroke:#222;stroke-width:1.5}"
)
_COLOURS: Final = ("#1f4e8c", "#b35806", "#3a7d44", "#7b3294", "#8c1d40", "#555555")


@dataclass(frozen=True, slots=True)
class Curve:
    """One engine under one set of rules: by alternates allowed, from none up, what is missed, added and wrong.

    ``missed`` and ``added`` are shares from 0 to 1; ``false`` hits per 100,000 listed plates and day.
    """

    name: str
    missed: Sequence[float]
    added: Sequence[float]
    false: Sequence[Interval]


@dataclass(frozen=True, slots=True)
class _Panel:
    left: int
    right: int
    widest: float
    highest: float

    def x(self, value: float) -> float:
        return self.left + value / self.widest * (self.right - self.left)

    def y(self, value: float) -> float:
        return _BOTTOM - value / self.highest * (_BOTTOM - _TOP)


def draw(curves: Sequence[Curve], marked: int, caption: str) -> str:
    """The SVG of one curve or more; the first one's false hits are shown. ``marked`` is the limit that is in force."""
    title = "Misreads: what alternates find, and what they cost"
    described = "; ".join(
        f"{one.name}: {one.missed[0]:.2%} missed without alternates, {one.missed[marked]:.2%} with up to {marked}"
        for one in curves
    )
    parts = "".join((*_costs(curves, marked), *_false_hits(curves[0], marked)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-labelledby="title text"><title id="title">{title}</title>'
        f'<desc id="text">{escape(described)}</desc><style>{_STYLE}</style>'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>{parts}'
        f"{_text(24, _HEIGHT - 12, caption, css='a')}</svg>\n"
    )


def _costs(curves: Sequence[Curve], marked: int) -> Iterator[str]:
    panel = _Panel(
        70,
        520,
        _round_up(max(max(one.added) for one in curves)),
        _round_up(max(max(one.missed) for one in curves)),
    )
    yield _text(24, 24, "Listed reads that are missed, by load", css="h")
    yield _text(24, 44, f"0 to {len(curves[0].missed) - 1} alternates a read; ring: up to {marked}", css="a")
    yield from _grid(panel, percent=True)
    yield _text(295, _BOTTOM + 36, "share of alternates among all submitted reads", "middle", "a")
    for number, one in enumerate(curves):
        colour = _COLOURS[number % len(_COLOURS)]
        places = [
            (panel.x(added), panel.y(missed)) for added, missed in zip(one.added, one.missed, strict=True)
        ]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (_marker(number, x, y, colour) for x, y in places)
        x, y = places[marked]
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        column, row = number % 3, number // 3
        at = 24 + column * 310, _BOTTOM + 62 + row * 20
        yield _marker(number, at[0] + 5, at[1] - 4, colour)
        yield _text(at[0] + 16, at[1], one.name)


def _false_hits(curve: Curve, marked: int) -> Iterator[str]:
    panel = _Panel(640, 930, len(curve.false) - 0.5, _round_up(max(one.high for one in curve.false)))
    yield _text(590, 24, "False hits per 100,000 listed plates and day", css="h")
    yield _text(590, 44, f"{curve.name}; bars: 95 % intervals", css="a")
    yield from _grid(panel, percent=False)
    yield _text(785, _BOTTOM + 36, "alternates a read at most", "middle", "a")
    for limit, one in enumerate(curve.false):
        x = panel.x(limit + 0.25)
        y, low, high = panel.y(one.value), panel.y(one.low), panel.y(one.high)
        opacity = 1 if limit == marked else 0.45
        yield (
            f'<rect x="{x - 14:.1f}" y="{y:.1f}" width="28" height="{_BOTTOM - y:.1f}" fill="{_COLOURS[0]}" '
            f'fill-opacity="{opacity}"/><line class="e" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
        )
        yield _text(x, _BOTTOM + 18, str(limit), "middle")


def _grid(panel: _Panel, *, percent: bool) -> Iterator[str]:
    for part in range(5):
        value = panel.highest * part / 4
        y = panel.y(value)
        yield f'<line class="g" x1="{panel.left}" x2="{panel.right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(panel.left - 8, y + 4, f"{value:.2%}" if percent else f"{value:,.0f}", "end")
        if percent:
            across = panel.widest * part / 4
            yield _text(panel.x(across), _BOTTOM + 18, f"{across:.1%}", "middle")


def _marker(number: int, x: float, y: float, colour: str) -> str:
    shapes = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>',
        f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>',
        f'<path d="M{x:.1f},{y - 5:.1f}l5,9h-10z" fill="{colour}"/>',
        f'<path d="M{x:.1f},{y - 5:.1f}l5,5l-5,5l-5,-5z" fill="{colour}"/>',
        f'<path d="M{x - 4:.1f},{y - 4:.1f}l8,8m0,-8l-8,8" stroke="{colour}" stroke-width="2.5"/>',
        f'<path d="M{x - 5:.1f},{y:.1f}h10m-5,-5v10" stroke="{colour}" stroke-width="2.5"/>',
    )
    return shapes[number % len(shapes)]


def _text(x: float, y: float, text: str, anchor: str = "start", css: str = "") -> str:
    named = f' class="{css}"' if css else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{escape(text)}</text>'


def _round_up(most: float) -> float:
    """A number with one or two figures, not below ``most``."""
    unit = 1e-6
    while True:
        for factor in (1, 2, 3, 4, 6, 8):
            if unit * factor >= most:
                return unit * factor
        unit *= 10
