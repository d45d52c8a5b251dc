"""A process does not begin when SEAL is not what the parameter file says: here, when its format is another."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from blindplate.cli.demonstration.in_force import wait_until_in_force
from blindplate.cli.demonstration.processes import Processes, command
from blindplate.cli.deployment import Deployment
from blindplate.cli.deployment.plan import SERVERS

# Imported by every interpreter that starts with this folder on its path, spawned workers included.
DRIFTED = "import blindplate.psi.frames as frames\nframes._MAGIC = 0xBEEF\n"


@pytest.mark.parametrize(("party", "words"), [("matcher", "matcher serve"), ("owner-police", "owner run")])
def test_a_process_refuses_to_begin_when_seals_format_is_another(
    deployment: Deployment, tmp_path: Path, party: str, words: str
) -> None:
    with Processes(deployment) as processes:
        # An owner learns from the ledger which parameters its grant names.
        for process in [processes.serve(server) for server in SERVERS if server != "matcher"]:
            process.wait_for("ready", 60)
        wait_until_in_force(deployment, 60)
        _refuses(deployment, tmp_path, party, words)


def _refuses(deployment: Deployment, tmp_path: Path, party: str, words: str) -> None:
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
