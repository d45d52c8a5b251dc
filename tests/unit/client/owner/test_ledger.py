"""The owner's reading of the ledger, shared by its daemon and its commands."""

from __future__ import annotations

import pytest

from blindplate.cli.deployment.witnessing import ORIGIN
from blindplate.core.errors import ForkError, UnwitnessedError
from blindplate.core.ledger.checkpoints import Checkpoint, verify_checkpoint
from blindplate.core.merkle import root
from tests.unit.client.owner.scene import NOW, Scene


def test_each_of_two_processes_reads_on_where_the_other_stopped(scene: Scene) -> None:
    with scene.another_session() as other:
        for number, (session, beside) in enumerate([(scene.session, other), (other, scene.session)] * 2):
            amended = scene.amend(list_size=10 + number)
            scene.witness()
            session.ledger.refresh()
            assert session.history.latest == amended
            assert beside.history.latest != amended
            beside.ledger.refresh()
            assert beside.history.latest == amended


def test_an_entry_is_witnessed_once_both_custodians_cosigned_lately(scene: Scene) -> None:
    scene.amend(list_size=7)
    index = len(scene.ledger.entries) - 1
    with pytest.raises(UnwitnessedError):
        scene.session.ledger.require_witnessed(index)
    scene.ledger.witness(NOW, NOW - 120)
    with pytest.raises(UnwitnessedError):
        scene.session.ledger.require_witnessed(index)
    scene.ledger.witness(NOW, NOW + 1)
    assert scene.session.ledger.require_witnessed(index).require_both() == NOW + 1


def test_the_replica_is_closed_to_others(scene: Scene) -> None:
    file = scene.settings().data / "ledger.sqlite"
    assert file.stat().st_mode & 0o077 == 0


def test_a_ledger_that_drops_what_it_acknowledged_to_one_process_is_a_fork_to_each(scene: Scene) -> None:
    entries = [*scene.ledger.entries, b"dropped"]
    acknowledged = Checkpoint(ORIGIN, len(entries), root(entries))
    note = scene.ledger._log.sign(acknowledged, NOW).to_bytes()
    with scene.another_session() as other:
        other.ledger._keep(verify_checkpoint(note, other.ledger._keys))
        scene.amend(list_size=7)
        scene.witness()
        for session in (scene.session, other):
            with pytest.raises(ForkError):
                session.ledger.refresh()
    kept = {file.read_bytes() for file in (scene.settings().data / "evidence").glob("*.note")}
    assert note in kept
