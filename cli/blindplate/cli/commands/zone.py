"""``blindplate zone``: the public camera register of a zone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from blindplate.cli.commands.settings_file import SettingsFile

app = typer.Typer(help="Zones and their public camera registers.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Zones and their public camera registers."""


@app.command()
def sign(
    operator: SettingsFile,
    description: Annotated[
        Path, typer.Argument(metavar="TOML", help="The zone's cameras; see docs/spec/grants.md.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write the register.")],
) -> None:
    """Sign a zone's camera register as the operator."""
    from blindplate.client.grants.party import GrantPartySettings
    from blindplate.client.grants.zone import signed_register
    from blindplate.edge.keyfiles import write_statement

    register = signed_register(description, GrantPartySettings.read(operator).key())
    write_statement(out, register)
    Console().print(
        f"Signed. Enter it with `ledger enter`, then have the grants over the zone amended to name {out}.",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
