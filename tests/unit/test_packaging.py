"""The distribution: one wheel with all five portions and their data; a camera that needs only the base of it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Not rich: structlog loads it where it is installed, and does without it elsewhere.
NOT_ON_A_CAMERA = ("numpy", "sqlalchemy", "typer", "tenseal", "flint", "alembic", "prometheus_client", "paho")


def test_a_camera_loads_nothing_beyond_the_base_installation() -> None:
    program = (
        "import sys; import blindplate.client.camera.command;"
        f"print([name for name in {NOT_ON_A_CAMERA!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_wheel_holds_every_portion_and_its_data(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in (
        "blindplate/v1/records_pb2.pyi",
        "blindplate/v1/records.proto",
        "blindplate/core/py.typed",
        "blindplate/edge/py.typed",
        "blindplate/psi/sets/prompt.json",
        "blindplate/client/camera/command.py",
        "blindplate/server/matcher/migrations/__init__.py",
        "blindplate/cli/main.py",
    ):
        assert path in names
    assert not [name for name in names if name.startswith("tests/") or name == "blindplate/__init__.py"]
