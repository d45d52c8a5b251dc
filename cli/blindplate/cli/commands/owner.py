"""``blindplate owner``: a list owner's daemon."""

from __future__ import annotations

import typer

from blindplate.cli.commands.settings_file import SettingsFile

app = typer.Typer(help="A list owner's daemon.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """A list owner's daemon."""


@app.command()
def run(settings: SettingsFile) -> None:
    """Commit to the list, upload coming epochs, take answers, claim hits, see releases through; until told to stop."""
    from blindplate.client.owner.process import run as run_owner
    from blindplate.client.owner.settings import OwnerSettings
    from blindplate.edge.settings import load

    run_owner(load(OwnerSettings, settings))
