"""Commands and the daemon as two users of one database; the whole process from start to signal."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from blindplate.client.owner import commands
from blindplate.client.owner.entries import Details
from blindplate.client.owner.listfile import ProblemKind
from blindplate.client.owner.process import run
from blindplate.client.owner.progress import Stage
from blindplate.client.owner.submitting import Submission
from blindplate.core.domains import EpochKind, EpochRule
from blindplate.core.errors import NotFoundError, PlateError
from tests.integration.owner.conftest import MakeWorld
from tests.integration.owner.world import World, within


@contextmanager
def running(world: World) -> Generator[None]:
    """The owner's daemon, on the machine's own clock."""
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(world.settings(),), kwargs={"stop": stop})
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_the_list_is_kept_by_commands_while_the_daemon_runs(make_world: MakeWorld, tmp_path: Path) -> None:
    # The daemon takes the time from the machine; an epoch of a day makes a boundary unlikely.
    world = make_world(epoch=EpochRule(EpochKind.SPAN, 86_400))
    world.clock.offset = 0
    settings = world.settings()
    file = tmp_path / "list.csv"
    with running(world):
        file.write_text("vrm,reason\nAB12CDE,stolen\nKL63XYZ,\n?,\n")
        refused = commands.submit(settings, file)
        assert refused.changed is None
        assert [(one.line, one.kind) for one in refused.problems] == [(4, ProblemKind.PLATE)]
        assert commands.status(settings).entries == 0

        seen: list[tuple[Stage, int, int]] = []
        done = commands.submit(
            settings,
            file,
            Submission(skip_bad=True),
            progress=lambda stage, part, total: seen.append((stage, part, total)),
        )
        assert done.changed is not None
        assert done.changed.change.added == 2
        assert done.changed.published.evaluated == 2
        assert done.changed.in_force_since is not None
        assert {stage for stage, _, _ in seen} == set(Stage)
        assert all(part <= total for _, part, total in seen)

        commands.add(settings, "MN20PRS", details=Details(reason="seen leaving"))
        commands.remove(settings, "KL63XYZ")
        with pytest.raises(NotFoundError):
            commands.remove(settings, "KL63XYZ")
        with pytest.raises(PlateError):
            commands.add(settings, "?")
        status = commands.status(settings)
        assert (status.entries, status.version) == (2, 3)
        assert status.epochs[0].version == 3
        assert set(status.unevaluated.values()) == {0}

        world.read(["MN20PRS"])
        (hit,) = within(lambda: commands.hits(settings), lambda found: len(found) == 1)
        watched = commands.watch(settings, after=0)
        assert next(watched) == hit
        world.read(["AB12CDE"])
        assert next(watched).hit_id > hit.hit_id
