"""``blindplate matcher``: the matching service."""

from __future__ import annotations

import typer

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
