"""Footage of the demonstration: a still, a clip and a sound with the events of the first passes of listed vehicles.

Their files lie where a real camera's settings would name a folder in memory. Nothing in them shows a plate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from blindplate.cli.deployment import Deployment
from blindplate.cli.traffic import Simulation
from blindplate.cli.traffic.recordings import clip, sound, still
from blindplate.edge.keyfiles import write_secret

# Some of a list's hits are denied on purpose: of several one is revealed in any case.
_PASSES: Final = 3
_CLIP_BYTES: Final = 1 << 20
SUFFIXES: Final = (".jpg", ".mp4", ".wav")


def footage_of(number: int) -> tuple[bytes, bytes, bytes]:
    """A still, a clip and a sound, in the order of ``SUFFIXES``."""
    return still(number), clip(number, _CLIP_BYTES), sound(number)


def add_footage(
    deployment: Deployment, events: Mapping[str, Path], folder: Path, simulation: Simulation, list_id: str
) -> None:
    """Let some passes that must become hits of ``list_id`` bring footage: ``events`` is each camera's file of events."""
    certain = sorted({hit.pass_id for hit in simulation.truth.hits if hit.list_id == list_id})[:_PASSES]
    numbers = {pass_id: number for number, pass_id in enumerate(certain, start=1)}
    for camera, path in events.items():
        inbox = folder / camera
        inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = deployment.settings(camera)
        settings.write_text(f'{settings.read_text()}\n[media]\nmedia_folder = "{inbox.resolve()}"\n')
        lines = path.read_bytes().splitlines(keepends=True)
        for place, (of_pass, sighting) in enumerate(simulation.events[camera]):
            number = numbers.get(of_pass.pass_id)
            if number is None:
                continue
            names = [f"{number}-{sighting.number}{suffix}" for suffix in SUFFIXES]
            for name, content in zip(names, footage_of(number), strict=True):
                write_secret(inbox / name, content)
            lines[place] = json.dumps(json.loads(lines[place]) | {"media": names}).encode() + b"\n"
        write_secret(path, b"".join(lines))


def is_footage(contents: tuple[bytes, ...]) -> bool:
    """Whether these are the footage of one pass, whole and in order."""
    return any(contents == footage_of(number) for number in range(1, _PASSES + 1))
