"""A new camera's folder: its signing key, its certificate by the deployment's authority, and its settings.

Guarantees that its keys are made here, never leave the folder, and are readable by their owner alone. Settings are those
of another camera of the zone, but for what is the camera's own. A deployment with an authority and keys of its own
enrols by public key instead.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import tomli_w

from blindplate.cli.deployment.authority import Authority
from blindplate.core.errors import SettingsError
from blindplate.core.signing import SigningKey
from blindplate.edge.keyfiles import write_public, write_secret

# Those of a camera's settings that are paths of files it shares with others; the rest lie in its own folder.
_SHARED: Final = ("policy",)
# What only the other camera is called, or where only its engine is reached.
_OWN: Final = ("engine_camera", "push", "mqtt")


@dataclass(frozen=True, slots=True)
class NewCamera:
    """A camera to be: its name and place (degrees, WGS 84), and what it may have evaluated."""

    name: str
    latitude: float
    longitude: float
    evaluations_per_hour: int


def make_camera(folder: Path, camera: NewCamera, authority: Path, like: Path) -> bytes:
    """Make the camera's ``folder``; its public signing key (32 bytes).

    ``authority`` is the folder of the authority's ``ca.crt`` and ``ca.key``, ``like`` the settings file of a camera of the
    zone. Raises SettingsError when the folder is there and not empty, or either cannot be used.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SettingsError(f"The folder {folder} is not empty.", "Name a new folder.")
    settings, issuer = _settings(folder, camera, like), Authority.load(authority)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = SigningKey.generate()
    write_secret(folder / "signing.key", key.seed)
    issuer.issue(folder, "camera", camera.name)
    write_public(folder / "camera.toml", tomli_w.dumps(settings).encode())
    return key.public


def _settings(folder: Path, camera: NewCamera, like: Path) -> Mapping[str, Any]:
    try:
        content = tomllib.loads(like.read_text())
    except (OSError, ValueError):
        raise SettingsError(
            f"The settings {like} cannot be read.", "Name a camera's settings file."
        ) from None
    shared = {
        name: os.path.relpath(like.parent / content[name], folder) for name in _SHARED if name in content
    }
    kept = {name: value for name, value in content.items() if name not in _OWN}
    own = {"camera_id": camera.name, "latitude": camera.latitude, "longitude": camera.longitude}
    files = {
        "data": "state",
        "signing_key": "signing.key",
        "tls": {"certificate": "tls.crt", "key": "tls.key", "authority": "ca.crt"},
    }
    return {**kept, **shared, **own, **files}
