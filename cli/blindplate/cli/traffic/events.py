"""Passes as the messages of an engine: the project's plain events, and OpenALPR's groups; one JSON object a line.

Guarantees that both formats mean the same reads, and that the same events give the same bytes. A plate is nowhere in
an event but in its texts: not in identifiers, not in the plate patch. Formats: docs/spec/camera.md.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from blindplate.cli.traffic.passes import Pass, Sighting
from blindplate.cli.traffic.patches import patch
from blindplate.core.errors import InputError
from blindplate.edge.keyfiles import write_secret

# A pass has at most four events: their patches are numbered by pass and event.
_PATCHES_A_PASS: Final = 10

Event = tuple[Pass, Sighting]


def event_line(event: Event, event_format: str) -> bytes:
    """One event as a line, newline included. Raises InputError for a format that is not simulated."""
    compose = _COMPOSE.get(event_format)
    if compose is None:
        raise InputError(
            "That event format is not simulated.", f"Choose one of {', '.join(sorted(_COMPOSE))}."
        )
    return json.dumps(compose(*event), separators=(",", ":")).encode() + b"\n"


def write_events(path: Path, events: Iterable[Event], event_format: str) -> None:
    """Write events to a file that only its owner may read. Raises InputError, or StorageError when it cannot."""
    write_secret(path, b"".join(event_line(event, event_format) for event in events))


def _plain(of_pass: Pass, sighting: Sighting) -> dict[str, Any]:
    seen, vehicle = sighting.seen, of_pass.vehicle
    moment = datetime.fromtimestamp(sighting.captured_at, UTC).isoformat(timespec="milliseconds")
    return {
        "plate": seen.text,
        "captured_at": moment.replace("+00:00", "Z"),
        "country": vehicle.country,
        "confidence": seen.confidence,
        "candidates": [{"plate": text, "confidence": confidence} for text, confidence in seen.candidates],
        "direction": of_pass.direction.name.lower(),
        "plate_patch": _patch(of_pass, sighting),
        "vehicle": {"make": vehicle.make, "model": vehicle.model, "colour": vehicle.colour},
    }


def _openalpr(of_pass: Pass, sighting: Sighting) -> dict[str, Any]:
    seen, vehicle = sighting.seen, of_pass.vehicle
    moment = round(sighting.captured_at * 1000)
    make, model = (name.lower().replace(" ", "-") for name in (vehicle.make, vehicle.model))
    best = {"plate": seen.text, "confidence": _percent(seen.confidence), "matches_template": 1}
    others = [
        {"plate": text, "confidence": _percent(confidence), "matches_template": 0}
        for text, confidence in seen.candidates
    ]
    return {
        "data_type": "alpr_group",
        "version": 2,
        "epoch_start": moment,
        "epoch_end": moment,
        "camera_id": 1,
        "country": "eu",
        "candidates": [best, *others],
        "best_plate": {
            **best,
            "region": f"eu-{vehicle.country.lower()}",
            "plate_crop_jpeg": _patch(of_pass, sighting),
        },
        "best_confidence": best["confidence"],
        "best_uuid": f"{of_pass.camera}-{of_pass.pass_id}-{sighting.number}",
        "travel_direction": of_pass.direction.value,
        "vehicle": {
            "make": [_guess(make)],
            "make_model": [_guess(f"{make}_{model}")],
            "color": [_guess(vehicle.colour)],
        },
    }


def _patch(of_pass: Pass, sighting: Sighting) -> str:
    number = of_pass.number * _PATCHES_A_PASS + sighting.number
    return base64.b64encode(patch(number)).decode()


def _guess(name: str) -> dict[str, Any]:
    return {"name": name, "confidence": 90.0}


def _percent(confidence: float) -> float:
    return round(confidence * 100, 2)


_COMPOSE: Final[Mapping[str, Callable[[Pass, Sighting], dict[str, Any]]]] = {
    "plain": _plain,
    "openalpr": _openalpr,
}
