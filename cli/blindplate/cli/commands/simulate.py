"""``blindplate simulate``: made traffic, the same for the same seed."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go.")],
    cameras: Annotated[int, typer.Option(min=1, max=99)] = 3,
    passes: Annotated[int, typer.Option(min=1, help="How many vehicles pass, all cameras together.")] = 1000,
    vehicles: Annotated[int, typer.Option(min=100, help="How many different vehicles there are.")] = 20_000,
    seconds: Annotated[
        float, typer.Option(min=1, max=100, help="Over how long a time, which begins now.")
    ] = 100,
    misreads: Annotated[float, typer.Option(min=0, max=1, help="Share of passes misread.")] = 0.03,
    seed: Annotated[int, typer.Option()] = 1,
    event_format: Annotated[str, typer.Option("--format", help="plain or openalpr.")] = "plain",
) -> None:
    """Make a hotlist, an emissions list, and events of passing vehicles, with repeat visits and misreads.

    What was captured before a vehicle was listed matches nothing: submit the lists, then run this again with the
    same seed, which makes the same vehicles pass from that moment on, and let the cameras read the events.
    """
    from blindplate.cli import traffic

    folder.mkdir(parents=True, exist_ok=True)
    names = [f"camera-{number + 1}" for number in range(cameras)]
    made = traffic.population(seed, vehicles)
    lists = {
        "police": traffic.hotlist(made, min(500, vehicles // 40)),
        "emissions": traffic.emissions_list(made, vehicles // 4),
    }
    simulation = traffic.simulate(seed, made, names, passes, time.time(), seconds, misreads, lists=lists)
    for name, events in simulation.events.items():
        traffic.write_events(folder / f"{name}.jsonl", events, event_format)
    traffic.write_hotlist_csv(
        folder / "hotlist.csv", lists["police"], (datetime.now(UTC) + timedelta(days=365)).date()
    )
    traffic.write_emissions_csv(folder / "emissions.csv", lists["emissions"])
    Console().print(
        f"{passes:,} passes of {vehicles:,} vehicles at {cameras} cameras, "
        f"{sum(len(events) for events in simulation.events.values()):,} events, "
        f"{len(simulation.truth.hits):,} expected hits, in {folder}."
    )
