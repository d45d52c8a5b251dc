"""The demonstration as a person runs it, and every command of the README."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLINDPLATE = str(Path(sys.executable).with_name("blindplate"))
COMMANDS = re.findall(r"^\$ (.+)$", (ROOT / "README.md").read_text(), re.MULTILINE)

pytestmark = [pytest.mark.timeout(600)]


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=400)


def test_the_demonstration_shows_what_it_must_and_leaves_its_state(tmp_path: Path) -> None:
    done = run([BLINDPLATE, "demo", "--keep", "kept"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All as it had to be" in done.stdout
    assert "0 found" in done.stdout
    assert (tmp_path / "kept" / "matcher" / "state").is_dir()
    assert (tmp_path / "kept" / "matcher" / "messages.bin").stat().st_size > 1 << 20


def typed(line: str) -> str:
    """What a line shows when it is typed into a shell."""
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def follow(lines: list[str]) -> str:
    """Type the printed lines in order, with the numbers they show put in; what the last one shows."""
    add, see, watch, request, pending, approve_a, approve_b, reveal = lines
    before = re.findall(r"hit (\d+):", typed(watch))
    typed(add)
    typed(see)
    deadline = time.monotonic() + 120
    while len(found := re.findall(r"hit (\d+):", typed(watch))) == len(before):
        assert time.monotonic() < deadline, "the vehicle was never hit"
        time.sleep(0.5)
    asked = re.search(r"request ([0-9a-f]{64})", typed(request.replace("HIT", found[-1])))
    assert asked
    assert asked[1] in typed(pending)
    for approve in (approve_a, approve_b):
        typed(approve.replace("REQUEST", asked[1][:8]))
    return typed(reveal.replace("HIT", found[-1]))


def test_a_demonstration_that_stays_prints_commands_that_lead_to_a_revealed_plate(tmp_path: Path) -> None:
    lines: list[str] = []
    revealed = ""
    command = [BLINDPLATE, "demo", "--stay"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(line.strip())
                if "Interrupt" in line:
                    revealed = follow([line for line in lines if "/blindplate " in line])
                    process.send_signal(signal.SIGINT)
        finally:
            process.terminate()
    assert process.returncode == 0
    assert any("All as it had to be" in line for line in lines)
    assert "AB12CDE" in revealed
    assert "my own" in revealed


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
