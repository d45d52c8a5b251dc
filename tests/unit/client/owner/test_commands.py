"""Commands that wait: a change of the list is told as in force once it is, and left to the daemon when that takes long."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from blindplate.client.owner import commands, committing
from blindplate.client.owner.commitments import MOST_AT_ONCE
from blindplate.client.owner.progress import Stage
from blindplate.client.owner.session import Session
from blindplate.client.owner.settings import OwnerSettings
from blindplate.core.signing import Statement
from tests.unit.client.owner.scene import NOW, PLATES, Scene


@pytest.fixture
def desk(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    @contextmanager
    def open_session(_settings: OwnerSettings) -> Generator[Session]:
        yield scene.session

    monkeypatch.setattr(commands, "open_session", open_session)
    monkeypatch.setattr(commands, "_WATCH_SECONDS", 0.001)
    return scene


def witness_at_once(desk: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    enter = desk.ledger.enter

    def entered(statement: Statement) -> int:
        index = enter(statement)
        desk.witness()
        return index

    monkeypatch.setattr(desk.ledger, "enter", entered)


def test_a_change_is_told_as_in_force_once_it_is_witnessed_and_published(
    desk: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages: list[tuple[Stage, int, int]] = []
    looks = iter(range(100))
    advance = committing.advance

    def witnessed_at_the_third_look(session: Session) -> bool:
        if next(looks) == 3:
            desk.clock.moment += 2
            desk.witness()
        return advance(session)

    monkeypatch.setattr(committing, "advance", witnessed_at_the_third_look)
    done = commands.add(desk.settings(), PLATES[0], progress=lambda *told: stages.append(told))
    assert (done.change.version, done.published.evaluated, done.published.uploaded) == (1, 1, 2)
    assert done.in_force_since == NOW + 2
    assert (Stage.WITNESSING, 0, 1) in stages
    assert stages.index((Stage.WITNESSING, 1, 1)) < max(
        place for place, (stage, _, _) in enumerate(stages) if stage is Stage.UPLOADING
    )


def test_a_change_that_is_not_witnessed_in_time_is_left_to_the_daemon(
    desk: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_WITNESS_SECONDS", 0.05)
    done = commands.add(desk.settings(), PLATES[0])
    assert (done.change.version, done.published.uploaded, done.in_force_since) == (1, 0, None)
    status = commands.status(desk.settings())
    assert status.committed is not None
    assert (status.committed.version, status.in_force) == (1, None)
    assert status.committed.ledger_index == len(desk.ledger.entries) - 1


def test_more_changes_than_may_be_committed_to_just_now_are_left_to_the_daemon(
    desk: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness_at_once(desk, monkeypatch)
    told: list[Any] = []
    for number in range(MOST_AT_ONCE):
        told.append(commands.add(desk.settings(), f"AB{number + 10}CDE").in_force_since)
        desk.clock.moment += 2
        desk.witness()
    assert [since is None for since in told] == [False] * (MOST_AT_ONCE - 2) + [True] * 2
    status = commands.status(desk.settings())
    assert status.in_force is not None
    assert (status.version, status.in_force.version) == (MOST_AT_ONCE, MOST_AT_ONCE - 2)
