"""A process does not begin when SEAL is not what the parameter file says: here, when its format is another."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from blindplate.cli.demonstration.processes import command
from blindplate.cli.deployment import Deployment

# Imported by every interpreter that starts with this folder on its path, spawned workers included.
DRIFTED = "import blindplate.psi.frames as frames\nframes._MAGIC = 0xBEEF\n"


@pytest.mark.parametrize(("party", "words"), [("matcher", "matcher serve"), ("owner-police", "owner run")])
def test_a_process_refuses_to_begin_when_seals_format_is_another(
    deployment: Deployment, tmp_path: Path, party: str, words: str
) -> None:
    (tmp_path / "drift").mkdir()
    (tmp_path / "drift" / "sitecustomize.py").write_text(DRIFTED)
    done = subprocess.run(
        command(*words.split(), deployment.settings(party)),
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "drift")},
    )
    assert done.returncode == 2
    assert "Do not serve" in done.stderr
    assert '"event": "ready"' not in done.stderr
