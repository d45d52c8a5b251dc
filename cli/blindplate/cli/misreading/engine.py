"""An engine's read of a plate: text, a confidence for each character, and other texts it may have been.

For each character the engine weighs two: the one it shows and the runner-up. Its log-odds for the truth are normal
with a variance of twice their mean, which is the one spread that makes a confidence mean what it says: of characters
read with 0.7, seven in ten are right. The mean follows from how often the character is misread. ``sharpness`` turns
this engine into one that is surer than it should be; Candour.RANDOM leaves nothing of the relation.
Does not model countries misread, text read beside the plate, or several events of a pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import exp, prod
from random import Random
from statistics import NormalDist, fmean
from typing import Final, TypeVar

from blindplate.cli.misreading.font import SCREW, alike, confusability, others
from blindplate.cli.misreading.vehicles import HABITS, SCREW_RATE, Kind, Subject

T = TypeVar("T")

_NORMAL: Final = NormalDist()

_TWO_SHARE: Final = 0.08  # of confused and obscured reads, with a second character misread
_END_SHARE: Final = 0.7  # of partial reads, with an end lost
_WEAK_FACTOR: Final = 8.0
_RUNNER_UP_SHARE: Final = 0.8  # of misread characters, with the truth as runner-up
_OBSCURED_ODDS: Final = 0.2  # how often a character that cannot be seen well is misread
_SCREW_ODDS: Final = 0.1
_LEAST_ODDS: Final = 1e-5
_USUAL_ODDS: Final = 0.004
_EPSILON: Final = 1e-12
_MOST_LOG_ODDS: Final = 30.0


class Candour(Enum):
    """What a confidence says."""

    TRUE = "true"
    RANDOM = "random"  # nothing: it has the same spread, whatever was read


class Score(Enum):
    """How an engine scores a whole text by its characters."""

    PRODUCT = "product"  # the probability of the text
    MEAN = "mean"  # as OpenALPR does: a text with one hopeless character scores six sevenths
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Engine:
    """What an engine gives with a text: candidates, confidences of characters, both or neither.

    ``floor`` is the least probability of a runner-up for which a candidate is given, ``most`` how many are; ``floor`` 0
    gives that many with every read. ``like_the_font`` false: misread characters are any of their type.
    """

    candidates: bool = True
    characters: bool = True
    floor: float = 0.02
    most: int = 5
    sharpness: float = 1.0
    candour: Candour = Candour.TRUE
    like_the_font: bool = True
    score: Score = Score.PRODUCT


@dataclass(frozen=True, slots=True)
class EngineRead:
    """One read. ``kind`` is None when the text is the plate's."""

    text: str = field(repr=False)
    candidates: tuple[tuple[str, float | None], ...] = field(repr=False)
    char_confidences: tuple[float, ...]
    kind: Kind | None


@dataclass(frozen=True, slots=True)
class _Character:
    """One character as shown, its runner-up, and how sure the engine is of it (from 0.5 to 1)."""

    shown: str
    runner_up: str
    confidence: float


def read(misreads: Random, doubts: Random, engine: Engine, subject: Subject) -> EngineRead:
    """What ``engine`` makes of one pass of ``subject``.

    What is misread is drawn from ``misreads`` alone, what the engine says of it from ``doubts``: engines that say
    different things misread the same.
    """
    kind = _kind(misreads, subject)
    odds = _odds(subject, engine)
    shown = _shown(misreads, engine, kind, subject.text, odds)
    lost = _lost(misreads, len(shown)) if kind is Kind.PARTIAL else None
    seen = [
        _Character(character, *_weighed(doubts, engine, truth, character, odds[at], kind))
        for at, (truth, character) in enumerate(zip(subject.text, shown, strict=True))
        if at != lost
    ]
    if kind is Kind.SCREW:
        at, h = subject.text.index(SCREW[0]), SCREW[1]
        seen[at : at + 2] = [_Character(h, *_weighed(doubts, engine, h, h, _SCREW_ODDS, kind))]
    text = "".join(one.shown for one in seen)
    spacing = subject.shown.find(" ")
    return EngineRead(
        f"{text[:spacing]} {text[spacing:]}" if spacing > 0 and kind is not Kind.PARTIAL else text,
        tuple(_candidates(engine, seen)) if engine.candidates else (),
        tuple(one.confidence for one in seen) if engine.characters else (),
        kind,
    )


def _kind(rng: Random, subject: Subject) -> Kind | None:
    if subject.rate and subject.screwed and rng.random() < SCREW_RATE:
        return Kind.SCREW
    if rng.random() >= subject.rate:
        return None
    return _pick(rng, HABITS[subject.state].kinds)


def _odds(subject: Subject, engine: Engine) -> list[float]:
    """How often each character is taken for one that looks like it."""
    weights = [confusability(character) if engine.like_the_font else 1.0 for character in subject.text]
    if subject.weak is not None:
        weights[subject.weak] *= _WEAK_FACTOR
    share = subject.rate * HABITS[subject.state].kinds[Kind.CONFUSED] / sum(weights)
    return [max(share * weight, _LEAST_ODDS) for weight in weights]


def _shown(rng: Random, engine: Engine, kind: Kind | None, text: str, odds: Sequence[float]) -> list[str]:
    """The characters with one or two of them misread where the kind is of that sort."""
    shown = list(text)
    if kind not in (Kind.CONFUSED, Kind.OBSCURED):
        return shown
    wanted = 2 if rng.random() < _TWO_SHARE else 1
    wrong: set[int] = set()
    while len(wrong) < wanted:
        wrong.add(
            rng.choices(range(len(text)), odds)[0] if kind is Kind.CONFUSED else rng.randrange(len(text))
        )
    for at in sorted(wrong):
        character = text[at]
        shown[at] = _other(rng, engine, character) if kind is Kind.CONFUSED else rng.choice(others(character))
    return shown


def _weighed(
    rng: Random, engine: Engine, truth: str, shown: str, odds: float, kind: Kind | None
) -> tuple[str, float]:
    """The runner-up of a shown character, and the confidence in what is shown."""
    wrong = shown != truth
    odds = _OBSCURED_ODDS if wrong and kind is Kind.OBSCURED else odds
    if engine.candour is Candour.RANDOM:
        odds, drawn = _USUAL_ODDS, rng.uniform(_EPSILON, 1 - _EPSILON)
    else:
        drawn = rng.uniform(_EPSILON, odds) if wrong else rng.uniform(odds, 1 - _EPSILON)
    # Mean m and variance 2m put a share ``odds`` below 0 where m is twice the square of their quantile.
    quantile = -_NORMAL.inv_cdf(odds)
    log_odds = 2 * quantile * (quantile + _NORMAL.inv_cdf(drawn))
    confidence = 1 / (1 + exp(-min(abs(log_odds) * engine.sharpness, _MOST_LOG_ODDS)))
    if wrong and rng.random() < _RUNNER_UP_SHARE:
        return truth, confidence
    # Nobody asks for the runner-up of a character that is read for sure.
    return _other(rng, engine, shown) if 1 - confidence >= engine.floor else "", confidence


def _other(rng: Random, engine: Engine, character: str) -> str:
    return _pick(rng, alike(character)) if engine.like_the_font else rng.choice(others(character))


def _lost(rng: Random, length: int) -> int:
    return rng.choice((0, length - 1)) if rng.random() < _END_SHARE else rng.randrange(length)


def _candidates(engine: Engine, seen: Sequence[_Character]) -> list[tuple[str, float | None]]:
    """The likeliest other texts, likeliest first: one runner-up, or the two likeliest."""
    doubted = sorted(range(len(seen)), key=lambda at: seen[at].confidence)
    doubted = [at for at in doubted if 1 - seen[at].confidence >= engine.floor][: engine.most]
    changes = [frozenset({at}) for at in doubted]
    if len(doubted) > 1:
        changes.append(frozenset(doubted[:2]))
    weights = {
        changed: [1 - one.confidence if at in changed else one.confidence for at, one in enumerate(seen)]
        for changed in changes
    }
    changes.sort(key=lambda changed: -prod(weights[changed]))
    return [
        (
            "".join(one.runner_up if at in changed else one.shown for at, one in enumerate(seen)),
            _score(engine, weights[changed]),
        )
        for changed in changes[: engine.most]
    ]


def _score(engine: Engine, weights: Sequence[float]) -> float | None:
    match engine.score:
        case Score.PRODUCT:
            return prod(weights)
        case Score.MEAN:
            return fmean(weights)
        case Score.NONE:
            return None


def _pick(rng: Random, weights: Mapping[T, float]) -> T:
    return rng.choices(list(weights), list(weights.values()))[0]
