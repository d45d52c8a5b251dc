"""The command line: one command a party, thin over the functions of client and server.

Guarantees that an error of our tree ends in its two sentences and exit status 2, without a traceback. Command
modules import what they run inside the command, so that a camera needs neither numpy nor a database driver and
``--help`` is quick.
"""

from __future__ import annotations

import signal
import sys

import typer
from rich.console import Console
from rich.text import Text

from blindplate.cli.commands import (
    audit,
    bench,
    camera,
    charge,
    custodian,
    demo,
    emissions,
    grant,
    hits,
    hotlist,
    init,
    ledger,
    matcher,
    owner,
    policy,
    release,
    simulate,
    zone,
)
from blindplate.core.errors import BlindplateError

app = typer.Typer(
    name="blindplate",
    help="Match number plates against lists without watching anyone.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("init")(init.command)
app.command("demo")(demo.command)
app.command("simulate")(simulate.command)
app.add_typer(camera.app, name="camera")
app.add_typer(matcher.app, name="matcher")
app.add_typer(custodian.app, name="custodian")
app.add_typer(owner.app, name="owner")
app.add_typer(ledger.app, name="ledger")
app.add_typer(grant.app, name="grant")
zone.app.add_typer(policy.app, name="policy")
app.add_typer(zone.app, name="zone")
app.add_typer(audit.app, name="audit")
app.add_typer(hotlist.app, name="hotlist")
app.add_typer(emissions.app, name="emissions")
app.add_typer(charge.app, name="charge")
app.add_typer(hits.app, name="hits")
app.add_typer(release.app, name="release")
app.add_typer(bench.app, name="bench")


def main() -> None:
    """The console script ``blindplate``."""
    # A command that started processes is to stop them also when it is told to end; services set handlers of their own.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(128 + signal.SIGTERM))
    try:
        app()
    except BlindplateError as error:
        # Text, not markup: what an error quotes, as a file name, is printed and never interpreted.
        console = Console(stderr=True)
        console.print(Text(error.what, style="bold red"))
        console.print(Text(error.remedy))
        sys.exit(2)


if __name__ == "__main__":
    main()
