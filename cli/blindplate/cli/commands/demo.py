"""``blindplate demo``: the whole of it, with real processes, in a minute or two."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from blindplate.cli.demonstration.scenario import Scenario
    from blindplate.cli.demonstration.story import Collected


def command(
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Leave every party's state in this new folder.")
    ] = None,
    stay: Annotated[bool, typer.Option(help="Keep it running, and say how to try it by hand.")] = False,
    seed: Annotated[int, typer.Option(help="The traffic's seed.")] = 1,
) -> None:
    """Run custodians, matcher, owners and cameras against made traffic, and show what each party saw."""
    from blindplate.cli.demonstration.processes import Processes
    from blindplate.cli.demonstration.scenario import Size, make_scenario
    from blindplate.cli.demonstration.story import Story

    console = Console()
    begun = time.monotonic()
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="blindplate-"))) / "demo"
        scenario = make_scenario(folder, time.time(), seed, Size())
        with Processes(scenario.deployment) as processes:
            collected = Story(scenario, processes, lambda step: console.print(f"[bold]{step}[/]")).tell()
            # While all of it runs, so that the search meets databases with their logs as they are.
            failed = _conclude(console, scenario, collected)
            outcome = "Failed" if failed else "All as it had to be"
            console.print(f"{outcome}, in {time.monotonic() - begun:.0f} s.", highlight=False)
            if keep:
                console.print(f"Every party's state is in {keep}.", highlight=False, soft_wrap=True)
            if stay:
                _hold(console, scenario)
    if failed:
        raise typer.Exit(1)


def _conclude(console: Console, scenario: Scenario, collected: Collected) -> bool:
    """Search, show everything, and say what is not as it had to be; whether anything is."""
    from blindplate.cli.demonstration import report, verdict

    searched = verdict.search(scenario, collected.simulation)
    report.show(console, scenario, collected, searched)
    failures = verdict.failures(collected, searched)
    for failure in failures:
        console.print(f"[bold red]{failure}[/]", highlight=False)
    return bool(failures)


def _hold(console: Console, scenario: Scenario) -> None:
    """Print what to type, and wait for an interrupt."""
    from blindplate.cli.deployment.plan import LEDGER_HTTP

    blindplate = Path(sys.executable).with_name("blindplate")
    settings = scenario.deployment.settings
    ledger = f"http://{scenario.deployment.plan.addresses[LEDGER_HTTP]}"
    police, officer_a, officer_b = (
        settings(party) for party in ("owner-police", "officer-a-1", "officer-b-1")
    )
    event = """printf '{"plate": "AB12 CDE", "captured_at": "%s"}\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)\""""
    console.print("\n[bold]It keeps running. In another terminal:[/]")
    for line in (
        "# list a vehicle of your own; the plate is read from standard input, never from an argument",
        f"echo 'AB12 CDE' | {blindplate} hotlist add {police} --reason 'my own'",
        "# let a camera see it",
        f"{event} | {blindplate} camera run {settings('camera-1')} --exit-when-drained",
        "# see the hit (the last one), and ask for its release by its number",
        f"{blindplate} hits watch {police} --after 0 --once",
        f"{blindplate} release request {police} HIT --purpose vehicle-crime --case mine",
        "# let an officer of each custodian decide; the request begins with the number just shown",
        f"{blindplate} custodian pending {officer_a}",
        f"{blindplate} custodian approve {officer_a} REQUEST --reason 'seen'",
        f"{blindplate} custodian approve {officer_b} REQUEST --reason 'seen'",
        "# open it",
        f"{blindplate} release reveal {police} HIT",
        "# see it in the public ledger, as anyone may",
        f"{blindplate} audit verify --ledger {ledger} --keys {scenario.deployment.keys}",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True, markup=False)
    console.print("Interrupt (Ctrl-C) to stop.")
    ending = {signal.SIGINT, signal.SIGTERM}
    # Blocked first: one that comes before the wait would end this process and leave its children.
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    signal.sigwait(ending)
