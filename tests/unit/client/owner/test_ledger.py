"""The owner's reading of the ledger, shared by its daemon and its commands."""

from __future__ import annotations

import pytest

from blindplate.core.errors import UnwitnessedError
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
