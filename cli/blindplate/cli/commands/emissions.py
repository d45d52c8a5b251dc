"""``blindplate emissions``: the road charging authority's list of vehicles that owe the charge."""

from __future__ import annotations

from typing import Annotated

import typer

from blindplate.cli.commands.hotlist import ListFile, status, submit_list
from blindplate.cli.commands.settings_file import SettingsFile

app = typer.Typer(help="An emissions list.", no_args_is_help=True)
app.command()(status)


@app.command()
def submit(
    settings: SettingsFile,
    file: ListFile,
    skip_bad: Annotated[bool, typer.Option(help="Take the good rows of a file with bad ones.")] = False,
) -> None:
    """Make the list what a CSV file says, and publish it encrypted."""
    submit_list(settings, file, skip_bad=skip_bad)
