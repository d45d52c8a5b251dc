"""The demonstration as a person runs it, and every command of the README."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLINDPLATE = str(Path(sys.executable).with_name("blindplate"))
COMMANDS = re.findall(r"^\$ (.+)$", (ROOT / "README.md").read_text(), re.MULTILINE)

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(600)]


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=400)


def test_the_demonstration_shows_what_it_must_and_leaves_its_state(tmp_path: Path) -> None:
    done = run([BLINDPLATE, "demo", "--keep", "kept"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All as it had to be" in done.stdout
    assert "0 found" in done.stdout
    assert (tmp_path / "kept" / "matcher" / "state").is_dir()
    assert (tmp_path / "kept" / "matcher" / "messages.bin").stat().st_size > 1 << 20


def test_a_demonstration_that_stays_says_what_to_type_and_ends_on_interrupt(tmp_path: Path) -> None:
    lines: list[str] = []
    command = [BLINDPLATE, "demo", "--stay"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if "Interrupt" in line:
                process.send_signal(signal.SIGINT)
    assert process.returncode == 0
    shown = "".join(lines)
    assert "blindplate hotlist add" in shown
    assert "blindplate release reveal" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_works(command: str, tmp_path: Path) -> None:
    words = command.split()
    if words[0] == "make":
        # What the targets run is run by the tests above and by whoever runs this test.
        assert run(["make", "-n", *words[1:]], ROOT).returncode == 0
        return
    assert words[0] == ".venv/bin/blindplate"
    if words[1] == "demo":
        return
    done = run([BLINDPLATE, *words[1:]], tmp_path)
    assert done.returncode == 0, done.stderr
