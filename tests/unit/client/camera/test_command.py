"""The command: what a camera's machine needs installed, and what a user is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from blindplate.client.camera.command import main

# What the base installation does not bring.
EXTRAS = ("numpy", "sqlalchemy", "alembic", "typer", "rich", "tenseal", "flint", "prometheus_client", "paho")


def test_the_base_installation_is_enough() -> None:
    # structlog takes rich where it finds it: so they are made impossible to import instead of looked for afterwards.
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({EXTRAS!r})); import blindplate.client.camera.command"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_settings_file_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(tmp_path / "camera.toml")]) == 1
    assert "blindplate init" in capsys.readouterr().err


def test_an_unknown_format_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", str(tmp_path / "camera.toml"), "--format", "tea-leaves"])
    assert caught.value.code == 2
    assert "openalpr" in capsys.readouterr().err


def test_sources_exclude_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", str(tmp_path / "camera.toml"), "--push", "--folder", str(tmp_path)])
    assert "not allowed with" in capsys.readouterr().err
