"""Work whose every acknowledgement is noted in a journal: at the matcher over real gRPC, at a camera's spool, at an owner.

Run as a process of its own, because what records counts for the whole process: ``python -m tests.adversary.durable_work
FOLDER SEED`` leaves ``FOLDER/WORK-SYNCHRONOUS/journal``, a pickled list of entries, for every work and every setting of
``PRAGMA synchronous``; those other than FULL are the defence removed. Notes: ``kept`` what was acknowledged as durable,
``leaving`` what may be erased from here on because somebody asked for it.
"""

from __future__ import annotations

import os
import pickle
import re
import sqlite3
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from sqlalchemy import insert

from blindplate.cli.deployment import create_deployment
from blindplate.client.camera.spool import Spool, SpoolItem
from blindplate.client.owner.entries import Details
from blindplate.client.owner.store import Store
from blindplate.client.owner.tables import entries, versions
from blindplate.psi.owner import open_answer
from blindplate.v1 import intake_pb2
from tests.adversary.power_cut import Journal
from tests.adversary.sqlite_recorder import recorded
from tests.integration.conftest import small_plan
from tests.integration.matcher.conftest import World, open_world, pseudonym

# Names of files in the folder given.
MATCHER_DATABASE: Final = Path("deployment/matcher/state/matcher.db")
SPOOL: Final = Path("spool.sqlite")
OWNER_DATABASE: Final = Path("owner/owner.sqlite")
MODES: Final = ("FULL", "NORMAL", "OFF")


def matcher(folder: Path, journal: Journal, rng: Random) -> None:
    """Submissions, and in between ticks, claims, acknowledgements and housekeeping."""
    deployment = create_deployment(folder / "deployment", small_plan())
    with open_world(deployment) as world:
        _hand_in_and_answer(world, journal, rng)


def spool(folder: Path, journal: Journal, rng: Random) -> None:
    """Records spooled, and some of them erased."""
    store = Spool(folder / SPOOL, limit=10_000)
    for _ in range(60):
        wires = [os.urandom(rng.randint(3_000, 9_000)) for _ in range(rng.randint(1, 5))]
        store.add([SpoolItem("police", 0.0, wire) for wire in wires])
        journal.note("kept", tuple(wires))
        if rng.random() < 0.5:
            due = store.due(1.0, rng.randint(1, 12), 1 << 20)
            journal.note("leaving", tuple(one.wire for one in due))
            store.remove([one.number for one in due])
    store.close()


def owner(folder: Path, journal: Journal, rng: Random) -> None:
    """Entries put on a list: stands for all that an owner keeps, hits among them, which go through the same blocks."""
    store = Store(folder / OWNER_DATABASE.parent)
    for version in range(1, 40):
        plates = [os.urandom(16) for _ in range(rng.randint(1, 20))]
        with store.writing() as connection:
            connection.execute(
                insert(versions).values(version=version, made_at=0.0, added=len(plates), removed=0)
            )
            rows = [
                {
                    "plate": plate,
                    **asdict(Details()),
                    "listed_version": version,
                    "listed_at": 0.0,
                }
                for plate in plates
            ]
            connection.execute(insert(entries), rows)
        journal.note("kept", tuple(plates))
    store.close()


def _hand_in_and_answer(world: World, journal: Journal, rng: Random) -> None:
    police, emissions = world.police, world.emissions
    listed = [pseudonym() for _ in range(50)]
    segment = world.owner.build(police, world.epoch(), listed, now=world.clock.now())
    world.owner.upload(world.port, segment)
    unanswered: set[bytes] = set()
    for step in range(30):
        read = [rng.choice(listed) if rng.random() < 0.3 else pseudonym() for _ in range(rng.randint(1, 8))]
        sealed = world.reads(read, grant=police if step % 3 else emissions)
        receipts = world.camera.submit(world.port, [one.wire for one in sealed])
        assert {receipt.acceptance for receipt in receipts} == {intake_pb2.ACCEPTANCE_ACCEPTED}
        journal.note("kept", tuple(one.record_id for one in sealed))
        unanswered |= {one.record_id for one in sealed} if step % 3 else set()
        if step % 4 == 1:
            _answer(world, segment.secret, journal, tuple(unanswered))
            unanswered.clear()
        if rng.random() < 0.4:
            world.served.matcher.keeper.keep()


def _answer(world: World, secret: bytes, journal: Journal, answered: tuple[bytes, ...]) -> None:
    assert world.tick() == 1
    answer = world.owner.next(world.port, "police", 0).answer
    opened = open_answer(secret, answer.body)
    results = world.owner.claim(
        world.port, "police", answer.sequence, [(one.slot, one.match_secret) for one in opened]
    )
    claimed = {result.record.header.record_id for result in results if result.HasField("record")}
    assert len(claimed) == len(opened)
    journal.note("leaving", tuple(set(answered) - claimed))
    world.owner.acknowledge(world.port, "police", answer.sequence)


class _Weakened(sqlite3.Connection):
    """A connection that does not sync as it is told to."""

    mode = "FULL"

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        weakened = re.sub(r"(PRAGMA synchronous ?= ?)FULL", rf"\1{self.mode}", sql)
        return super().execute(weakened, *parameters)


@contextmanager
def synchronous(mode: str) -> Generator[None]:
    """Have every connection opened inside the block, by whatever code, end up with this setting."""
    weakened = type("Weakened", (_Weakened,), {"mode": mode})
    connect = partial(sqlite3.connect, factory=weakened)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("sqlite3", "sqlite3.dbapi2"):
            patch.setattr(f"{module}.connect", connect)
        yield


WORK: Final[dict[str, Callable[[Path, Journal, Random], None]]] = {
    "matcher": matcher,
    "spool": spool,
    "owner": owner,
}


def main(place: str, seed: str) -> None:
    for name, work in WORK.items():
        for mode in MODES:
            folder = Path(place) / f"{name}-{mode}"
            folder.mkdir()
            with synchronous(mode), recorded() as journal:
                work(folder, journal, Random(seed))
            (folder / "journal").write_bytes(pickle.dumps(journal.entries))


if __name__ == "__main__":
    main(*sys.argv[1:])
