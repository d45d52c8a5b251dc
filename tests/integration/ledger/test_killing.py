"""A real ``ledger serve`` killed again and again while parties append: nothing acknowledged is lost, no fork.

Each round the process is killed with SIGKILL at a random moment and started again. Afterwards every receipt ever given is
held against the files, every checkpoint ever signed against their tree, and ``fsck`` finds nothing. A loss of power is
``test_power_cut``'s.
"""

from __future__ import annotations

import shutil
import time
from random import Random

import pytest

from blindplate.cli.demonstration.processes import Processes
from blindplate.cli.deployment import Deployment
from blindplate.edge.settings import load
from blindplate.server.ledger.settings import LedgerSettings
from tests.integration.ledger.proving import require_intact
from tests.integration.ledger.strict_witnesses import StrictWitnesses
from tests.integration.ledger.writing import Acknowledged, Writer, wait_until
from tests.integration.ledger_site import RunningLedger

WRITERS = ("matcher", "custodian-a", "custodian-b")


@pytest.mark.parametrize("rounds", [4, pytest.param(60, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])])
def test_killed_while_parties_append(
    deployment: Deployment, ledger: RunningLedger, witnesses: StrictWitnesses, rounds: int
) -> None:
    witnesses.start_both()
    kept, rng = Acknowledged(), Random(f"kill {rounds}")
    writers = [Writer(deployment, ledger.access(), party, kept) for party in WRITERS]
    for writer in writers:
        writer.start()
    try:
        for _ in range(rounds):
            before = len(kept.leaves)
            with Processes(deployment) as processes:
                process = processes.serve("ledger")
                wait_until(lambda before=before: len(kept.leaves) > before)  # type: ignore[misc]  # bound now
                time.sleep(rng.uniform(0.0, 1.0))
                process.kill()
    finally:
        for writer in writers:
            writer.stop()
    size = require_intact(deployment, kept, witnesses)
    assert size >= len(kept.leaves) > 100 * rounds / 4
    # What the ledger refused them with, if anything, was that it was away.
    assert set().union(*(writer.codes for writer in writers)) <= {"unavailable"}


def test_told_to_end_it_finishes_what_it_has(
    deployment: Deployment, ledger: RunningLedger, witnesses: StrictWitnesses
) -> None:
    witnesses.start_both()
    kept = Acknowledged()
    writer = Writer(deployment, ledger.access(), "matcher", kept)
    with Processes(deployment) as processes:
        process = processes.serve("ledger")
        process.wait_for("ready")
        writer.start()
        wait_until(lambda: len(kept.leaves) > 100)
        process.stop()
        assert process.popen.returncode == 0
    writer.stop()
    require_intact(deployment, kept, witnesses)


def test_set_back_behind_its_witnesses_it_ends(
    deployment: Deployment, ledger: RunningLedger, witnesses: StrictWitnesses
) -> None:
    """Both folders of an old backup agree with each other: only the witnesses know better."""
    settings = load(LedgerSettings, deployment.settings("ledger"))
    folders = (settings.public, settings.head.parent)
    for number, folder in enumerate(folders):
        shutil.copytree(folder, deployment.folder / f"backup-{number}")
    witnesses.start_both()
    kept = Acknowledged()
    writer = Writer(deployment, ledger.access(), "matcher", kept)
    with Processes(deployment) as processes:
        processes.serve("ledger").wait_for("ready")
        writer.start()
        wait_until(lambda: len(kept.leaves) > 10)
        writer.stop()
        wait_until(lambda: min(one.size for one in witnesses.of.values()) > max(kept.leaves))
    for number, folder in enumerate(folders):
        shutil.rmtree(folder)
        shutil.copytree(deployment.folder / f"backup-{number}", folder)
    with Processes(deployment) as processes:
        process = processes.serve("ledger")
        event = process.wait_for("ledger-must-end")
        assert event["error"]["code"] == "rollback"
        assert process.popen.wait(20) == 2
