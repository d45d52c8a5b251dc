"""``blindplate audit`` on real files: what it prints, how it ends, and what it says to do when it cannot begin."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

from blindplate.cli.main import main
from blindplate.client.auditor.keys import keys_file
from blindplate.core.ledger.layout import CHECKPOINT
from tests.unit.client.auditor.ledgers import Ledger, audit_keys, row

COMMAND: Final = (sys.executable, "-c", "from blindplate.cli.main import main; main()", "audit")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The keys file of the test ledgers."""
    path = tmp_path / "keys.toml"
    held = audit_keys()
    path.write_text(keys_file(held.parties.parties(), held.ledger))
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``blindplate audit`` with some arguments: its exit status, and what it printed and complained of."""

    def once(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["blindplate", "audit", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return code, shown.out, shown.err

    return once


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger in which no rule is broken, as a folder."""
    one = Ledger.begun()
    one.release()
    return one.write(tmp_path / "ledger")


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A ledger in which one is."""
    one = Ledger.begun()
    one.counts(row(received=4, open=3))
    return one.write(tmp_path / "broken")


@pytest.fixture
def address(ledger: Path) -> Iterator[str]:
    """The good ledger's web address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=ledger)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_good_ledger_is_green_from_a_folder_and_over_http(
    run: Run, ledger: Path, keys: Path, address: str
) -> None:
    for place in (ledger, address, f"{address}/"):
        code, shown, complaint = run("verify", "--ledger", place, "--keys", keys, "--max-age", 1e10)
        assert (code, complaint) == (0, "")
        assert "GREEN: no rule is broken; 0 notes." in shown
        assert "entries of ledger.test/one, root " in shown


def test_an_old_checkpoint_that_is_served_is_not_green(
    run: Run, ledger: Path, keys: Path, address: str
) -> None:
    # As true as ever: only its age tells that it may hide what was entered since.
    code, shown, _ = run("verify", "--ledger", ledger, "--keys", keys)
    assert code == 0
    assert "witnessed by both custodians on " in shown
    for more in (("--ledger", address), ("--ledger", ledger, "--max-age", 60)):
        code, shown, _ = run("verify", "--keys", keys, *more)
        assert code == 1
        assert (
            "violation checkpoint-stale, file: The ledger's latest checkpoint was witnessed by both" in shown
        )
        assert "NOT GREEN: 1 violation, 0 notes." in shown


def test_a_broken_rule_is_named_and_ends_in_1(run: Run, broken: Path, keys: Path, tmp_path: Path) -> None:
    code, shown, _ = run("verify", "--ledger", broken, "--keys", keys)
    assert code == 1
    assert "violation counts-balance, entry 7: The matcher received 4 records" in shown
    assert "NOT GREEN: 1 violation, 0 notes." in shown
    code, shown, _ = run("report", "--ledger", broken, "--keys", keys, "--out", tmp_path / "report")
    assert code == 1
    # The report of a ledger that breaks rules is written all the same, and says so.
    assert json.loads((tmp_path / "report" / "report.json").read_text())["green"] is False


def test_the_report_is_written_where_it_is_asked_for(
    run: Run, ledger: Path, keys: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "a" / "new" / "folder"
    code, shown, _ = run("report", "--ledger", ledger, "--keys", keys, "--out", folder)
    assert code == 0
    assert f"Report: {folder / 'report.html'}" in shown
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")


def refused(run: Run, folder: Path, place: object, keys: object) -> str:
    """What all three commands complain of, ending in 2 and writing nothing."""
    complaints: set[str] = set()
    report, state = folder / "report", folder / "state"
    for command in (("verify",), ("report", "--out", report), ("watch", "--state", state, "--once")):
        code, _, complaint = run(*command, "--ledger", place, "--keys", keys)
        assert code == 2
        complaints.add(" ".join(complaint.split()))
    assert not report.exists()
    assert not state.exists()
    (only,) = complaints
    return only


@pytest.mark.parametrize(
    ("place", "file", "said", "remedy"),
    [
        ("{ledger}/nowhere", "{keys}", "does not exist", "Name another"),
        ("{ledger}/tile", "{keys}", "There is no ledger", "Name the address or folder in which"),
        ("http://127.0.0.1:9", "{keys}", "did not answer", "its address is right"),
        ("ftp://ledger.test", "{keys}", "not one of http or https", "Correct"),
        ("{ledger}", "{keys}.not", "cannot be read", "public keys.toml"),
        ("{ledger}", "{ledger}", "cannot be read", "public keys.toml"),
    ],
)
def test_what_cannot_be_read_ends_in_2_and_says_what_to_do(
    run: Run, ledger: Path, keys: Path, tmp_path: Path, place: str, file: str, said: str, remedy: str
) -> None:
    named = {"ledger": ledger, "keys": keys}
    complaint = refused(run, tmp_path, place.format(**named), file.format(**named))
    assert said in complaint
    assert remedy in complaint


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[parties]", "[parties", "is not TOML"),
        ("[parties]", "[more]\n[parties]", "missing, unknown or wrong keys: more"),
        ("operator = ", "operators = ", "parties.operator, parties.operators"),
        ("ledger.test/one+", "ledger.test/two+", "wrong verifier key"),
    ],
)
def test_a_spoiled_keys_file_ends_in_2_and_says_where_to_get_another(
    run: Run, ledger: Path, keys: Path, tmp_path: Path, old: str, new: str, said: str
) -> None:
    keys.write_text(keys.read_text().replace(old, new))
    complaint = refused(run, tmp_path, ledger, keys)
    assert said in complaint
    assert "Take the deployment's public keys.toml" in complaint


def test_an_altered_entry_ends_in_2(run: Run, ledger: Path, keys: Path, tmp_path: Path) -> None:
    file = next(ledger.glob("tile/entries/000.p/*"))
    file.write_bytes(file.read_bytes().replace(b"payload", b"pAyload", 1))
    complaint = refused(run, tmp_path, ledger, keys)
    assert "not those that the ledger and both custodians signed for" in complaint


def test_another_deployments_keys_are_named_as_the_likely_cause(run: Run, ledger: Path, keys: Path) -> None:
    note = (ledger / CHECKPOINT).read_text()
    (ledger / CHECKPOINT).write_text(note.replace("ledger.test/one\n", "ledger.test/two\n", 1))
    code, _, complaint = run("verify", "--ledger", ledger, "--keys", keys)
    assert code == 2
    assert "Make sure that the keys file is this ledger's own." in " ".join(complaint.split())


def test_a_report_that_cannot_be_written_ends_in_2(run: Run, ledger: Path, keys: Path) -> None:
    code, _, complaint = run("report", "--ledger", ledger, "--keys", keys, "--out", keys)
    assert code == 2
    assert "name another folder" in " ".join(complaint.split())


def test_a_watch_remembers_from_run_to_run(run: Run, tmp_path: Path, keys: Path) -> None:
    one = Ledger.begun()
    arguments = (
        "watch",
        "--ledger",
        tmp_path / "ledger",
        "--keys",
        keys,
        "--state",
        tmp_path / "state",
        "--once",
    )
    one.write(tmp_path / "ledger")
    code, shown, _ = run(*arguments)
    assert code == 0
    assert "7 entries verified" in shown
    one.batches(1)
    one.write(tmp_path / "ledger")
    code, shown, _ = run(*arguments)
    assert code == 0
    assert "entry 7: 1 answer for hotlist" in shown
    del one.entries[-2:]
    shutil.rmtree(tmp_path / "ledger")
    one.write(tmp_path / "ledger")
    code, _, complaint = run(*arguments)
    assert code == 2
    assert "fewer than it has shown before" in complaint


@pytest.mark.parametrize("goes_back", [False, True], ids=["fork", "rollback"])
def test_a_running_watch_ends_by_itself_when_the_ledger_forks_or_goes_back(
    tmp_path: Path, keys: Path, goes_back: bool
) -> None:
    one = Ledger.begun()
    folder = one.write(tmp_path / "ledger")
    arguments = ("watch", "--ledger", folder, "--keys", keys, "--state", tmp_path / "state", "--every", "0.1")
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert "7 entries verified" in process.stdout.readline()
        one.entries.pop()
        if not goes_back:
            one.batches(1)
        # The entries first, as the ledger does: a reader never finds a checkpoint whose entries are not there.
        files = one.files()
        for path in sorted(files, key=lambda path: path == CHECKPOINT):
            new = folder / f"{path}.new"
            new.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(files[path])
            new.rename(folder / path)
        _, complaint = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 2
    assert ("fewer than it has shown before" if goes_back else "one size, two roots") in " ".join(
        complaint.split()
    )
