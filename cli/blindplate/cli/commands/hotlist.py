"""``blindplate hotlist`` and ``blindplate emissions``: an owner's list.

A plate is never an argument, since any process may read arguments: it is asked for, or read from standard input.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from blindplate.cli.commands.settings_file import SettingsFile

if TYPE_CHECKING:
    from blindplate.client.owner.commands import ListChange, SubmitReport
    from blindplate.client.owner.progress import Stage
    from blindplate.client.owner.settings import OwnerSettings
    from blindplate.client.owner.status import ListStatus

app = typer.Typer(help="A police hotlist.", no_args_is_help=True)

ListFile = Annotated[
    Path, typer.Argument(metavar="CSV", help="A header row with vrm, then one vehicle a row.")
]


@app.command()
def submit(
    settings: SettingsFile,
    file: ListFile,
    skip_bad: Annotated[bool, typer.Option(help="Take the good rows of a file with bad ones.")] = False,
) -> None:
    """Make the list what a CSV file says, and publish it encrypted."""
    submit_list(settings, file, skip_bad=skip_bad)


@app.command()
def add(
    settings: SettingsFile,
    reason: Annotated[str, typer.Option(help="Why the vehicle is listed.")] = "",
    country: Annotated[
        str | None, typer.Option(help="Two letters; the settings' country if not given.")
    ] = None,
) -> None:
    """List one vehicle more; its plate is asked for, or read from standard input."""
    from blindplate.client.owner import commands
    from blindplate.client.owner.entries import Details

    plate = typer.prompt("Plate", hide_input=False)
    with _Bars() as bars:
        done = commands.add(
            _owner(settings), plate, country=country, details=Details(reason=reason), progress=bars
        )
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
    with _Bars() as bars:
        done = commands.remove(_owner(settings), plate, country=country, progress=bars)
    Console().print(f"Taken off. {_told(done)}", highlight=False, soft_wrap=True)


@app.command()
def status(settings: SettingsFile) -> None:
    """Where the list stands: entries, uploads, answers, hits."""
    from blindplate.client.owner import commands

    found = commands.status(_owner(settings))
    table = Table(show_header=False, box=None)
    table.add_row("list", f"{found.list_id}, version {found.version}")
    table.add_row("in the ledger", _committed(found))
    table.add_row("entries", f"{found.entries:,} of {found.allowed:,} that grant {found.grant_id} allows")
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
    Console().print(table)


def submit_list(settings: Path, file: Path, *, skip_bad: bool) -> None:
    """What both kinds of list do with a file; ends with status 1 when a bad row leaves the list as it was."""
    from blindplate.client.owner import commands

    with _Bars() as bars:
        report = commands.submit(_owner(settings), file, skip_bad=skip_bad, progress=bars)
    _show(report)
    if report.changed is None:
        raise typer.Exit(1)


def _owner(path: Path) -> OwnerSettings:
    from blindplate.client.owner.settings import OwnerSettings
    from blindplate.edge.settings import load

    return load(OwnerSettings, path)


def _show(report: SubmitReport) -> None:
    console = Console()
    for problem in report.problems:
        console.print(f"line {problem.line}, {problem.column}: {problem.kind.value}", highlight=False)
    if report.changed is None:
        console.print(
            "The file has rows that cannot be used: the list is as it was. Mend them, or add --skip-bad."
        )
        return
    console.print(_told(report.changed), highlight=False, soft_wrap=True)


def _told(done: ListChange) -> str:
    """What became of a change."""
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


class _Bars:
    """A progress bar for each stage, shown once there is something to do."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._tasks: dict[Stage, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, stage: Stage, done: int, total: int, /) -> None:
        """Show how far a stage is."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage.value, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)
