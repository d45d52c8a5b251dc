"""Misreads: of a simulated day's reads, what share finds the listed vehicle, and how often another vehicle is named.

Measures plates, not the match: reads are canonicalised as a camera does it and looked up in a set. How engines misread
is an assumption (``cli.misreading``), so the figures compare rules with one another better than they foretell a city.
Protocol section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from blindplate.cli.benchmarks.intervals import Interval
from blindplate.cli.benchmarks.misread_tally import MOST, Tally, tally_day
from blindplate.cli.benchmarks.timing import Say, silent
from blindplate.cli.misreading.day import make_day
from blindplate.cli.misreading.engine import Engine
from blindplate.core.plates import MAX_ALTERNATES, AlternateRules

DEFAULT_SEED: Final = 1
DEFAULT_READS: Final = 200_000
DEFAULT_LISTED: Final = 1_000_000
# London in a day, and the share of reads that are of vehicles police seek, where it is low.
READS_A_DAY: Final = 15_700_000
SOUGHT_SHARE: Final = 0.001


@dataclass(frozen=True, slots=True)
class MisreadFigures:
    """``..._per_100k``: hits on a plate that the vehicle does not bear, per 100,000 listed plates and day of
    ``reads_a_day``. ``by_limit``: by the number of alternates a read may have. Shares are from 0 to 1.

    ``alternates_share`` is of all that is submitted. ``true_share_of_alternate_hits`` is of the hits that come as
    alternates alone, on a list of 100,000 when ``sought_share`` of the reads are of listed vehicles.
    """

    seed: int
    reads: int
    listed: int
    vehicles: int
    listed_reads: int
    misread_share: float
    max_alternates: int
    true_hit_rate: Interval
    true_hit_rate_with_alternates: Interval
    false_hits_per_100k: Interval
    false_hits_per_100k_with_alternates: Interval
    alternates_share: float
    true_share_of_alternate_hits: float
    reads_a_day: int
    sought_share: float
    true_hit_rate_by_limit: Mapping[int, Interval]
    false_hits_per_100k_by_limit: Mapping[int, Interval]
    alternates_share_by_limit: Mapping[int, float]


def measure_misreads(
    seed: int = DEFAULT_SEED,
    reads: int = DEFAULT_READS,
    listed: int = DEFAULT_LISTED,
    say: Say = silent,
    *,
    rules: AlternateRules | None = None,
) -> MisreadFigures:
    """Misread ``reads`` reads and look them up among ``listed`` plates; by ``rules``, or a camera's.

    Raises InputError for a list shorter than half of the vehicles that pass (one for eight reads).
    """
    say(f"Making {listed:,} listed plates.")
    day = make_day(seed, reads, listed)
    say(f"Reading {reads:,} plates.")
    rules = rules or AlternateRules()
    tally = Tally(day.listed, rules)
    tally_day(day, Engine(), tally)
    limits = range(MOST + 1)
    false = {limit: per_100k(tally, limit, listed) for limit in limits}
    true = {limit: tally.true_hit_rate(limit) for limit in limits}
    limit = min(rules.most, MAX_ALTERNATES)
    return MisreadFigures(
        seed=seed,
        reads=reads,
        listed=listed,
        vehicles=len(day.subjects),
        listed_reads=tally.listed_reads,
        misread_share=tally.misread_share,
        max_alternates=limit,
        true_hit_rate=true[0],
        true_hit_rate_with_alternates=true[limit],
        false_hits_per_100k=false[0],
        false_hits_per_100k_with_alternates=false[limit],
        alternates_share=tally.alternates_share(limit),
        true_share_of_alternate_hits=_worth(
            true[limit].value - true[0].value, false[limit].value - false[0].value
        ),
        reads_a_day=READS_A_DAY,
        sought_share=SOUGHT_SHARE,
        true_hit_rate_by_limit=true,
        false_hits_per_100k_by_limit=false,
        alternates_share_by_limit={limit: tally.alternates_share(limit) for limit in limits},
    )


def per_100k(tally: Tally, limit: int, listed: int) -> Interval:
    """False hits per 100,000 listed plates and day: they grow with the reads and with the list."""
    return tally.false_hit_rate(limit).times(READS_A_DAY * 100_000 / listed)


def _worth(found: float, false: float) -> float:
    true = found * SOUGHT_SHARE * READS_A_DAY
    return true / (true + false) if true else 0.0
