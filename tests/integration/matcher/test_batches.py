"""What the matcher enters in the ledger: batches before answers, whatever is away or dies, and counts that balance."""

from __future__ import annotations

from contextlib import closing

import pytest

from blindplate.core.batches import answer_digest, batch_root
from blindplate.core.errors import NotFoundError, UnavailableError
from blindplate.core.ledger.bundles import decode_bundle
from blindplate.core.ledger.entries import parse_entry
from blindplate.core.ledger.layout import bundles_between, entries_path
from blindplate.core.statements.matching import Batches, MatcherCounts
from blindplate.core.statements.model import StatementModel
from blindplate.edge.ledger.source import open_source
from blindplate.psi.owner import open_answer
from blindplate.server.matcher import answers_store
from tests.integration.ledger_site import party_key
from tests.integration.matcher.conftest import Segment, World, pseudonym, witnessed

SLOTS = 8192


@pytest.fixture
def listed() -> bytes:
    return pseudonym()


@pytest.fixture
def segment(world: World, listed: bytes) -> Segment:
    segment = world.owner.build(world.police, world.epoch(), [listed], now=world.clock.now())
    world.owner.upload(world.port, segment)
    return segment


def hand_in(world: World, *pseudonyms: bytes) -> None:
    reads = world.reads(pseudonyms)
    assert not any(receipt.code for receipt in world.camera.submit(world.port, [one.wire for one in reads]))


def entered[Model: StatementModel](world: World, kind: type[Model]) -> list[Model]:
    """The matcher's statements of one kind in the ledger, as everybody reads them."""
    assert world.ledger.running is not None
    size = world.ledger.running.size
    witnessed(world.ledger, size - 1)
    matcher = party_key(world.deployment, "matcher").public
    with closing(open_source(world.ledger.access().url)) as source:
        entries = [
            entry
            for bundle in bundles_between(0, size)
            for entry in decode_bundle(source.get(entries_path(bundle.index, bundle.width)))
        ]
    statements = [parse_entry(entry) for entry in entries]
    return [kind.verified(one, [matcher]) for one in statements if one.payload_type == kind.media_type()]
