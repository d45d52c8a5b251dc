"""``blindplate hotlist`` and ``blindplate emissions``: an owner's list.

A plate is never an argument, since any process may read arguments: it is asked for, or read from standard input.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from blindplate.cli.commands.bars import Bars
from blindplate.cli.commands.settings_file import SettingsFile
from blindplate.client.owner.lists.layouts import ListForm
from blindplate.core.statements.priorities import Priority

if TYPE_CHECKING:
    from blindplate.client.owner.commands import ListChange, SubmitReport
    from blindplate.client.owner.settings import OwnerSettings
    from blindplate.client.owner.status import ListStatus
    from blindplate.client.owner.submitting import Submission

app = typer.Typer(help="A police hotlist.", no_args_is_help=True)

# What a command ends with, beside 2 for an error: the list is as it was, or rows of the file are not on it.
REFUSED = 1
ROWS_LEFT_OUT = 3

ListFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="The UK's 16 columns, CSV with a header, or Genetec's form.")
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Take the good rows of a file with bad ones.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse a file with any problem, a notice too.")]
Form = Annotated[ListForm | None, typer.Option("--format", help="The file's form; found out when not given.")]
PriorityOf = Annotated[Priority, typer.Option(help="The priority of rows that name none.")]


@app.command()
def submit(
    settings: SettingsFile,
    file: ListFile,
    form: Form = None,
    delta: Annotated[
        bool, typer.Option("--delta", help="The file says only what changed since a revision.")
    ] = False,
    strict: Strict = False,
    skip_bad: SkipBad = False,
    priority: PriorityOf = Priority.NONE,
    revision: Annotated[
        int | None, typer.Option(min=1, help="The file's revision, where it has no such line.")
    ] = None,
    builds_on: Annotated[
        int | None, typer.Option(min=0, help="The revision that a delta without such a line builds on.")
    ] = None,
) -> None:
    """Make the list what a file says, or do what a delta says, and publish it encrypted.

    Ends with 0 when the file was taken whole, 1 when the list is as it was, 3 when rows were left out, 2 after an error.
    """
    from blindplate.client.owner.lists.forms import Expected
    from blindplate.client.owner.lists.revisions import Revision
    from blindplate.client.owner.submitting import Submission

    expected = Expected(form, delta, Revision.of(revision, builds_on))
    submit_list(settings, file, Submission(expected, priority, strict=strict, skip_bad=skip_bad))


@app.command()
def add(
    settings: SettingsFile,
    reason: Annotated[str, typer.Option(help="Why the vehicle is listed.")] = "",
    country: Annotated[
        str | None, typer.Option(help="Two letters; the settings' country if not given.")
    ] = None,
    priority: PriorityOf = Priority.NONE,
    weed_date: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day on which it counts.")
    ] = None,
    effective_date: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day on which it counts.")
    ] = None,
    action: Annotated[str, typer.Option(help="What to do on a hit.")] = "",
    warning_markers: Annotated[str, typer.Option(help="What to be warned of.")] = "",
    make: Annotated[str, typer.Option(help="What the vehicle looks like, to compare.")] = "",
    model: Annotated[str, typer.Option(help="What the vehicle looks like, to compare.")] = "",
    colour: Annotated[str, typer.Option(help="What the vehicle looks like, to compare.")] = "",
) -> None:
    """List one vehicle more; its plate is asked for, or read from standard input."""
    from blindplate.client.owner import commands
    from blindplate.client.owner.entries import Details

    details = Details(
        reason=reason,
        priority=priority,
        action=action,
        weed_date=weed_date.date() if weed_date else None,
        make=make,
        model=model,
        colour=colour,
        effective_date=effective_date.date() if effective_date else None,
        warning_markers=warning_markers,
    )
    plate = typer.prompt("Plate", hide_input=False)
    with Bars() as bars:
        done = commands.add(_owner(settings), plate, country=country, details=details, progress=bars)
    Console().print(f"Listed. {_told(done)}", highlight=False, soft_wrap=True)


@app.command()
def remove(
    settings: SettingsFile,
    country: Annotated[
        str | None, typer.Option(help="Two letters; the settings' country if not given.")
    ] = None,
) -> None:
    """Take one vehicle off; its plate is asked for, or read from standard input."""
    from blindplate.client.owner import commands

    plate = typer.prompt("Plate", hide_input=False)
    with Bars() as bars:
        done = commands.remove(_owner(settings), plate, country=country, progress=bars)
    Console().print(f"Taken off. {_told(done)}", highlight=False, soft_wrap=True)


@app.command()
def status(settings: SettingsFile) -> None:
    """Where the list stands: entries, uploads, answers, hits."""
    from blindplate.client.owner import commands
    from blindplate.client.owner.status import SOON_DAYS

    found = commands.status(_owner(settings))
    table = Table(show_header=False, box=None)
    revision = "" if found.revision is None else f", of revision {found.revision} of its file"
    table.add_row("list", f"{found.list_id}, version {found.version}{revision}")
    table.add_row("in the ledger", _committed(found))
    table.add_row("entries", f"{found.entries:,} of {found.allowed:,} that grant {found.grant_id} allows")
    table.add_row(
        "by priority", ", ".join(f"{count:,} {one}" for one, count in found.priorities.items()) or "none"
    )
    table.add_row("expiring soon", f"{found.expiring:,} within {SOON_DAYS} days")
    if found.next_effective is not None:
        table.add_row("to come", f"{found.waiting:,}, the first on {found.next_effective}")
    for zone, missing in found.unevaluated.items():
        table.add_row(
            f"zone {zone}", "pseudonyms complete" if not missing else f"{missing:,} pseudonyms missing"
        )
    for one in found.epochs:
        state = (
            f"{one.segments} segments, up to version {one.version}" if one.segments else "not uploaded yet"
        )
        table.add_row(f"epoch {one.epoch.index}", state)
    table.add_row("answers", f"{found.answers:,}")
    table.add_row("hits", ", ".join(f"{count:,} {state}" for state, count in found.hits.items()) or "none")
    table.add_row("held for longer", f"{found.held:,}")
    table.add_row("past their time", f"{found.overdue:,}")
    Console().print(table)


def submit_list(settings: Path, file: Path, submission: Submission) -> None:
    """What both kinds of list do with a file; ends with a status of its own when not every row is on the list."""
    from blindplate.client.owner import commands

    if submission.strict and submission.skip_bad:
        raise typer.BadParameter("--strict refuses what --skip-bad would leave out: choose one.")
    with Bars() as bars:
        report = commands.submit(_owner(settings), file, submission, progress=bars)
    _show(report, submission)
    if report.changed is None:
        raise typer.Exit(REFUSED)
    if any(problem.kind.refused for problem in report.problems):
        raise typer.Exit(ROWS_LEFT_OUT)


def _owner(path: Path) -> OwnerSettings:
    from blindplate.client.owner.settings import OwnerSettings
    from blindplate.edge.settings import load

    return load(OwnerSettings, path)


def _show(report: SubmitReport, submission: Submission) -> None:
    console = Console()
    for problem in report.problems:
        place = f"line {problem.line}, {problem.column}" if problem.column else f"line {problem.line}"
        console.print(f"{place}: {problem.kind.value}", highlight=False)
    if report.changed is None:
        console.print(
            "The file has problems and was to have none: the list is as it was."
            if submission.strict
            else "The file has rows that cannot be used: the list is as it was. Mend them, or add --skip-bad."
        )
        return
    console.print(_told(report.changed), highlight=False, soft_wrap=True)


def _told(done: ListChange) -> str:
    """What became of a change."""
    coming = done.change.waiting
    waits = f" {coming:,} vehicles wait for their effective date." if coming else ""
    return f"{_published(done)}{waits}"


def _published(done: ListChange) -> str:
    if done.change.version is None and done.in_force_since is not None:
        return f"The list was so already, and is in force since {_time(done.in_force_since)}."
    version = "It" if done.change.version is None else f"Version {done.change.version}"
    if done.in_force_since is None:
        return (
            f"{version} is not yet witnessed by both custodians; the daemon publishes it once it is. "
            "See it with `status`."
        )
    return f"{version} is witnessed by both custodians and published: in force since {_time(done.in_force_since)}."


def _committed(found: ListStatus) -> str:
    """The version in force, and the one that waits to be."""
    parts: list[str] = []
    if found.in_force is not None and found.in_force.effective_at is not None:
        since = _time(found.in_force.effective_at)
        parts.append(
            f"version {found.in_force.version} in force since {since} (entry {found.in_force.ledger_index})"
        )
    made = found.committed
    if made is not None and made.effective_at is None:
        state = "not entered yet" if made.ledger_index is None else f"entry {made.ledger_index}"
        parts.append(f"version {made.version} waits to be witnessed ({state})")
    return "; ".join(parts) or "no version yet"


def _time(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"
