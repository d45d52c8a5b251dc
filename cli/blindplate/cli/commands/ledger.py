"""``blindplate ledger``: the ledger's service, its check, and what the operator enters by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from blindplate.cli.commands.settings_file import SettingsFile

app = typer.Typer(help="The public ledger.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The public ledger."""


@app.command()
def serve(settings: SettingsFile) -> None:
    """Serve until told to stop."""
    from blindplate.edge.settings import load
    from blindplate.server.ledger.process import run
    from blindplate.server.ledger.settings import LedgerSettings

    run(load(LedgerSettings, settings))


@app.command()
def enter(
    operator: SettingsFile,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Signed statements; of a zone register, its entry is made and signed."
        ),
    ],
) -> None:
    """Append signed statements, all or none, in the order given; as the operator or as another party."""
    from blindplate.client.grants.party import GrantPartySettings
    from blindplate.client.ledger_entries import enter as append
    from blindplate.edge.clock import SystemClock

    receipts = append(GrantPartySettings.read(operator), files, SystemClock().now())
    for file, receipt in zip(files, receipts, strict=True):
        Console().print(f"{file}: entry {receipt.index}.", highlight=False, soft_wrap=True, markup=False)
