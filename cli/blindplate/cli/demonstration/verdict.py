"""Whether a demonstration showed what it had to: every expected hit and no stranger; no plate where none may be.

The expectations come from the simulated engines' texts and the lists alone (``traffic.truth``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from blindplate.cli.demonstration.footage import is_footage
from blindplate.cli.demonstration.scenario import EMISSIONS, POLICE, Scenario
from blindplate.cli.demonstration.search import Finding, PlateSearch, files_below, plant_canary
from blindplate.cli.demonstration.story import Collected
from blindplate.cli.traffic import ExpectedHit, Simulation
from blindplate.core.plates import CanonicalPlate

_CANARY: Final = "ZZ99CNY"


@dataclass(frozen=True, slots=True)
class Searched:
    """A search for plates: files and bytes looked at, findings where none may be, canaries planted and found."""

    files: int
    size: int
    plates: int
    findings: tuple[Finding, ...]
    canaries: int
    canaries_found: int


def failures(collected: Collected, searched: Searched) -> list[str]:
    """Everything that is not as it had to be, one sentence each; none when all is well."""
    found = [*_hit_failures(collected, EMISSIONS), *_hit_failures(collected, POLICE)]
    found += _footage_failures(collected)
    if searched.canaries_found != searched.canaries:
        found.append(f"The search found {searched.canaries_found} of {searched.canaries} planted canaries.")
    found += [f"A plate stands in {one.path} ({one.form})." for one in searched.findings]
    return found


def search(scenario: Scenario, simulation: Simulation) -> Searched:
    """Look for every plate of the simulation in every file but the inputs.

    An owner's own list may stand in its own folder; every other plate, and everywhere else every plate, is a finding.
    """
    folder = scenario.deployment.folder
    everyone = {reading.primary.text for one in simulation.passes for reading in one.readings()}
    everyone |= {plate.text for one in simulation.passes for plate in (one.vehicle.plate,)}
    everyone |= {vehicle.plate.text for vehicles in scenario.listed.values() for vehicle in vehicles}
    canary = PlateSearch([_CANARY])
    canaries = plant_canary(folder / "canary", _CANARY)
    canaries_found = sum(1 for path in canaries if any(canary.file(path)))
    for path in canaries:
        path.unlink()
    owners = {
        folder / f"owner-{list_id}": {v.plate.text for v in listed}
        for list_id, listed in scenario.listed.items()
    }
    findings: list[Finding] = []
    outside = PlateSearch(everyone)
    inside = {owner: PlateSearch(everyone - own) for owner, own in owners.items()}
    files = size = 0
    for path in files_below(folder, scenario.inputs):
        searching = next((one for owner, one in inside.items() if path.is_relative_to(owner)), outside)
        # All of it runs on: the ledger, for one, takes partial tiles away.
        with suppress(FileNotFoundError):
            size += path.stat().st_size
            findings += searching.file(path)
            files += 1
    return Searched(files, size, len(everyone), tuple(findings), len(canaries), canaries_found)


def _hit_failures(collected: Collected, list_id: str) -> Iterable[str]:
    truth = collected.simulation.truth
    expected = [hit for hit in truth.hits if hit.list_id == list_id]
    hits = [hit for hit in collected.hits[list_id] if not hit.alternate]
    if len(hits) != len(expected):
        yield f"The list {list_id} has {len(hits)} hits where {len(expected)} had to come."
    yield from _alternate_failures(collected, list_id)
    revealed = Counter(one.plate for one in collected.revealed[list_id])
    wanted = Counter(hit.plate for hit in expected)
    # One police hit is denied on purpose: exactly that one may be missing among the revealed.
    denied = 1 if list_id == POLICE and expected else 0
    missing = (wanted - revealed).total()
    if missing != denied:
        yield f"Of the list {list_id}, {missing} expected hits were not revealed, where {denied} had to be."
    strangers = (revealed - wanted).total()
    if strangers:
        yield f"The list {list_id} revealed {strangers} hits that nothing had to give."
    if list_id == POLICE:
        yield from _place_failures(collected, expected)


def _alternate_failures(collected: Collected, list_id: str) -> Iterable[str]:
    """Alternates: all that had to come did, and none besides those that might (see ``traffic.truth``)."""
    truth = collected.simulation.truth
    possible = {hit for hit in truth.flagged if hit.list_id == list_id}
    certain = possible - truth.hits
    came = sum(1 for hit in collected.hits[list_id] if hit.alternate)
    if not len(certain) <= came <= len(possible):
        yield f"The list {list_id} has {came} alternates where {len(certain)} to {len(possible)} had to come."


def _footage_failures(collected: Collected) -> Iterable[str]:
    """Still, clip and sound of a claimed and released record come out as they went in."""
    if collected.revealed[POLICE] and not collected.footage:
        yield "No revealed hit has footage."
    for evidence in collected.footage:
        contents = tuple(one.path.read_bytes() for one in evidence if one.path is not None)
        if not is_footage(contents):
            yield "The footage of a revealed hit is not what its camera took."


def _place_failures(collected: Collected, expected: Iterable[ExpectedHit]) -> Iterable[str]:
    """Police records disclose the camera: every revealed hit must be of a camera that read that plate."""
    places: set[tuple[CanonicalPlate, str]] = {(hit.plate, hit.camera) for hit in expected}
    wrong = sum(1 for one in collected.revealed[POLICE] if (one.plate, one.camera_id) not in places)
    if wrong:
        yield f"{wrong} revealed hits name a camera that did not read that plate."
