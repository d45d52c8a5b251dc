"""``blindplate emissions``: the road charging authority's list of vehicles that owe the charge."""

from __future__ import annotations

import typer

from blindplate.cli.commands.hotlist import ListFile, SkipBad, Strict, status, submit_list
from blindplate.cli.commands.settings_file import SettingsFile
from blindplate.client.owner.lists.layouts import ListForm

app = typer.Typer(help="An emissions list.", no_args_is_help=True)
app.command()(status)


@app.command()
def submit(
    settings: SettingsFile,
    file: ListFile,
    strict: Strict = False,
    skip_bad: SkipBad = False,
) -> None:
    """Make the list what a CSV file says, and publish it encrypted.

    Ends with 0 when the file was taken whole, 1 when the list is as it was, 3 when rows were left out, 2 after an error.
    """
    from blindplate.client.owner.lists.forms import Expected
    from blindplate.client.owner.submitting import Submission

    expected = Expected(form=ListForm.CSV)
    submit_list(settings, file, Submission(expected, strict=strict, skip_bad=skip_bad))
