"""A zone's camera register as the operator writes it: a TOML file, made into the public statement and signed.

Guarantees what ``ZoneRegister`` does: no two cameras share a name, an identity or a key. A register with another camera
in it takes a new key generation, and effect only with grants amended to name it. Protocol section 7.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from blindplate.core.errors import SettingsError
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.model import Hex32, Name, Part
from blindplate.core.statements.policies import RegisteredCamera, ZoneRegister
from blindplate.edge.tls import spiffe_id


class CameraDescription(Part):
    """One camera: its name, its Ed25519 public key (64 hexadecimal digits), where it stands, its hourly quota."""

    name: Name
    signing_key: Hex32
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    evaluations_per_hour: Annotated[int, Field(ge=0, le=1_000_000)] = 3_900


class ZoneDescription(Part):
    """A zone, the key generation its register is for, and its cameras."""

    zone: Name
    generation: Annotated[int, Field(ge=0, lt=1 << 32)]
    cameras: Annotated[tuple[CameraDescription, ...], Field(min_length=1)]


def signed_register(path: Path, operator: SigningKey) -> Statement:
    """The register described in the TOML file ``path``, signed. Raises SettingsError naming what is wrong."""
    try:
        described = ZoneDescription(**tomllib.loads(path.read_text()))
        register = ZoneRegister(
            zone=described.zone,
            generation=described.generation,
            cameras=tuple(_registered(camera) for camera in described.cameras),
        )
    except OSError as error:
        raise SettingsError(
            f"The description {path} cannot be read: {error.strerror}.", "Name another file."
        ) from None
    except ValidationError as error:
        places = ", ".join(sorted({".".join(map(str, item["loc"])) or "cameras" for item in error.errors()}))
        raise SettingsError(
            f"The description {path} has missing, unknown, wrong or repeated fields: {places}."
        ) from None
    except ValueError as error:
        raise SettingsError(f"The description {path} is not TOML: {error}.") from None
    return register.statement(operator)


def _registered(camera: CameraDescription) -> RegisteredCamera:
    return RegisteredCamera(
        camera_id=camera.name,
        identity=spiffe_id("camera", camera.name),
        signing_key=camera.signing_key,
        latitude=camera.latitude,
        longitude=camera.longitude,
        evaluations_per_hour=camera.evaluations_per_hour,
    )
