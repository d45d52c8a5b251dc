"""``blindplate zone policy``: what the cameras of a zone are to do, drafted from the ledger and signed by both custodians."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from blindplate.cli.commands.settings_file import SettingsFile
from blindplate.core.statements.policies import PseudonymMode

app = typer.Typer(help="A zone's policy: what its cameras are to do.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """A zone's policy: what its cameras are to do."""


@app.command()
def draft(
    operator: SettingsFile,
    zone: Annotated[str, typer.Argument(metavar="ZONE", help="The zone.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it.")],
    mode: Annotated[PseudonymMode | None, typer.Option(help="Another mode than now.")] = None,
) -> None:
    """Draft a zone's next policy from its grants as the ledger has them; it begins when their amendments do."""
    from blindplate.client.grants import policy as policies
    from blindplate.client.grants.party import GrantPartySettings
    from blindplate.core.statements.policies import ZonePolicy
    from blindplate.edge.clock import SystemClock
    from blindplate.edge.keyfiles import write_statement
    from blindplate.edge.ledger.snapshot import read_ledger

    settings = GrantPartySettings.read(operator)
    with read_ledger(settings.ledger, settings.trust) as state:
        drafted = policies.draft(zone, state, settings.trust.parties(), SystemClock().now(), mode)
    write_statement(out, drafted)
    policy = ZonePolicy.parsed(drafted.payload)
    _say(
        f"Drafted with serial {policy.serial}, to begin at {policy.not_before}. Have both custodians sign {out}."
    )


@app.command()
def sign(
    custodian: SettingsFile,
    policy: Annotated[Path, typer.Argument(metavar="POLICY", help="The policy's file.")],
) -> None:
    """Sign a zone's policy as a custodian, on its own machine, once it is as the ledger says."""
    from blindplate.client.grants import policy as policies
    from blindplate.client.grants.party import GrantPartySettings
    from blindplate.edge.keyfiles import read_statement, write_statement
    from blindplate.edge.ledger.snapshot import read_ledger

    settings = GrantPartySettings.read(custodian)
    with read_ledger(settings.ledger, settings.trust) as state:
        signed = policies.sign(read_statement(policy), settings.key(), settings.trust.parties(), state)
    write_statement(policy, signed)
    if len(signed.signatures) == 1:
        _say("Signed. The other custodian has to sign it as well.")
    else:
        _say(
            "Signed by both. Enter it with `ledger enter`, and install it before it begins beside the present one, as "
            "ZONE.next.json beside ZONE.json, at the zone's cameras and at both custodians."
        )


def _say(text: str) -> None:
    Console().print(text, highlight=False, soft_wrap=True, markup=False)
