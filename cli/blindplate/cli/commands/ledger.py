"""``blindplate ledger``: the ledger's service, its check, and what the operator enters by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

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
def fsck(settings: SettingsFile) -> None:
    """Read and recompute everything the ledger keeps, while it does not run; exit status 1 when something is wrong."""
    from blindplate.edge.settings import load
    from blindplate.server.ledger.fsck import fsck as check
    from blindplate.server.ledger.settings import LedgerSettings

    loaded = load(LedgerSettings, settings)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Entries", total=None)
        defects = check(loaded, lambda done, of: bar.update(task, completed=done, total=of))
    for defect in defects:
        # Text, not markup: a stray file may have any name.
        Console().print(Text(f"{defect.path}: {defect.what}"), soft_wrap=True)
    if defects:
        raise typer.Exit(1)
    Console().print("Everything is as it must be.")


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
