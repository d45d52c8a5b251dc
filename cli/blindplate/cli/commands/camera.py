"""``blindplate camera``: one camera's process."""

from __future__ import annotations

import sys

import typer

app = typer.Typer(help="A camera.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """A camera."""


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def run(context: typer.Context) -> None:
    """Take ANPR events, seal reads and send them; the same as the command blindplate-camera of the base package."""
    from blindplate.client.camera.command import main

    sys.exit(main(["run", *context.args]))
