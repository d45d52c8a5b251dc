"""Keeps reads of a few vehicles until it is killed: ``python -m tests.unit.server.matcher.keeping_work FOLDER RUN``.

Says each vehicle, by its number, once its read is kept, as an owner would hear of it.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from random import Random
from typing import Final

from blindplate.core.domains import Domain
from blindplate.core.statements.uploads import Stage
from blindplate.server.matcher import answers_store, counts_store, keeping
from blindplate.server.matcher.folding import Tagged
from blindplate.server.matcher.keeping import Shown
from blindplate.server.matcher.retention_keys import RetentionKeys
from blindplate.server.matcher.segments_store import Segment
from blindplate.server.matcher.storage import Database
from tests.unit.server.matcher import conftest
from tests.unit.server.matcher.conftest import EPOCH, START, admitted, segment
from tests.unit.server.matcher.stores import GRANTS, NOW, SLOTS, add, enter, take

VEHICLES: Final = 12
DOMAIN: Final = Domain("police", "inner", 1)


def pseudonym(vehicle: int) -> bytes:
    return bytes([vehicle]) * 32


def work(folder: Path, run: int) -> None:
    """Receive, answer, keep, and destroy keys that nothing needs, for ever."""
    # Every run's records have ids of their own.
    conftest.IDS = itertools.count(1 + 1_000_000 * run)
    database, keys = Database(folder / "matcher.db"), RetentionKeys(folder / "retention-keys")
    database.write(lambda connection: counts_store.begin(connection, NOW))
    base, rng = segment(stage=Stage.KEEP), Random(run)
    add(database, base)
    while True:
        vehicle = rng.randrange(VEHICLES)
        _keep_one(database, keys, base, vehicle, alternate=rng.random() < 0.5)
        sys.stdout.write(f"{vehicle}\n")
        sys.stdout.flush()
        with database.read() as connection:
            places = keeping.tagged_places(connection)
        keys.destroy_unused(places.copy)


def _keep_one(
    database: Database, keys: RetentionKeys, base: Segment, vehicle: int, *, alternate: bool
) -> None:
    [number] = take(database, admitted(opens=START + 100))
    placed, retained = {0: number}, {number: bytes(64)}
    sequence = database.write(
        lambda connection: answers_store.store(connection, base, b"body", SLOTS, placed, NOW, retained)
    )
    enter(database)
    with keys.using("police", EPOCH) as key:
        tagged = [Tagged(number, key.tag(DOMAIN, EPOCH, pseudonym(vehicle)), alternate)]
        shown = Shown("police", GRANTS, sequence, [0])
        database.write(lambda connection: keeping.keep(connection, shown, tagged, NOW))


if __name__ == "__main__":
    work(Path(sys.argv[1]), int(sys.argv[2]))
