"""The ledger of a running world as anyone may audit it, with nothing but its public files and keys."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.findings import Kind
from blindplate.client.auditor.keys import read_keys
from blindplate.client.auditor.verify import verify
from blindplate.core.ledger.bundles import decode_bundle
from blindplate.core.ledger.entries import parse_entry
from blindplate.core.ledger.layout import bundles_between, entries_path
from blindplate.core.parties import Custodian
from blindplate.core.statements.release_entries import DecisionEntry
from tests.integration.ledger_site import until
from tests.integration.matcher.conftest import witnessed
from tests.integration.owner.world import World


def audited(world: World) -> Audit:
    """An audit of everything that any running party has said so far."""
    _settle(world)
    return verify(str(world.deployment.ledger), read_keys(world.deployment.keys))


def found(world: World, kind: Kind) -> list[str]:
    """The sentences of an audit's findings of one kind."""
    return [one.sentence for one in audited(world).findings if one.kind is kind]


def decided(world: World, request_id: bytes) -> dict[Custodian, str]:
    """What the public files say each custodian decided of a request: the code."""
    _settle(world)
    codes: dict[Custodian, str] = {}
    assert world.ledger.running is not None
    for bundle in bundles_between(0, world.ledger.running.size):
        path = world.deployment.ledger / entries_path(bundle.index, bundle.width)
        for entry in decode_bundle(path.read_bytes()):
            statement = parse_entry(entry)
            if statement.payload_type == DecisionEntry.media_type():
                decision = DecisionEntry.parsed(statement.payload)
                if decision.request_id == request_id:
                    codes[decision.custodian] = decision.code
    return codes


def _settle(world: World) -> None:
    """Wait until all decisions are in the ledger, and all of it is witnessed and public."""
    until(lambda: not any(_waiting(world, custodian) for custodian in world.custodians))
    assert world.ledger.running is not None
    witnessed(world.ledger, world.ledger.running.size - 1)


def _waiting(world: World, custodian: Custodian) -> int:
    """How many statements of a custodian are not in the ledger yet."""
    path = world.deployment.home(f"custodian-{custodian}") / "state" / "custodian.sqlite"
    with closing(sqlite3.connect(path)) as database:
        query = "SELECT count(*) FROM outbox WHERE ledger_index IS NULL"
        return int(database.execute(query).fetchone()[0])
