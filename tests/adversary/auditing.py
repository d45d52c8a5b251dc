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
from blindplate.core.signing import Statement
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
    said = [DecisionEntry.parsed(one.payload) for one in published(world, DecisionEntry.media_type())]
    return {one.custodian: one.code for one in said if one.request_id == request_id}


def published(world: World, payload_type: str) -> list[Statement]:
    """Every statement of one kind that the public files show."""
    _settle(world)
    assert world.ledger.running is not None
    bundles = bundles_between(0, world.ledger.running.size)
    paths = [world.deployment.ledger / entries_path(one.index, one.width) for one in bundles]
    statements = [parse_entry(entry) for path in paths for entry in decode_bundle(path.read_bytes())]
    return [one for one in statements if one.payload_type == payload_type]


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
