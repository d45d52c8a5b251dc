"""``blindplate grant``: draft, show, sign, countersign and end grants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from blindplate.cli.commands.settings_file import SettingsFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blindplate.cli.grants.page import Line
    from blindplate.cli.grants.reading import Place
    from blindplate.core.statements.grants import Grant
    from blindplate.edge.ledger.snapshot import Snapshot

app = typer.Typer(help="Grants: who may have what matched, where, until when.", no_args_is_help=True)

GrantFile = Annotated[Path, typer.Argument(metavar="GRANT", help="The grant's file.")]
Output = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it.")]
ShortNotice = Annotated[
    bool,
    typer.Option(
        "--short-notice", help="Allow less than a day's notice, as for a deployment to try things with."
    ),
]
Reason = Annotated[str, typer.Option(help="Why; it is public.")]


@app.command()
def draft(
    owner: SettingsFile,
    description: Annotated[
        Path, typer.Argument(metavar="TOML", help="What is asked for; see docs/spec/grants.md.")
    ],
    out: Output,
    short_notice: ShortNotice = False,
) -> None:
    """Draft a grant from a description, with the camera registers as the ledger has them."""
    from blindplate.client.grants import description as descriptions
    from blindplate.client.owner.settings import OwnerSettings
    from blindplate.core.signing import SEED_BYTES, SigningKey
    from blindplate.edge.keyfiles import read_secret, write_statement
    from blindplate.edge.ledger.snapshot import read_ledger
    from blindplate.edge.settings import load
    from blindplate.psi.parameters import SET_NAMES

    settings = load(OwnerSettings, owner)
    key = SigningKey.from_seed(read_secret(settings.signing_key, SEED_BYTES))
    described = descriptions.read_description(description)
    with read_ledger(settings.ledger, settings.trust) as state:
        drafted = descriptions.draft(
            described, description.parent, settings, key.public, state, SET_NAMES, short_notice=short_notice
        )
    _warn(drafted)
    write_statement(out, drafted.statement())
    _done(f"Drafted in {out}. Read it with `blindplate grant show`, then have the operator sign it.")


@app.command()
def show(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="[SETTINGS] GRANT",
            help="A party's settings file, unless --ledger and --keys are given; a grant's file, or its name in the ledger.",
        ),
    ],
    ledger: Annotated[
        str | None,
        typer.Option(metavar="URL|FOLDER", help="The ledger's web address, or a folder of its files."),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The deployment's public keys: keys.toml of `blindplate init`."),
    ] = None,
) -> None:
    """Show a grant in plain words: what it allows, who has signed it, and where it stands in the ledger."""
    from blindplate.cli.grants.reading import place_of

    place, grant = place_of(arguments, ledger, keys)
    if Path(grant).is_file():
        _show_file(Path(grant), place)
    else:
        _show_entered(grant, place)


@app.command()
def sign(operator: SettingsFile, grant: GrantFile, short_notice: ShortNotice = False) -> None:
    """Sign a draft as the operator."""
    from blindplate.client.grants import signing
    from blindplate.client.grants.party import GrantPartySettings
    from blindplate.core.statements.grants import Grant
    from blindplate.edge.keyfiles import read_statement, write_statement
    from blindplate.edge.ledger.snapshot import read_ledger

    settings = GrantPartySettings.read(operator)
    draft = read_statement(grant)
    with read_ledger(settings.ledger, settings.trust) as state:
        signed = signing.sign(draft, settings.key(), state, short_notice=short_notice)
    _warn(Grant.parsed(signed.payload))
    write_statement(grant, signed)
    _done(f"Signed. Have each custodian countersign {grant}.")


@app.command()
def countersign(custodian: SettingsFile, grant: GrantFile, short_notice: ShortNotice = False) -> None:
    """Countersign a grant as a custodian, on the custodian's own machine."""
    from blindplate.client.grants import signing
    from blindplate.client.grants.party import GrantPartySettings
    from blindplate.core.statements.grants import Grant
    from blindplate.edge.keyfiles import read_statement, write_statement
    from blindplate.edge.ledger.snapshot import read_ledger
    from blindplate.psi.parameters import SET_NAMES

    settings = GrantPartySettings.read(custodian)
    statement, parties = read_statement(grant), settings.trust.parties()
    with read_ledger(settings.ledger, settings.trust) as state:
        signed = signing.countersign(
            statement, settings.key(), parties, state, SET_NAMES, short_notice=short_notice
        )
    _warn(Grant.parsed(signed.payload))
    write_statement(grant, signed)
    _done(f"Countersigned. With both custodians' signatures the operator enters {grant} with `ledger enter`.")


@app.command()
def end(
    operator: SettingsFile,
    grant: Annotated[str, typer.Argument(metavar="GRANT", help="The grant's name.")],
    reason: Reason,
) -> None:
    """End a grant for good, now."""
    from blindplate.client.grants import signing
    from blindplate.client.grants.party import GrantPartySettings
    from blindplate.edge.clock import SystemClock
    from blindplate.edge.ledger.appender import LedgerClient
    from blindplate.edge.ledger.snapshot import read_ledger

    settings = GrantPartySettings.read(operator)
    with read_ledger(settings.ledger, settings.trust) as state:
        ended = signing.end(grant, reason, settings.key(), state, SystemClock().now())
    client = LedgerClient(settings.ledger.address, settings.tls, settings.ledger.keys.keys())
    try:
        (receipt,) = client.append([ended])
    finally:
        client.close()
    _done(
        f"Grant {grant} is ended by entry {receipt.index}; nothing is matched under it once that is witnessed."
    )


def _show_file(path: Path, place: Place) -> None:
    """A grant on its way: the page, who signed, and what it would change."""
    from blindplate.cli.grants.page import changes, page, signatures
    from blindplate.core.statements.grants import Grant
    from blindplate.edge.keyfiles import read_statement

    statement = read_statement(path)
    grant = Grant.parsed(statement.payload)
    read = _read_if_there(place)
    registers = None if read is None else read.state.registers
    _table(f"Grant {grant.grant_id}", [*page(grant, registers), *signatures(statement, place.parties)])
    before = None if read is None else read.state.grants.get(grant.grant_id)
    if before is not None:
        _table("What it changes of the last amendment entered", changes(before.latest, grant, registers))
    _warn(grant)


def _read_if_there(place: Place) -> Snapshot | None:
    """The ledger, for what a grant's file leaves to it; None when it does not answer."""
    from blindplate.core.errors import UnavailableError
    from blindplate.edge.ledger.snapshot import read_public

    try:
        with read_public(place.url, place.keys, place.parties) as read:
            return read
    except UnavailableError:
        _loud(
            "The ledger does not answer: whether the grant fits it, and how many cameras it names, is not shown."
        )
        return None


def _show_entered(grant_id: str, place: Place) -> None:
    """A grant of the ledger: where it stands, and the pages of what is in force or to come."""
    from blindplate.cli.grants.page import changes, page
    from blindplate.cli.grants.standing import of_interest, standing
    from blindplate.core.errors import NotFoundError
    from blindplate.edge.clock import SystemClock
    from blindplate.edge.ledger.snapshot import read_public

    with read_public(place.url, place.keys, place.parties) as read:
        history, registers = read.state.grants.get(grant_id), read.state.registers
    if history is None:
        raise NotFoundError(
            f"The ledger holds no grant {grant_id}, and there is no such file.",
            "Name a grant's file, or another grant.",
        )
    now = SystemClock().now()
    _table(f"Grant {grant_id}", standing(history, read.signed, now))
    for amendment in of_interest(history, now):
        number = amendment.grant.amendment
        _table(f"Grant {grant_id}, amendment {number}: what it says", page(amendment.grant, registers))
        if number:
            before = history.amendments[number - 1].grant
            _table(f"What amendment {number} changes", changes(before, amendment.grant, registers))


def _warn(grant: Grant) -> None:
    from blindplate.client.grants.checks import notice_warning

    warning = notice_warning(grant)
    if warning is not None:
        _loud(warning)


def _loud(text: str) -> None:
    Console(stderr=True).print(Text(text, style="bold red"), soft_wrap=True)


def _table(title: str, lines: Sequence[Line]) -> None:
    table = Table(title=title, title_justify="left", show_header=False, show_lines=True)
    table.add_column()
    # Folded, never cut: of a key or a digest every digit counts.
    table.add_column(overflow="fold")
    for line in lines:
        # Text, not markup: an owner's words are shown as they are.
        table.add_row(line.question, Text(line.answer))
    Console().print(table)


def _done(text: str) -> None:
    Console().print(text, highlight=False, soft_wrap=True, markup=False)
