"""Zone registers from a description: whole, distinct, signed."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindplate.client.grants.zone import signed_register
from blindplate.core.errors import SettingsError
from blindplate.core.signing import SigningKey
from blindplate.core.statements.policies import ZoneRegister

CAMERA = """
[[cameras]]
name = "{name}"
signing_key = "{key}"
latitude = 51.5
longitude = -0.1
"""


def described(folder: Path, *cameras: tuple[str, str], zone: str = "inner") -> Path:
    path = folder / "zone.toml"
    text = "".join(CAMERA.format(name=name, key=key) for name, key in cameras)
    path.write_text(f'zone = "{zone}"\ngeneration = 2\n{text}')
    return path


def test_a_register_names_each_camera_by_its_spiffe_id(tmp_path: Path) -> None:
    operator = SigningKey.generate()
    path = described(tmp_path, ("camera-1", "11" * 32), ("camera-2", "22" * 32))
    register = ZoneRegister.verified(signed_register(path, operator), [operator.public])
    assert (register.zone, register.generation) == ("inner", 2)
    assert [camera.identity for camera in register.cameras] == [
        "spiffe://blindplate/camera/camera-1",
        "spiffe://blindplate/camera/camera-2",
    ]


@pytest.mark.parametrize(
    "cameras",
    [
        [],
        [("camera-1", "11" * 32), ("camera-1", "22" * 32)],
        [("camera-1", "11" * 32), ("camera-2", "11" * 32)],
        [("camera-1", "11")],
        [("Camera One", "11" * 32)],
    ],
)
def test_no_camera_two_alike_or_a_bad_one_is_refused(tmp_path: Path, cameras: list[tuple[str, str]]) -> None:
    with pytest.raises(SettingsError):
        signed_register(described(tmp_path, *cameras), SigningKey.generate())


def test_a_file_that_is_not_there_or_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        signed_register(tmp_path / "nowhere.toml", SigningKey.generate())
    (tmp_path / "zone.toml").write_text("zone = ")
    with pytest.raises(SettingsError):
        signed_register(tmp_path / "zone.toml", SigningKey.generate())
