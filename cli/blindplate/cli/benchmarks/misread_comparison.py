"""Other rules under one engine, and other engines under one set of rules: what docs/adr/0009-alternates.md rests on.

Every row is of the same vehicles, passes, misreads and list; only where an engine's misreads are another sort (unlike
the font's) are they other ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from blindplate.cli.benchmarks.intervals import Interval
from blindplate.cli.benchmarks.misread_chart import Curve, draw
from blindplate.cli.benchmarks.misread_tally import MOST, Tally, tally_day
from blindplate.cli.benchmarks.misreads import per_100k
from blindplate.cli.benchmarks.timing import Say
from blindplate.cli.misreading.day import Day, make_day
from blindplate.cli.misreading.engine import Candour, Engine, Score
from blindplate.core.errors import StorageError
from blindplate.core.plates import MAX_ALTERNATES, AlternateRules, Source

USUAL: Final = "candidates and characters"
AS_CAMERAS: Final = "as cameras"

_ALL: Final = frozenset(Source)
_CAMERAS: Final = {AS_CAMERAS: AlternateRules()}
_DOUBTED: Final = {
    f"doubted below {below}": AlternateRules(doubted_below=below) for below in (0.7, 0.8, 0.95, 0.99)
}
_CANDIDATES: Final = {
    f"candidates from {least}": AlternateRules(candidates_from=least)
    for least in (0.0, 0.01, 0.05, 0.1, 0.2, 0.87)
}
_WITHOUT: Final = {f"without {one.value}": AlternateRules(sources=_ALL - {one}) for one in Source}

ENGINES: Final[Mapping[str, tuple[Engine, Mapping[str, AlternateRules]]]] = {
    USUAL: (Engine(), _CAMERAS | _DOUBTED | _CANDIDATES | _WITHOUT),
    "candidates alone": (Engine(characters=False), _CAMERAS),
    "characters alone": (Engine(candidates=False), _CAMERAS | _DOUBTED | _WITHOUT),
    "text alone": (Engine(candidates=False, characters=False), _CAMERAS | _WITHOUT),
    "five candidates, always": (Engine(floor=0.0), _CAMERAS | _CANDIDATES),
    "five, always, scored by mean": (
        Engine(floor=0.0, characters=False, score=Score.MEAN),
        _CAMERAS | _CANDIDATES,
    ),
    "five, always, not scored": (Engine(floor=0.0, characters=False, score=Score.NONE), _CAMERAS),
    "twice too sure": (Engine(sharpness=2), _CAMERAS | _DOUBTED),
    "four times too sure": (Engine(sharpness=4), _CAMERAS | _DOUBTED),
    "half as sure as it may be": (Engine(sharpness=0.5), _CAMERAS | _DOUBTED),
    "confidences say nothing": (Engine(candour=Candour.RANDOM), _CAMERAS),
    "confusions unlike the font's": (Engine(like_the_font=False), _CAMERAS | _WITHOUT),
}
_DRAWN: Final = (USUAL, "candidates alone", "characters alone", "twice too sure", "confidences say nothing")


@dataclass(frozen=True, slots=True)
class Row:
    """One engine, one set of rules, one limit. Shares are from 0 to 1."""

    engine: str
    rules: str
    most: int
    true_hit_rate: Interval
    false_hits_per_100k: Interval
    alternates_share: float


def compare(folder: Path, seed: int, reads: int, listed: int, say: Say) -> None:
    """Measure every engine and all rules, and write misreads.json and misreads.svg into ``folder``.

    Raises InputError as ``measure_misreads`` does, StorageError when a file cannot be written.
    """
    day = make_day(seed, reads, listed)
    rows: list[Row] = []
    for name, (engine, rules) in ENGINES.items():
        say(f"Reading {reads:,} plates: {name}.")
        rows += measure(day, name, engine, rules)
    made = {"seed": seed, "reads": reads, "listed": listed, "rows": [asdict(row) for row in rows]}
    caption = f"Simulated: {reads:,} reads, {listed:,} listed plates, seed {seed}; false hits for London's 15.7 M reads a day."
    try:
        (folder / "misreads.json").write_text(json.dumps(made, indent=1) + "\n")
        (folder / "misreads.svg").write_text(
            draw([_curve(rows, name) for name in _DRAWN], MAX_ALTERNATES, caption)
        )
    except OSError as error:
        raise StorageError(
            "The comparison cannot be written.", "Name a folder that can be written to."
        ) from error


def measure(day: Day, name: str, engine: Engine, rules: Mapping[str, AlternateRules]) -> Iterator[Row]:
    """The rows of one engine, by rules and limits."""
    tallies = {of: Tally(day.listed, each) for of, each in rules.items()}
    tally_day(day, engine, *tallies.values())
    for of, tally in tallies.items():
        for most in range(MOST + 1):
            false = per_100k(tally, most, len(day.listed))
            yield Row(name, of, most, tally.true_hit_rate(most), false, tally.alternates_share(most))


def _curve(rows: list[Row], engine: str) -> Curve:
    by_limit = [row for row in rows if (row.engine, row.rules) == (engine, AS_CAMERAS)]
    return Curve(
        engine,
        [1 - row.true_hit_rate.value for row in by_limit],
        [row.alternates_share for row in by_limit],
        [row.false_hits_per_100k for row in by_limit],
    )
