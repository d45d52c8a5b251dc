"""``blindplate charge``: a charging authority's days: who settled them, what is opened and owed, and the notices.

Files of payments hold plates, and so do notices: both are for the authority alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from blindplate.cli.commands.bars import Bars
from blindplate.cli.commands.settings_file import SettingsFile

if TYPE_CHECKING:
    from blindplate.client.owner.charging.settlements import Settled
    from blindplate.client.owner.charging.status import DayStatus
    from blindplate.client.owner.settings import OwnerSettings

app = typer.Typer(help="Road charging in two stages.", no_args_is_help=True)

_Kind = TypeVar("_Kind", bound=StrEnum)

# What a command ends with, beside 2 for an error.
REFUSED = 1
ROWS_LEFT_OUT = 3

Settlements = Annotated[
    Path, typer.Argument(metavar="FILE", help="CSV with a header: vrm, and country, day, reference.")
]
DayOfFile = Annotated[
    datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="The day of rows that name none.")
]
Day = Annotated[datetime, typer.Option("--day", formats=["%Y-%m-%d"], help="The charging day.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Take the good rows of a file with bad ones.")]
AsJson = Annotated[bool, typer.Option("--json", help="For another program to read.")]


@app.command()
def paid(settings: SettingsFile, file: Settlements, day: DayOfFile = None, skip_bad: SkipBad = False) -> None:
    """Enter who paid. What they pay for is never opened; what was opened before is kept out of notices."""
    from blindplate.client.owner.charging.settlements import Settled

    _settle(settings, file, Settled.PAID, day, skip_bad)


@app.command()
def refund(
    settings: SettingsFile, file: Settlements, day: DayOfFile = None, skip_bad: SkipBad = False
) -> None:
    """Enter whose payment was given back because nothing was owed."""
    from blindplate.client.owner.charging.settlements import Settled

    _settle(settings, file, Settled.REFUNDED, day, skip_bad)


@app.command()
def exempt(
    settings: SettingsFile, file: Settlements, day: DayOfFile = None, skip_bad: SkipBad = False
) -> None:
    """Enter who owes nothing for a day, for a reason that the emissions list does not say."""
    from blindplate.client.owner.charging.settlements import Settled

    _settle(settings, file, Settled.EXEMPT, day, skip_bad)


@app.command()
def status(
    settings: SettingsFile,
    day: Annotated[
        datetime | None,
        typer.Option("--day", formats=["%Y-%m-%d"], help="One day; all that are open if not given."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Where each day stands: kept, settled, opened, owed. Counts alone."""
    from blindplate.client.owner.charging import commands

    found = commands.status(_owner(settings), _date(day))
    if as_json:
        typer.echo(json.dumps([one.to_dict() for one in found], indent=2))
        return
    table = Table(show_header=False, box=None)
    for one in found:
        for name, said in _rows(one):
            table.add_row(name, said)
    Console().print(table)


@app.command()
def run(
    settings: SettingsFile,
    day: Day,
    patience: Annotated[float, typer.Option(min=0.0, help="Seconds to wait for others.")] = 60.0,
) -> None:
    """Open a day whose payment has closed, now: it may be stopped and run again. The daemon does the same by itself.

    Ends with 0 when nothing of it is left to be opened, 1 when something is.
    """
    from blindplate.client.owner.charging import commands

    with Bars() as bars:
        done = commands.run_day(_owner(settings), day.date(), patience=patience, progress=bars)
    Console().print(
        f"{done.published:,} segments published, {done.hits:,} hits, {done.charged:,} vehicles with an outcome; "
        f"{done.waiting:,} hits still to be opened.",
        highlight=False,
        soft_wrap=True,
    )
    if done.waiting:
        raise typer.Exit(REFUSED)


@app.command()
def notices(
    settings: SettingsFile,
    day: Day,
    out: Annotated[Path, typer.Option(help="A folder, made with mode 0700.")],
) -> None:
    """Write the day's notices as CSV and JSON with the image of each plate; again gives the same numbers."""
    from blindplate.client.owner.charging import commands

    done = commands.write_notices(_owner(settings), day.date(), out)
    Console().print(
        f"{done.written:,} notices written, {done.new:,} of them new; {done.settled:,} of before are settled since; "
        f"{done.waiting:,} hits of the day are still to be opened.",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def reconcile(settings: SettingsFile, day: Day, as_json: AsJson = False) -> None:
    """Hold a day's books against themselves and the ledger's counts. Ends with 1 when a sum does not come out."""
    from blindplate.client.owner.charging import commands

    found = commands.reconcile(_owner(settings), day.date())
    if as_json:
        balances = [
            {"what": one.what, "found": one.found, "least": one.least, "most": one.most, "holds": one.holds}
            for one in found.balances
        ]
        content = {"status": found.status.to_dict(), "counted_at": found.counted_at, "balances": balances}
        typer.echo(json.dumps(content, indent=2))
    else:
        table = Table(box=None)
        for name in ("sum", "found", "must be", ""):
            table.add_column(name)
        for one in found.balances:
            wanted = f"{one.least:,}" if one.least == one.most else f"{one.least:,} to {one.most:,}"
            table.add_row(one.what, f"{one.found:,}", wanted, "" if one.holds else "does not come out")
        Console().print(table)
        if found.counted_at is None:
            Console().print("The ledger has no counts of the matcher yet.")
    if not found.holds:
        raise typer.Exit(REFUSED)


def _settle(settings: Path, file: Path, kind: Settled, day: datetime | None, skip_bad: bool) -> None:
    from blindplate.client.owner.charging import commands

    report = commands.settle(_owner(settings), file, kind, day=_date(day), skip_bad=skip_bad)
    console = Console()
    for problem in report.problems:
        place = f"line {problem.line}, {problem.column}" if problem.column else f"line {problem.line}"
        console.print(f"{place}: {problem.kind.value}", highlight=False)
    if report.entered is None:
        console.print(
            "The file has rows that cannot be used: nothing was entered. Mend them, or add --skip-bad."
        )
        raise typer.Exit(REFUSED)
    done = report.entered
    console.print(
        f"{done.new:,} entered, {done.known:,} known before; {done.late:,} of vehicles whose day was opened already: they "
        "are kept out of notices.",
        highlight=False,
        soft_wrap=True,
    )
    if any(problem.kind.refused for problem in report.problems):
        raise typer.Exit(ROWS_LEFT_OUT)


def _owner(path: Path) -> OwnerSettings:
    from blindplate.client.owner.settings import OwnerSettings
    from blindplate.edge.settings import load

    return load(OwnerSettings, path)


def _date(day: datetime | None) -> date | None:
    return None if day is None else day.date()


def _rows(one: DayStatus) -> Iterator[tuple[str, str]]:
    yield "day", f"{one.day.day}, free: nothing is charged" if one.day.is_free else f"{one.day.day}"
    if not one.day.is_free:
        yield "payment", f"{'closed' if one.closed else 'closes'} {_time(one.day.closes_at)}"
        yield "opened", "not yet" if one.opened_at is None else _time(one.opened_at)
    yield "reads kept", f"{one.kept:,}"
    yield "settled", _listed(one.settlements)
    yield "hits", _listed(one.hits)
    yield "outcomes", _listed(one.outcomes)
    yield "owed", f"{one.owed:,}"
    yield "notices", f"{one.notices:,}, of which {one.notices_settled:,} are settled since"


def _time(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"


def _listed(counts: Mapping[_Kind, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count) or "none"
