"""A demonstration that is told to end takes its processes with it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from blindplate.cli.demonstration.processes import command


def below(folder: Path) -> list[int]:
    """The processes whose command line names the folder."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(folder / "kept") in words:
                found.append(int(entry.name))
    return found


def test_no_process_outlives_a_demonstration_that_is_terminated(tmp_path: Path) -> None:
    with subprocess.Popen(command("demo", "--keep", tmp_path / "kept"), stdout=subprocess.DEVNULL) as demo:
        deadline = time.monotonic() + 60
        while len(below(tmp_path)) < 4 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(below(tmp_path)) >= 4
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(60) == 128 + signal.SIGTERM
    deadline = time.monotonic() + 30
    while below(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert below(tmp_path) == []
