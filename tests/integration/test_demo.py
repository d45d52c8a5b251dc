"""The demonstration as a person runs it, and every command of the README."""

from __future__ import annotations

import re
import shlex
import shutil
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


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the README's own `demo --keep` was typed, with what it showed in ``shown.txt``."""
    folder = tmp_path_factory.mktemp("kept")
    (line,) = [command for command in COMMANDS if " demo --keep " in command]
    done = run([BLINDPLATE, *shlex.split(line)[1:]], folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "shown.txt").write_text(done.stdout)
    return folder


def test_the_demonstration_shows_what_it_must_and_leaves_its_state(kept: Path) -> None:
    shown = (kept / "shown.txt").read_text()
    assert "All as it had to be" in shown
    assert "0 found" in shown
    assert "GREEN: no rule is broken" in shown
    report = re.search(r"The public report: (.+)", shown)
    assert report
    assert (kept / report[1]).is_file()
    assert (kept / "my-demo" / "matcher" / "state").is_dir()
    assert (kept / "my-demo" / "matcher" / "messages.bin").stat().st_size > 1 << 20


def test_an_altered_ledger_of_the_demonstration_is_not_green(kept: Path, tmp_path: Path) -> None:
    altered = tmp_path / "ledger"
    shutil.copytree(kept / "my-demo" / "ledger", altered)
    bundle = next(path for path in (altered / "tile" / "entries").rglob("*") if path.is_file())
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    keys = str(kept / "my-demo" / "public" / "keys.toml")
    done = run([BLINDPLATE, "audit", "verify", "--ledger", str(altered), "--keys", keys], tmp_path)
    assert done.returncode != 0
    assert "GREEN: no rule is broken" not in done.stdout


def typed(line: str) -> str:
    """What a line shows when it is typed into a shell."""
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def follow(lines: list[str]) -> str:
    """Type the printed lines in order, with the numbers they show put in; what opening it shows."""
    add, see, watch, request, pending, approve_a, approve_b, reveal, verify = lines
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
    revealed = typed(reveal.replace("HIT", found[-1]))
    assert "GREEN" in typed(verify)
    return revealed


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
def test_every_command_of_the_readme_works(command: str, kept: Path) -> None:
    words = shlex.split(command)
    if words[0] == "make":
        # What the targets run is run by the tests above and by whoever runs this test.
        assert run(["make", "-n", *words[1:]], ROOT).returncode == 0
        return
    assert words[0] == ".venv/bin/blindplate"
    if words[1] == "demo":
        # Both are run above: one that is kept, one that stays.
        return
    done = run([BLINDPLATE, *words[1:]], kept)
    assert done.returncode == 0, done.stdout + done.stderr
    if words[1] == "audit":
        assert "GREEN: no rule is broken" in done.stdout
