"""G8: no acknowledged record is lost, and every hit comes exactly once, whatever is killed at whatever moment.

A camera, the matcher and a police force's owner are killed (kill -9) again and again, at seeded moments of the hand-in
itself: while a batch is on its way, after the matcher has acknowledged it and before the camera has heard of it, just
after that, or anywhere in a start. Events come all the time. What the matcher acknowledged is known from a relay on
the line, and which record is of which plate from the keys of all parties, which the test has.

A kill takes nothing from the operating system's caches: what a loss of power takes is ``test_g8_unsynced_writes``.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from blindplate.core.domains import Domain, Epoch
from blindplate.core.hpke import OpeningKey
from blindplate.core.pseudonyms import DomainKey, combine, pseudonym
from blindplate.core.records.opening import open_wire_envelope
from blindplate.core.records.wire import Wire
from blindplate.edge.keyfiles import read_secret
from tests.adversary.street import OWNER, Street, blows, wait_until

SEED: Final = "kills 1"
_LISTS: Final = ("emissions", "police")
_SETTLE_SECONDS: Final = 40.0
# Police reads that wait for the list, and answers to them that wait for the owner.
_UNSETTLED: Final = (
    "SELECT number FROM waiting UNION ALL SELECT sequence FROM answers WHERE acknowledged_ms IS NULL"
)


@dataclass(frozen=True)
class Accounts:
    """What there should be, from what was given and acknowledged: record ids by list and plate."""

    acknowledged: Mapping[tuple[str, str], list[bytes]]

    def of(self, list_id: str) -> set[bytes]:
        return {one for (list_, _), ids in self.acknowledged.items() for one in ids if list_ == list_id}


@pytest.mark.timeout(400)
def test_thirty_kills_lose_nothing(tmp_path: Path) -> None:
    _run(tmp_path, SEED, rounds=30, light=True)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(3))
def test_hundreds_of_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    _run(tmp_path, f"soak {seed}", rounds=200, light=False)


def _run(folder: Path, seed: str, *, rounds: int, light: bool) -> None:
    rng = Random(seed)
    with Street(folder, rng, light=light) as street:
        for blow in blows(rng, rounds):
            street.strike(blow)
        street.drain()
        accounts = _accounts(street)
        listed = {vehicle.text for vehicle in street.listed}
        expected = {
            one
            for (list_id, plate), ids in accounts.acknowledged.items()
            for one in ids
            if list_id == "police" and plate in listed
        }
        hits = _settled_hits(street, len(expected))
        street.stop(OWNER)
        street.stop("matcher")

        assert street.relay.refused == []
        _every_event_was_acknowledged(street, accounts)
        _the_matcher_holds_what_it_acknowledged(street, accounts, expected)
        assert len(expected) > rounds
        assert Counter(hits) == Counter(expected)


def _settled_hits(street: Street, expected: int) -> list[bytes]:
    """The owner's hits, once they are as many as expected and the matcher has nothing more to answer."""
    folder = street.deployment.folder
    owner, matcher = folder / OWNER / "state" / "owner.sqlite", folder / "matcher" / "state" / "matcher.db"

    def settled() -> bool:
        hits = _column(owner, "SELECT record_id FROM hits")
        return len(hits) >= expected and not _column(matcher, _UNSETTLED)

    # What does not come is for the caller to name.
    with suppress(AssertionError):
        wait_until(settled, _SETTLE_SECONDS)
    return _column(owner, "SELECT record_id FROM hits")


def _every_event_was_acknowledged(street: Street, accounts: Accounts) -> None:
    """An event that its camera let go of is a record of each list; of two only if its camera died over it."""
    for name, vehicle in street.events.given.items():
        for list_id in _LISTS:
            records = accounts.acknowledged.get((list_id, vehicle.text), [])
            assert records, f"event {name} is lost to {list_id}"
            assert len(records) == 1 or name in street.exposed


def _the_matcher_holds_what_it_acknowledged(street: Street, accounts: Accounts, hits: set[bytes]) -> None:
    database = street.deployment.folder / "matcher" / "state" / "matcher.db"
    receipts = set(_column(database, "SELECT record_id FROM receipts"))
    held = set(_column(database, "SELECT record_id FROM records"))
    claimed = set(_column(database, "SELECT record_id FROM records WHERE claimed_ms IS NOT NULL"))
    assert receipts == street.relay.acknowledged
    # Nobody asks for the emissions list: its records wait. Of the police's, what was answered in vain is erased.
    assert accounts.of("emissions") <= held
    assert claimed == hits
    counts: dict[str, int] = dict(_rows(database, "SELECT event, sum(amount) FROM counts GROUP BY event"))
    assert counts["received"] == len(receipts)
    assert counts["claimed"] == len(claimed)
    assert counts["erased-acknowledged"] == len(receipts) - len(held)


def _accounts(street: Street) -> Accounts:
    folder = street.deployment.folder
    windows = {
        key.key_id: key
        for path in (folder / "matcher" / "state" / "window-keys").glob("*.key")
        for key in [OpeningKey.from_seed(read_secret(path))]
    }
    seeds = [read_secret(folder / f"custodian-{name}" / "pseudonyms.seed") for name in "ab"]
    outputs: dict[Domain, dict[str, bytes]] = {}
    plates: dict[tuple[Domain, Epoch], dict[bytes, str]] = {}
    found: dict[tuple[str, str], list[bytes]] = {}
    for record_id in street.relay.acknowledged:
        wire = Wire.from_proto(street.relay.wires[record_id])
        domain, epoch = wire.record.header.domain, wire.record.header.epoch
        if domain not in outputs:
            a, b = (DomainKey.derive(seed, domain) for seed in seeds)
            outputs[domain] = {
                vehicle.text: combine(
                    a.evaluate(vehicle.plate.encode()), b.evaluate(vehicle.plate.encode()), domain
                )
                for vehicle in street.events.given.values()
            }
        if (domain, epoch) not in plates:
            plates[domain, epoch] = {pseudonym(f, epoch): text for text, f in outputs[domain].items()}
        y, _ = open_wire_envelope(wire, windows[wire.window_key_id])
        found.setdefault((domain.list_id, plates[domain, epoch][y]), []).append(record_id)
    return Accounts(found)


def _column(path: Path, query: str) -> list[bytes]:
    return [row[0] for row in _rows(path, query)]


def _rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        return connection.execute(query).fetchall()
