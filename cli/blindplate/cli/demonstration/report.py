"""The demonstration's closing pages: what each party saw, hits, releases, refusals, erasures, times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from blindplate.cli.demonstration.scenario import EMISSIONS, POLICE, Scenario
from blindplate.cli.demonstration.story import Collected
from blindplate.cli.demonstration.verdict import Searched
from blindplate.cli.traffic import ExpectedHit
from blindplate.core.errors import BlindplateError
from blindplate.server.matcher import counts_store
from blindplate.server.matcher.counts_store import Event
from blindplate.server.matcher.storage import Database

_MEGABYTE = 1 << 20


def show(console: Console, scenario: Scenario, collected: Collected, searched: Searched) -> None:
    """Print all tables."""
    console.print(_parties(scenario, collected))
    console.print(_hits(collected))
    console.print(_footage(collected))
    console.print(_refusals(collected))
    console.print(_erasures(scenario))
    console.print(_times(collected))
    console.print(collected.audit.strip(), highlight=False, markup=False)
    console.print(f"The public report: {collected.report}/report.html", highlight=False, soft_wrap=True)
    console.print(
        f"Searched {searched.files} files ({searched.size / _MEGABYTE:,.0f} MB: databases, logs, uploads, spools, "
        f"every decrypted gRPC message) for {searched.plates:,} plates as text, UTF-16, hexadecimal and base64: "
        f"{len(searched.findings)} found. {searched.canaries_found} of {searched.canaries} planted canaries were found.",
        highlight=False,
    )


def _parties(scenario: Scenario, collected: Collected) -> Table:
    simulation = collected.simulation
    table = Table(title="What each party saw", title_justify="left", show_lines=True)
    table.add_column("party")
    table.add_column("saw")
    table.add_column("did not see")
    counted: Counter[str] = Counter()
    for counts in collected.cameras.values():
        counted.update({name: value for name, value in counts.items() if isinstance(value, int)})
    table.add_row(
        f"{len(collected.cameras)} cameras",
        f"{counted['events']:,} events of {len(simulation.passes):,} passes, sealed into {counted['spooled']:,} records",
        "lists, matches",
    )
    table.add_row(
        "matcher",
        f"{counted['accepted']:,} sealed records, two encrypted lists, which records were claimed",
        "plates, lists, a match before its claim",
    )
    for which, decisions in collected.decisions.items():
        table.add_row(
            f"custodian {which.upper()}",
            f"blinded points; {len(decisions)} release requests with reason and owner",
            "plates, lists",
        )
    for list_id in (EMISSIONS, POLICE):
        alternates = sum(1 for hit in collected.hits[list_id] if hit.alternate)
        table.add_row(
            f"owner of {list_id}",
            f"its own {len(scenario.listed[list_id]):,} vehicles; {len(collected.hits[list_id]) - alternates} sealed hits "
            f"(and {alternates} of alternate spellings); {len(collected.revealed[list_id])} plates after release",
            "any vehicle that is not on its list",
        )
    return table


def _hits(collected: Collected) -> Table:
    truth = collected.simulation.truth
    table = Table(title="Hits and releases", title_justify="left")
    for name in (
        "list",
        "expected",
        "hit",
        "revealed",
        "misread into another listed plate",
        "misread and missed",
    ):
        table.add_column(name, justify="left" if name == "list" else "right")
    for list_id in (EMISSIONS, POLICE):

        def count(found: Iterable[ExpectedHit], wanted: str = list_id) -> str:
            return str(sum(1 for hit in found if hit.list_id == wanted))

        table.add_row(
            list_id,
            count(truth.hits),
            str(sum(1 for hit in collected.hits[list_id] if not hit.alternate)),
            str(len(collected.revealed[list_id])),
            count(truth.mistaken),
            count(truth.missed),
        )
    return table


def _footage(collected: Collected) -> Table:
    """Of the first hit that had any; the rest is counted."""
    table = Table(title=f"Footage released with {len(collected.footage)} hits", title_justify="left")
    for name in ("type", "bytes", "file"):
        table.add_column(name, justify="right" if name == "bytes" else "left")
    for one in collected.footage[0] if collected.footage else ():
        table.add_row(one.media_type, f"{one.size or 0:,}", one.path.name if one.path else "not here")
    return table


def _refusals(collected: Collected) -> Table:
    table = Table(title="Refused", title_justify="left")
    table.add_column("what was tried")
    table.add_column("what was answered")
    for what, error in collected.refusals:
        table.add_row(what, _text(error))
    return table


def _text(error: BlindplateError) -> str:
    return f"{error.what} ({error.code})"


def _erasures(scenario: Scenario) -> Table:
    """Read from the matcher's own counts; its process has stopped, or shares the database."""
    database = Database(scenario.deployment.folder / "matcher" / "state" / "matcher.db")
    try:
        with database.read() as connection:
            counts = counts_store.read(connection)
    finally:
        database.close()
    table = Table(title="Records at the matcher", title_justify="left")
    table.add_column("list")
    shown = (Event.RECEIVED, Event.ANSWERED, Event.CLAIMED, Event.ERASED_ACKNOWLEDGED)
    for event in shown:
        table.add_column(event.value, justify="right")
    for list_id in (EMISSIONS, POLICE):
        amounts: Counter[Event] = Counter()
        for (_day, named, _zone, event), amount in counts.items():
            if named == list_id:
                amounts[event] += amount
        table.add_row(list_id, *(f"{amounts[event]:,}" for event in shown))
    return table


def _times(collected: Collected) -> Table:
    table = Table(title="Times", title_justify="left", show_header=False)
    for step, seconds in collected.seconds.items():
        table.add_row(step, f"{seconds:.1f} s")
    return table
