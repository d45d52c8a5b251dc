"""``blindplate audit subject``: did they look at me? For an officer, on behalf of a keeper who proved who they are.

The plate is never an argument, since any process may read arguments: it is asked for, or read from standard input.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from blindplate.cli.commands.settings_file import SettingsFile


def subject(
    settings: SettingsFile,
    country: Annotated[str, typer.Option(help="The plate's country: two letters.")] = "GB",
) -> None:
    """The releases of one vehicle, for its keeper; SETTINGS are an officer's whom both custodians name for this."""
    from blindplate.client.officer import OfficerSettings
    from blindplate.client.subjects import find_releases
    from blindplate.core.plates import canonicalize
    from blindplate.edge.settings import load

    plate = canonicalize(typer.prompt("Plate", hide_input=False), country)
    found = find_releases(load(OfficerSettings, settings), plate)
    console = Console()
    for release in found:
        entry = release.entry
        asked = datetime.fromtimestamp(entry.made_at, UTC)
        console.print(
            f"{asked:%Y-%m-%d %H:%M} UTC: {entry.purpose.value}, {entry.lawful_basis}, by {entry.requester} under grant "
            f"{entry.grant_id}, list {entry.list_id}, zone {entry.zone}; entry {release.ledger_index} of the ledger",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    console.print(f"Releases of this vehicle: {len(found)}.")
