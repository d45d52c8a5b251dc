"""``blindplate matcher``: the matching service."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from blindplate.cli.commands.settings_file import SettingsFile

app = typer.Typer(help="The matching service.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The matching service."""


@app.command()
def serve(settings: SettingsFile) -> None:
    """Serve until told to stop."""
    from blindplate.edge.settings import load
    from blindplate.server.matcher.process import run
    from blindplate.server.matcher.settings import MatcherSettings

    run(load(MatcherSettings, settings))


@app.command()
def cameras(settings: SettingsFile) -> None:
    """When each camera was last heard of, and what is wrong with it. On the matcher's own machine."""
    from blindplate.cli.cameras.table import seen_table
    from blindplate.edge.clock import SystemClock
    from blindplate.edge.settings import load
    from blindplate.server.matcher.cameras.report import report
    from blindplate.server.matcher.settings import MatcherSettings

    now = SystemClock().now()
    Console().print(seen_table(report(load(MatcherSettings, settings).data / "matcher.db", now), now))


@app.command()
def retention(
    settings: SettingsFile,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Look for anything that outlives its window; beside a running matcher, on its own machine.

    Exits with status 1 if anything does.
    """
    from blindplate.cli.retention import retention_json, retention_table
    from blindplate.edge.clock import SystemClock
    from blindplate.edge.settings import load
    from blindplate.server.matcher.retention.check import check_by_hand
    from blindplate.server.matcher.settings import MatcherSettings

    told = load(MatcherSettings, settings)
    looked = check_by_hand(told.data, SystemClock(), told.retention_tolerance_seconds)
    if as_json:
        typer.echo(retention_json(looked))
    else:
        Console().print(retention_table(looked))
    if any(one.overdue for one in looked):
        raise typer.Exit(1)
