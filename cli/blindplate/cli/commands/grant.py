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

app = typer.Typer(help="Grants: who may have what matched, where, until when.", no_args_is_help=True)

GrantFile = Annotated[Path, typer.Argument(metavar="GRANT", help="The grant's file.")]
Output = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it.")]
Reason = Annotated[str, typer.Option(help="Why; it is public.")]


@app.command()
def draft(
    owner: SettingsFile,
    description: Annotated[
        Path, typer.Argument(metavar="TOML", help="What is asked for; see docs/spec/grants.md.")
    ],
    out: Output,
) -> None:
    """Draft a grant from a description, with the camera registers as the ledger has them."""
    from blindplate.client.grants import description as descriptions
    from blindplate.client.owner.settings import OwnerSettings
    from blindplate.core.signing import SEED_BYTES, SigningKey
    from blindplate.edge.keyfiles import read_secret, write_statement
    from blindplate.edge.ledger.snapshot import read_ledger
    from blindplate.edge.settings import load

    settings = load(OwnerSettings, owner)
    key = SigningKey.from_seed(read_secret(settings.signing_key, SEED_BYTES))
    described = descriptions.read_description(description)
    with read_ledger(settings.ledger, settings.trust) as state:
        drafted = descriptions.draft(described, description.parent, settings, key.public, state)
    write_statement(out, drafted)
    _done(f"Drafted in {out}. Read it with `blindplate grant show`, then have the operator sign it.")


@app.command()
def show(
    party: SettingsFile,
    grant: Annotated[str, typer.Argument(metavar="GRANT", help="A grant's file, or its name in the ledger.")],
) -> None:
    """Show a grant in plain words, and who has signed it."""
    from blindplate.cli.grants.page import page, signatures
    from blindplate.client.grants.party import GrantPartySettings
    from blindplate.core.errors import NotFoundError
    from blindplate.core.statements.grants import Grant
    from blindplate.edge.keyfiles import read_statement
    from blindplate.edge.ledger.snapshot import read_ledger

    settings = GrantPartySettings.read(party)
    if Path(grant).is_file():
        statement = read_statement(Path(grant))
        parsed = Grant.parsed(statement.payload)
        _table(f"Grant {parsed.grant_id}", [*page(parsed), *signatures(statement, settings.trust.parties())])
        return
    with read_ledger(settings.ledger, settings.trust) as state:
        history = state.grants.get(grant)
        if history is None:
            raise NotFoundError(
                f"The ledger holds no grant {grant}.", "Name a grant's file, or another grant."
            )
        for amendment in history.amendments:
            _table(f"Grant {grant}", page(amendment.grant))
        if history.ended_at is not None:
            _done(f"Grant {grant} has ended.")


@app.command()
def sign(operator: SettingsFile, grant: GrantFile) -> None:
    """Sign a draft as the operator."""
    from blindplate.client.grants import signing
    from blindplate.client.grants.party import GrantPartySettings
    from blindplate.edge.keyfiles import read_statement, write_statement
    from blindplate.edge.ledger.snapshot import read_ledger

    settings = GrantPartySettings.read(operator)
    with read_ledger(settings.ledger, settings.trust) as state:
        write_statement(grant, signing.sign(read_statement(grant), settings.key(), state))
    _done(f"Signed. Have each custodian countersign {grant}.")


@app.command()
def countersign(custodian: SettingsFile, grant: GrantFile) -> None:
    """Countersign a grant as a custodian, on the custodian's own machine."""
    from blindplate.client.grants import signing
    from blindplate.client.grants.party import GrantPartySettings
    from blindplate.edge.keyfiles import read_statement, write_statement
    from blindplate.edge.ledger.snapshot import read_ledger

    settings = GrantPartySettings.read(custodian)
    with read_ledger(settings.ledger, settings.trust) as state:
        signed = signing.countersign(read_statement(grant), settings.key(), settings.trust.parties(), state)
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


def _table(title: str, lines: Sequence[Line]) -> None:
    table = Table(title=title, title_justify="left", show_header=False, show_lines=True)
    for line in lines:
        # Text, not markup: an owner's words are shown as they are.
        table.add_row(line.question, Text(line.answer))
    Console().print(table)


def _done(text: str) -> None:
    Console().print(text, highlight=False, soft_wrap=True, markup=False)
