"""The charts of the report, each with the numbers it shows.

Days become months where there are too many to read. docs/spec/audit.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from blindplate.client.auditor import charts
from blindplate.client.auditor.charts import Line, Series
from blindplate.client.auditor.findings import day_of
from blindplate.client.auditor.list_figures import ListFigures
from blindplate.client.auditor.page_tables import Row, Table
from blindplate.client.auditor.release_figures import Tally
from blindplate.client.auditor.release_tables import STANDINGS, tallied
from blindplate.client.auditor.summary import Summary

_MOST_DAYS: Final = 62
# As many as there are ways to draw a line, and colours to stack.
_MOST_LISTS: Final = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, what its colours mean, and its numbers as a table. ``chart`` is empty where there is nothing to draw."""

    chart: Markup
    legend: tuple[str, ...]
    table: Table


def reads_figure(summary: Summary) -> Figure:
    """Records received, by day and list."""
    days = sorted({one.day for one in summary.days})
    places = {day: place for place, day in enumerate(dict.fromkeys(_period(day, len(days)) for day in days))}
    lists = sorted({one.list_id for one in summary.days})
    counted = {list_id: [0] * len(places) for list_id in lists}
    for one in summary.days:
        counted[one.list_id][places[_period(one.day, len(days))]] += one.counts.received
    shown, rest = lists[: _MOST_LISTS - 1], lists[_MOST_LISTS - 1 :]
    series = [Series(list_id, counted[list_id]) for list_id in shown]
    if rest:
        series.append(
            Series("all other lists", [sum(row) for row in zip(*(counted[one] for one in rest), strict=True)])
        )
    title = "Reads compared with lists, over time"
    labels = list(places)
    rows: tuple[Row, ...] = tuple(
        (label, *(counted[list_id][at_] for list_id in lists)) for at_, label in enumerate(labels)
    )
    text = f"Columns for {len(labels)} periods, stacked by list. The numbers are in the table that follows."
    chart = charts.columns("reads-chart", title, text, labels, series)
    return _figure(chart, series, Table(title, ("Period", *lists), rows))


def tally_figure(name: str, title: str, tallies: Sequence[Tally], *, over_time: bool = False) -> Figure:
    """Requests by where they stand, over time or by what they are of."""
    if over_time:
        tallies = _by_month(tallies)
    series = [
        Series("released", [one.released for one in tallies]),
        Series("refused", [one.refused for one in tallies]),
        Series("expired", [one.expired for one in tallies]),
        Series("waiting", [one.waiting for one in tallies]),
    ]
    labels = [one.name for one in tallies]
    text = "Requests, parted into released, refused, expired and waiting. The numbers are in the table that follows."
    draw = charts.columns if over_time else charts.bars
    first = "Period" if over_time else name.capitalize()
    return _figure(
        draw(f"{name}-chart", title, text, labels, series),
        series,
        Table(title, (first, *STANDINGS), tuple((one.name, *tallied(one)) for one in tallies)),
    )


def lists_figure(summary: Summary) -> Figure:
    """How long lists are, and how that changed."""
    drawn = sorted((one for one in summary.lists if one.versions), key=_length, reverse=True)[:_MOST_LISTS]
    moments = [version.made_at for one in drawn for version in one.versions]
    series = [
        Line(one.grant_id, [(version.made_at, version.entries) for version in one.versions]) for one in drawn
    ]
    title = "Vehicles on lists over time"
    text = f"{len(drawn)} lists, the longest, each as a line in steps. The numbers are in the table that follows."
    ends = (day_of(min(moments)), day_of(max(moments))) if moments else ("", "")
    chart = charts.lines("lists-chart", title, text, series, ends)
    rows: tuple[Row, ...] = tuple(
        (
            one.grant_id,
            day_of(version.made_at),
            version.number,
            version.entries,
            version.added,
            version.removed,
        )
        for one in summary.lists
        for version in one.versions
    )
    return _figure(
        chart, series, Table(title, ("Grant", "Made", "Version", "Vehicles", "Added", "Removed"), rows, 2)
    )


def _figure(chart: Markup, series: Sequence[Series] | Sequence[Line], table: Table) -> Figure:
    return Figure(chart if table.rows else Markup(), tuple(one.name for one in series), table)


def _length(figures: ListFigures) -> int:
    return max(version.entries for version in figures.versions)


def _by_month(tallies: Sequence[Tally]) -> Sequence[Tally]:
    if len(tallies) <= _MOST_DAYS:
        return tallies
    months: dict[str, list[Tally]] = {}
    for one in tallies:
        months.setdefault(one.name[:7], []).append(one)
    return [_sum(month, held) for month, held in months.items()]


def _sum(name: str, tallies: Iterable[Tally]) -> Tally:
    held = list(tallies)
    return Tally(
        name,
        sum(one.released for one in held),
        sum(one.refused for one in held),
        sum(one.expired for one in held),
        sum(one.waiting for one in held),
    )


def _period(day: str, days: int) -> str:
    """The day itself, or its month where there are too many days to read."""
    return day if days <= _MOST_DAYS else day[:7]
