"""``blindplate audit``: anyone checks the public ledger, draws the public report, or keeps watch.

Exit status: 0 when no rule is broken, 1 when one is, 2 when the ledger cannot be read or is not what its signatures say.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from blindplate.cli.commands.audit_subject import subject

if TYPE_CHECKING:
    from blindplate.client.auditor.audit import Audit
    from blindplate.client.auditor.audit import Progress as Told
    from blindplate.client.auditor.findings import Finding

_SERVED_MAX_AGE_SECONDS: Final = 3600.0

app = typer.Typer(help="Check the public ledger, draw its report, keep watch.", no_args_is_help=True)
app.command()(subject)

LedgerPlace = Annotated[
    str,
    typer.Option(
        "--ledger", metavar="URL|FOLDER", help="The ledger's web address, or a folder of its files."
    ),
]
KeysFile = Annotated[
    Path,
    typer.Option(
        "--keys", metavar="FILE", help="The deployment's public keys: keys.toml of `blindplate init`."
    ),
]


@app.callback()
def group() -> None:
    """Check the public ledger, draw its report, keep watch."""


@app.command()
def verify(
    ledger: LedgerPlace,
    keys: KeysFile,
    max_age: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="How long ago custodians may have witnessed it; an hour for an address, any time for a folder.",
        ),
    ] = None,
) -> None:
    """Verify every file, signature and entry of the ledger, every rule over them, and that it is not long out of date."""
    from blindplate.client.auditor.freshness import age_of, stale
    from blindplate.edge.clock import SystemClock
    from blindplate.edge.ledger.source import is_address

    console = Console()
    audit = _verified(ledger, keys)
    now = SystemClock().now()
    # A folder may be an archive, which nobody witnesses anew.
    allowed = _SERVED_MAX_AGE_SECONDS if max_age is None and is_address(ledger) else max_age
    if allowed is not None:
        audit.findings += stale(audit.signed, now, allowed)
    _print_findings(console, audit.findings)
    checkpoint = audit.signed.checkpoint
    for line in (
        f"{checkpoint.size:,} entries of {checkpoint.origin}, root {checkpoint.root.hex()}",
        age_of(audit.signed, now),
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    _end(console, audit)


@app.command()
def report(
    ledger: LedgerPlace,
    keys: KeysFile,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the report is written.")] = Path(
        "report"
    ),
) -> None:
    """Verify the ledger and write its public report: a page to open in a browser, JSON and CSV."""
    from blindplate.client.auditor.report import write_report

    console = Console()
    audit = _verified(ledger, keys)
    page = write_report(audit, out)
    console.print(f"Report: {page}", highlight=False, markup=False, soft_wrap=True)
    _end(console, audit)


@app.command()
def watch(
    ledger: LedgerPlace,
    keys: KeysFile,
    state: Annotated[Path, typer.Option(metavar="FILE", help="What was seen last; made when missing.")],
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 30.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, then end.")] = False,
) -> None:
    """Follow the ledger: print new entries and findings; end at once when it forks or goes back."""
    from blindplate.client.auditor.keys import read_keys
    from blindplate.client.auditor.watch import Watch
    from blindplate.edge.ledger.source import open_source

    console = Console()
    watching = Watch(open_source(ledger), read_keys(keys), state)
    with _progress() as told:
        seen = watching.look(told)
    while True:
        for line in seen.lines:
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        _print_findings(console, seen.findings)
        if once:
            raise typer.Exit(1 if watching.violated else 0)
        try:
            seen = watching.wait(every)
        except KeyboardInterrupt:
            raise typer.Exit(1 if watching.violated else 0) from None


def _verified(ledger: str, keys: Path) -> Audit:
    from blindplate.client.auditor.keys import read_keys
    from blindplate.client.auditor.verify import verify as verify_ledger

    with _progress() as told:
        return verify_ledger(ledger, read_keys(keys), told)


@contextmanager
def _progress() -> Generator[Told]:
    columns = (
        TextColumn("reading the ledger"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("", total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _print_findings(console: Console, findings: Iterable[Finding]) -> None:
    for one in findings:
        where = "file" if one.index is None else f"entry {one.index}"
        # Text, not markup: nothing that stands in a ledger is interpreted.
        style = "bold red" if one.severity == "violation" else "yellow"
        console.print(
            Text(f"{one.severity} {one.kind}, {where}: {one.sentence}", style=style), soft_wrap=True
        )


def _end(console: Console, audit: Audit) -> None:
    from blindplate.client.auditor.wording import plural

    violations = len(audit.violations)
    notes = len(audit.findings) - violations
    if violations:
        console.print(
            Text(f"NOT GREEN: {plural(violations, 'violation')}, {plural(notes, 'note')}.", style="bold red")
        )
        raise typer.Exit(1)
    console.print(Text(f"GREEN: no rule is broken; {plural(notes, 'note')}.", style="bold green"))
