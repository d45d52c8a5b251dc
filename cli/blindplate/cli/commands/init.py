"""``blindplate init``: make a small deployment."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    cameras: Annotated[int, typer.Option(min=1, max=99, help="How many cameras.")] = 3,
    first_port: Annotated[
        int, typer.Option(min=1, max=65_531, help="Servers listen on this port and the next four.")
    ] = 7701,
    local: Annotated[
        bool,
        typer.Option("--local", help="Cameras make pseudonyms themselves, with keys custodians hand them."),
    ] = False,
    payment_days: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=27,
            help="Charge in two stages: emissions reads are kept, and opened so many days after their own.",
        ),
    ] = None,
) -> None:
    """Make a deployment: authority, certificates, keys, grants, policies and one settings file a process."""
    from blindplate.cli.deployment import create_deployment, default_plan
    from blindplate.core.statements.policies import PseudonymMode

    # An hour back, so that no clock of these machines finds its grant still to come.
    begins = int(time.time()) - 3600
    mode = PseudonymMode.LOCAL if local else PseudonymMode.OBLIVIOUS
    made_to = default_plan(begins, cameras=cameras, first_port=first_port, payment_days=payment_days)
    plan = replace(made_to, mode=mode)
    made = create_deployment(folder, plan)
    console = Console()
    console.print(f"Made a deployment in {folder}. Start its processes, each in a terminal of its own:")
    for line in (
        f"blindplate custodian serve {made.settings('custodian-a')}",
        f"blindplate custodian serve {made.settings('custodian-b')}",
        f"blindplate ledger serve {made.settings('ledger')}",
        f"blindplate matcher serve {made.settings('matcher')}",
        f"blindplate owner run {made.settings('owner-police')}",
        f"blindplate camera run {made.settings('camera-1')} --input EVENTS.jsonl",
        f"blindplate audit verify --ledger {made.ledger} --keys {made.keys}",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True)
