"""A matcher that is killed while it keeps reads has kept one of each vehicle, and every one that it said it kept."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

from sqlalchemy import select

from blindplate.server.matcher import counts_store
from blindplate.server.matcher.retention_keys import RetentionKeys
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.tables import kept_tags, records
from tests.unit.server.matcher.conftest import EPOCH
from tests.unit.server.matcher.keeping_work import DOMAIN, VEHICLES, pseudonym

RUNS = 4


def killed(folder: Path, run: int, seconds: float) -> list[int]:
    """Let it work for some ``seconds`` from its first word on, then kill it; the vehicles it said it kept."""
    command = [sys.executable, "-m", "tests.unit.server.matcher.keeping_work", str(folder), str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(seconds)
        process.kill()
        # The last line may have been cut off.
        lines = [first, *process.stdout.readlines()]
    return [int(line) for line in lines if line.endswith("\n")]


def test_what_was_kept_is_kept_once_whenever_the_matcher_is_killed(tmp_path: Path) -> None:
    rng, said = Random(1), Counter[int]()
    for run in range(RUNS):
        said.update(killed(tmp_path, run, rng.uniform(0.0, 0.6)))
    assert said.total() > 2 * VEHICLES
    database, keys = Database(tmp_path / "matcher.db"), RetentionKeys(tmp_path / "retention-keys")
    with keys.using("police", EPOCH) as key:
        tags = {key.tag(DOMAIN, EPOCH, pseudonym(vehicle)): vehicle for vehicle in range(VEHICLES)}
    with database.read() as connection:
        rows = connection.execute(
            select(records.c.number, records.c.reads, kept_tags.c.tag)
            .select_from(records.outerjoin(kept_tags, kept_tags.c.number == records.c.number))
            .where(records.c.kept_ms.is_not(None))
        ).all()
        [counts] = counts_store.totals(connection).records
    database.close()
    # One record a vehicle, found by the one key there ever was.
    kept = {tags[row.tag]: row.reads for row in rows}
    assert len(kept) == len(rows)
    assert set(kept) >= set(said)
    # Each stands for all that was said of its vehicle, and what was cut off before it could be said.
    unsaid = sum(kept.values()) - said.total()
    assert 0 <= unsaid <= RUNS
    assert all(kept[vehicle] >= times for vehicle, times in said.items())
    counts.require_balanced()
    assert counts.kept == sum(kept.values())
