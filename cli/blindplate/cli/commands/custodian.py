"""``blindplate custodian``: a custodian's process, and what its officers do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from blindplate.cli.commands.settings_file import SettingsFile
from blindplate.core.errors import NotFoundError
from blindplate.core.statements.releases import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from blindplate.client.officer import OfficerSettings, Waiting

app = typer.Typer(help="A custodian and its officers.", no_args_is_help=True)

GrantName = Annotated[str, typer.Argument(metavar="GRANT", help="The grant's name.")]
PublicReason = Annotated[
    str, typer.Option("--reason", help="Why; it is entered in the ledger for all to read.")
]
RequestId = Annotated[str, typer.Argument(metavar="REQUEST", help="The request, or how its number begins.")]
Reason = Annotated[str, typer.Option(help="Why; it is signed into the custodian's record.")]


@app.command()
def serve(settings: SettingsFile) -> None:
    """Serve until told to stop."""
    from blindplate.edge.settings import load
    from blindplate.server.custodian.process import run
    from blindplate.server.custodian.settings import CustodianSettings

    run(load(CustodianSettings, settings))


@app.command()
def suspend(settings: SettingsFile, grant: GrantName, reason: PublicReason) -> None:
    """Act on a grant no more, from now on. On the custodian's own machine."""
    _give_word(settings, grant, suspended=True, reason=reason)


@app.command()
def resume(settings: SettingsFile, grant: GrantName, reason: PublicReason) -> None:
    """Act on a suspended grant again. On the custodian's own machine."""
    _give_word(settings, grant, suspended=False, reason=reason)


@app.command()
def pending(officer: SettingsFile) -> None:
    """The requests that wait for an officer of this custodian."""
    from blindplate.client import officer as officers

    console = Console()
    for waiting in officers.pending(_officer(officer)):
        for line in _shown(waiting):
            console.print(line, highlight=False, markup=False, soft_wrap=True)


@app.command()
def approve(officer: SettingsFile, request: RequestId, reason: Reason) -> None:
    """Approve a release, under this officer's own key."""
    _decide(officer, request, Verdict.APPROVED, reason)


@app.command()
def deny(officer: SettingsFile, request: RequestId, reason: Reason) -> None:
    """Deny a release, under this officer's own key."""
    _decide(officer, request, Verdict.DENIED, reason)


@app.command()
def decisions(officer: SettingsFile) -> None:
    """The custodian's signed record of decisions, verified."""
    from blindplate.client import officer as officers

    console = Console()
    for one in officers.decisions(_officer(officer)):
        how = "automatic" if one.automatic else f"by {', '.join(one.officers) or 'nobody'}"
        if one.resumed:
            console.print("The database was put back here: the decisions before are in the ledger alone.")
        console.print(
            f"{one.sequence}: {one.verdict.value} ({one.code}), {how}: {_printable(one.reason)}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def _shown(waiting: Waiting) -> list[str]:
    """A request as officers see it: what binds them first, then what its owner wrote."""
    asked = waiting.request
    until = datetime.fromtimestamp(asked.expires_at, UTC)
    approved = ", ".join(waiting.approved_by) or "nobody yet"
    lines = [
        f"{waiting.request_id.hex()}",
        f"  {asked.purpose.value}, under grant {asked.grant_id}, until {until:%Y-%m-%d %H:%M} UTC",
        f"  needs {_officers(waiting.officers_needed)}; approved by {approved}",
    ]
    if waiting.alternate:
        lines.append("  ALTERNATE READING: a less likely spelling; compare it by eye")
    if asked.emergency:
        lines.append("  EMERGENCY: its owner asked for release without approval")
    written = (
        ("by", asked.requester),
        ("case", asked.case_reference),
        ("lawful basis", asked.lawful_basis),
    )
    return lines + [f"  {name}: {_printable(text)}" for name, text in written]


def _officers(needed: int) -> str:
    return {1: "one officer", 2: "two officers (four eyes)"}.get(needed, f"{needed} officers")


def _printable(text: str) -> str:
    """Text of another party on one line, which nothing in it can end or paint over."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _give_word(path: Path, grant_id: str, *, suspended: bool, reason: str) -> None:
    from blindplate.edge.clock import SystemClock
    from blindplate.edge.settings import load
    from blindplate.server.custodian.settings import CustodianSettings
    from blindplate.server.custodian.suspending import give_word
    from blindplate.server.custodian.suspensions import Word

    word = Word(grant_id, suspended, reason)
    give_word(load(CustodianSettings, path), word, SystemClock().now())
    state = "suspended" if suspended else "acted on again"
    Console().print(
        f"{grant_id} is {state} by this custodian; the ledger is told as soon as it answers.", highlight=False
    )


def _decide(path: Path, begins: str, verdict: Verdict, reason: str) -> None:
    from blindplate.client import officer as officers

    settings = _officer(path)
    named = [
        one.request_id
        for one in officers.pending(settings)
        if one.request_id.hex().startswith(begins.lower())
    ]
    if len(named) != 1:
        raise NotFoundError(
            f"{len(named)} waiting requests begin with that number.",
            "Name one, as `custodian pending` shows them.",
        )
    decision = officers.decide(
        settings, named[0], Verdict.APPROVED if verdict is Verdict.APPROVED else Verdict.DENIED, reason
    )
    said = (
        f"{decision.verdict.value}: {decision.reason}" if decision else "Noted; another officer has to agree."
    )
    Console().print(said, highlight=False)


def _officer(path: Path) -> OfficerSettings:
    from blindplate.client.officer import OfficerSettings
    from blindplate.edge.settings import load

    return load(OfficerSettings, path)
