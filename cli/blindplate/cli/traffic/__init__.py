"""Simulated traffic: vehicles, lists, passes with misreads, events as engines send them, and what must come of them.

Everything follows from a seed. Nothing here is secret, and nothing here makes a secret.
"""

from __future__ import annotations

from blindplate.cli.traffic.events import event_line, write_events
from blindplate.cli.traffic.lists import emissions_list, hotlist, write_emissions_csv, write_hotlist_csv
from blindplate.cli.traffic.passes import Direction, Pass, Sighting
from blindplate.cli.traffic.simulation import Simulation, simulate
from blindplate.cli.traffic.truth import ExpectedHit, Truth
from blindplate.cli.traffic.vehicles import Vehicle, population

__all__ = [
    "Direction",
    "ExpectedHit",
    "Pass",
    "Sighting",
    "Simulation",
    "Truth",
    "Vehicle",
    "emissions_list",
    "event_line",
    "hotlist",
    "population",
    "simulate",
    "write_emissions_csv",
    "write_events",
    "write_hotlist_csv",
]
