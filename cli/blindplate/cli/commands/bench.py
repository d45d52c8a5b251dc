"""``blindplate bench``: what this machine does, measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from blindplate.cli.benchmarks.report import Figures
    from blindplate.cli.benchmarks.timing import Say

app = typer.Typer(help="Measure this machine.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]
Rounds = Annotated[int, typer.Option(min=5, help="How often each is measured; medians are shown.")]


@app.command()
def match(
    entries: Annotated[int, typer.Option(min=1, help="How many entries the list holds.")],
    parameter_set: Annotated[str, typer.Option("--set", metavar="NAME", help="prompt or bulk.")] = "prompt",
    reads: Annotated[
        int | None, typer.Option(min=1, help="A tick with so many reads, beside the usual ones.")
    ] = None,
    batches: Rounds = 7,
    as_json: AsJson = False,
) -> None:
    """Encrypt a list, match batches of reads against it, open the answers; on one core."""
    from blindplate.cli.benchmarks.match import measure_match

    _show(
        "The encrypted match",
        lambda say: measure_match(entries, parameter_set, reads, batches, say),
        as_json=as_json,
    )


@app.command()
def pseudonyms(
    inputs: Annotated[int, typer.Option(min=1, max=65_535, help="Inputs under one proof.")] = 1_000,
    rounds: Rounds = 7,
    as_json: AsJson = False,
) -> None:
    """Blind, evaluate with proof, finalize, and evaluate directly; on one core."""
    from blindplate.cli.benchmarks.pseudonyms import measure_pseudonyms

    _show("Pseudonyms", lambda say: measure_pseudonyms(inputs, rounds, say), as_json=as_json)


@app.command()
def records(
    batch: Annotated[int, typer.Option(min=1, max=4_096, help="Records under one signature.")] = 250,
    rounds: Rounds = 7,
    as_json: AsJson = False,
) -> None:
    """Seal, sign, send, take, and open records; on one core."""
    from blindplate.cli.benchmarks.records import measure_records

    _show("Records", lambda say: measure_records(batch, rounds, say), as_json=as_json)


@app.command()
def ingest(
    submitted: Annotated[
        int, typer.Option("--records", min=1, max=20_000, help="Records a round, all threads together.")
    ] = 4_000,
    rounds: Rounds = 5,
    threads: Annotated[int, typer.Option(min=1, max=32, help="Cameras that submit at once.")] = 4,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", exists=True, file_okay=False, help="On the disk to be measured."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Submit records to a matcher process of its own, over TLS, until they are durable."""
    from blindplate.cli.benchmarks.ingest import measure_ingest

    _show(
        "Intake",
        lambda say: measure_ingest(folder, records=submitted, rounds=rounds, threads=threads, say=say),
        as_json=as_json,
    )


@app.command()
def ledger(
    rounds: Rounds = 5,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", exists=True, file_okay=False, help="On the disk to be measured."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Append to a ledger: storage alone, with every entry verified, and to a process of its own over TLS."""
    from blindplate.cli.benchmarks.ledger import measure_ledger

    _show("The ledger", lambda say: measure_ledger(folder, rounds=rounds, say=say), as_json=as_json)


@app.command()
def misreads(
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")] = 1,
    reads: Annotated[int, typer.Option(min=1_000, help="Reads of the day.")] = 200_000,
    listed: Annotated[int, typer.Option(min=1, help="Plates on the list.")] = 1_000_000,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", exists=True, file_okay=False, help="Compare other rules and engines too."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Misread a simulated day, and count true and false hits with and without alternates; nothing is encrypted.

    With --out, other rules and other engines as well, as misreads.json and misreads.svg in DIR: some minutes.
    """
    from blindplate.cli.benchmarks.misread_comparison import compare
    from blindplate.cli.benchmarks.misreads import measure_misreads

    _show("Misreads", lambda say: measure_misreads(seed, reads, listed, say), as_json=as_json)
    if out is not None:
        steps = Console(stderr=True)
        compare(out, seed, reads, listed, lambda step: steps.print(step, style="dim", highlight=False))


@app.command()
def charging(
    reads: Annotated[int, typer.Option(min=1_000, help="Reads of the day.")] = 2_000_000,
    listed: Annotated[int, typer.Option(min=1_000, help="Vehicles on the emissions list.")] = 1_000_000,
    unpaid: Annotated[
        float, typer.Option(min=0.0001, max=1, help="Share of the listed vehicles read that did not pay.")
    ] = 0.1,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", exists=True, file_okay=False, help="On the disk to be measured."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a charging day once payment for it has closed, with every party a process of its own whose clock is moved.

    The defaults take an hour or more, most of it for the day before. A tenth of the reads takes a quarter of that.
    """
    from blindplate.cli.benchmarks.charging import measure_charging

    _show(
        "A charging day's run",
        lambda say: measure_charging(reads, listed, unpaid, folder, say=say),
        as_json=as_json,
    )


def _show(title: str, measure: Callable[[Say], Figures], *, as_json: bool) -> None:
    from blindplate.cli.benchmarks import machine, report

    steps = Console(stderr=True)
    # Before: its load is then that of others.
    described = machine.describe()
    figures = measure(lambda step: steps.print(step, style="dim", highlight=False))
    console = Console()
    if as_json:
        console.print_json(data=report.as_object(figures, described))
    else:
        console.print(report.as_table(title, figures, described))
