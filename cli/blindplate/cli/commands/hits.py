"""``blindplate hits``: what an owner has claimed, sealed until it is released."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from blindplate.cli.commands.settings_file import SettingsFile

if TYPE_CHECKING:
    from blindplate.client.owner.hits import Hit

app = typer.Typer(help="An owner's hits.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """An owner's hits."""


@app.command()
def watch(
    settings: SettingsFile,
    after: Annotated[int | None, typer.Option(min=0, help="Begin behind this hit; 0 shows all.")] = None,
    once: Annotated[bool, typer.Option(help="Show what is there and end.")] = False,
) -> None:
    """Show hits as they come in. A hit says only that some vehicle of the list was read: no plate, until release.

    A hit that is revealed is shown once more, with everything to compare before acting.
    """
    from blindplate.cli.commands.comparison import table
    from blindplate.client.owner import commands
    from blindplate.client.owner.hits import HitState
    from blindplate.client.owner.settings import OwnerSettings
    from blindplate.edge.settings import load

    owner = load(OwnerSettings, settings)
    console = Console()
    for hit in commands.hits(owner, after=after or 0) if once else commands.watch(owner, after=after):
        console.print(_line(hit, commands.has_media(owner, hit.hit_id)), highlight=False, soft_wrap=True)
        sight = commands.sight(owner, hit.hit_id) if hit.state is HitState.REVEALED else None
        if sight is not None:
            console.print(table(sight))


def _line(hit: Hit, media: bool | None) -> str:
    moment = datetime.fromtimestamp(hit.captured_at, UTC)
    came = "" if media is None else ", media here" if media else ", media not here yet"
    flag = ", an alternate spelling: check by eye" if hit.alternate else ""
    return (
        f"hit {hit.hit_id}: zone {hit.domain.zone}, within {hit.granularity:g} s from "
        f"{moment:%Y-%m-%d %H:%M:%S} UTC, {hit.state.value}{came}{flag}"
    )
