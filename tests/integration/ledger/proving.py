"""What must hold of a ledger's folders after whatever happened: everything acknowledged is there, in one history."""

from __future__ import annotations

from blindplate.cli.deployment import Deployment
from blindplate.core.ledger.bundles import decode_bundle
from blindplate.core.ledger.layout import bundles_between, entries_path
from blindplate.core.ledger.tree import Frontier
from blindplate.core.merkle import leaf_hash
from blindplate.edge.settings import load
from blindplate.server.ledger.fsck import fsck
from blindplate.server.ledger.settings import LedgerSettings
from blindplate.server.ledger.storage import Storage
from tests.integration.ledger.strict_witnesses import StrictWitnesses
from tests.integration.ledger.writing import Acknowledged


def require_intact(deployment: Deployment, kept: Acknowledged, witnesses: StrictWitnesses) -> int:
    """Open and repair the stopped ledger, then read its files; how many entries it has."""
    settings = load(LedgerSettings, deployment.settings("ledger"))
    storage = Storage(settings.public, settings.head, settings.ledger_keys.keys(), settings.max_unpublished)
    size = storage.head.checkpoint.size
    storage.close()
    defects = fsck(settings)
    assert defects == [], defects
    leaves = [
        leaf_hash(entry)
        for bundle in bundles_between(0, size)
        for entry in decode_bundle((settings.public / entries_path(bundle.index, bundle.width)).read_bytes())
    ]
    assert kept.contradictions == []
    assert {index: leaves[index] for index in kept.leaves if index < size} == kept.leaves
    seen = {one.last.checkpoint for one in witnesses.of.values() if one.last}
    frontier = Frontier.empty()
    for checkpoint in sorted(kept.checkpoints | seen, key=lambda one: one.size):
        frontier = frontier.appended(leaves[frontier.size : checkpoint.size])
        assert (frontier.size, frontier.root()) == (checkpoint.size, checkpoint.root)
    assert [one.defects for one in witnesses.of.values()] == [[], []]
    assert len(set(leaves)) == len(leaves)
    return size
