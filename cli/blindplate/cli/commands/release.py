"""``blindplate release``: ask both custodians to open a hit, open it once both agree, say what came of it, keep it no longer."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from blindplate.cli.commands.settings_file import SettingsFile
from blindplate.core.statements.holds import MAX_HOLD_DAYS, HoldReason
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from blindplate.client.owner.requests import Request
    from blindplate.client.owner.retention.holding import Held
    from blindplate.client.owner.settings import OwnerSettings

app = typer.Typer(help="Two-party release.", no_args_is_help=True)

HitNumber = Annotated[
    int, typer.Argument(metavar="HIT", min=1, help="The hit's number, as `hits watch` shows it.")
]


class Judgement(StrEnum):
    """What a person can say of a revealed hit; that it was opened, or did not open, is entered by itself."""

    CONFIRMED = Outcome.CONFIRMED
    MISREAD = Outcome.MISREAD
    NOT_SOUGHT = Outcome.NOT_SOUGHT


@app.command()
def request(
    settings: SettingsFile,
    hit: HitNumber,
    purpose: Annotated[Purpose, typer.Option(help="One of the closed list of purposes.")],
    case: Annotated[str, typer.Option(help="Your case reference.")],
    emergency: Annotated[
        bool, typer.Option(help="Ask that officers' approval be skipped; the public ledger shows it.")
    ] = False,
) -> None:
    """Ask both custodians to release a hit. The public ledger has an entry of it, without the case, before they do."""
    from blindplate.client.owner import commands

    _show(commands.request(_owner(settings), hit, purpose, case, emergency=emergency))


@app.command("list")
def list_requests(settings: SettingsFile) -> None:
    """Every request made and where it stands at each custodian."""
    from blindplate.client.owner import commands

    for one in commands.releases(_owner(settings)):
        _show(one)


@app.command()
def reveal(settings: SettingsFile, hit: HitNumber) -> None:
    """Open a released hit: check both shares, open the record, and check its plate against record and list.

    The plate's image is saved in the owner's folder, for its owner alone, as are stills, clips and sounds that have come.
    """
    from blindplate.cli.commands.comparison import table
    from blindplate.client.owner import commands

    owner = _owner(settings)
    commands.reveal(owner, hit)
    sight = commands.sight(owner, hit)
    if sight is not None:
        Console().print(table(sight))
        if sight.alarm is not None:
            raise sight.alarm


@app.command()
def outcome(
    settings: SettingsFile,
    hit: HitNumber,
    judgement: Annotated[Judgement, typer.Argument(help="What came of the revealed hit.")],
) -> None:
    """Enter in the public ledger what came of a revealed hit. The last word counts."""
    from blindplate.client.owner import commands

    commands.judge(_owner(settings), hit, Outcome(judgement))
    Console().print(f"Entered: hit {hit} is {judgement.value}.", highlight=False)


@app.command()
def hold(
    settings: SettingsFile,
    hit: HitNumber,
    reason: Annotated[HoldReason, typer.Option(help="One of the closed list of reasons; public.")],
    basis: Annotated[
        str, typer.Option(help="The law or order that requires it. Public for ever: name nobody.")
    ],
    days: Annotated[int, typer.Option(min=1, max=MAX_HOLD_DAYS, help="For how many days from now.")],
) -> None:
    """Keep a hit's evidence beyond its time, by an entry in the public ledger. Only what was asked for can be held.

    Custodians keep no key for it: what is not opened by the end of its window is held sealed and never opened.
    """
    from blindplate.client.owner.retention import commands

    _show_hold(commands.hold(_owner(settings), hit, reason, basis, days))


@app.command()
def unhold(settings: SettingsFile, hit: HitNumber) -> None:
    """End a hold now. What it kept is erased within the hour, if its time is over."""
    from blindplate.client.owner.retention import commands

    _show_hold(commands.end_hold(_owner(settings), hit))


@app.command()
def holds(settings: SettingsFile) -> None:
    """Every hit that is held, or was and is still there."""
    from blindplate.client.owner.retention import commands

    for one in commands.holds(_owner(settings)):
        _show_hold(one)


@app.command()
def erase(settings: SettingsFile) -> None:
    """Erase what is past its time now, as the daemon does every hour, and look whether anything outlived it.

    Ends with 1 if anything did.
    """
    from blindplate.client.owner.retention import commands

    erased, found = commands.erase(_owner(settings))
    console = Console()
    console.print(f"erased: {erased.hits} hits, {erased.files} files", highlight=False)
    for one in found:
        said = f"{one.overdue} overdue" if one.overdue else "nothing overdue"
        console.print(f"{one.place}: {one.looked_at} looked at, {said}", highlight=False)
    if any(one.overdue for one in found):
        raise typer.Exit(1)


def _owner(path: Path) -> OwnerSettings:
    from blindplate.client.owner.settings import OwnerSettings
    from blindplate.edge.settings import load

    return load(OwnerSettings, path)


def _show_hold(held: Held) -> None:
    until = datetime.fromtimestamp(held.until, UTC)
    Console().print(
        f"hit {held.hit_id} ({held.state}): {held.reason}, until {until:%Y-%m-%d %H:%M:%S} UTC, "
        f"ledger entry {held.ledger_index}",
        highlight=False,
        soft_wrap=True,
    )


def _show(found: Request) -> None:
    entry = "not in the ledger yet" if found.ledger_index is None else f"ledger entry {found.ledger_index}"
    flag = ", an emergency" if found.emergency else ""
    said = "; ".join(
        f"custodian {reply.custodian.name}: {reply.standing.value}{f' ({reply.reason})' if reply.reason else ''}"
        for reply in found.replies
    )
    Console().print(
        f"request {found.request_id.hex()} for hit {found.hit_id} ({entry}{flag}): {said}",
        highlight=False,
        soft_wrap=True,
    )
