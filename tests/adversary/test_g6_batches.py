"""G6, at matching: a ledger that acknowledges a batch to the matcher, so that its answer goes out, and then drops it.

Custodians know nothing of the matcher's receipts and cosign the ledger without the batch. The matcher is the first to see
it; whoever audits sees it at the list's next batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from blindplate.client.auditor import matching as matching_module
from blindplate.client.auditor.findings import Kind
from blindplate.core.errors import ForkError
from blindplate.core.ledger.entries import entry_bytes
from blindplate.core.signing import Statement
from blindplate.core.statements.matching import AnsweredBatch, Batches
from blindplate.edge.ledger.appender import LedgerClient
from blindplate.server.matcher.following import FollowedLedger, follow
from tests.adversary.audit_command import Audited, audit
from tests.adversary.hiding_appender import HidingAppender, hiding_appender
from tests.adversary.stolen_ledger import StolenLedger, running_custodians, stolen_from
from tests.integration.ledger_site import party_key, party_tls


@dataclass(frozen=True, slots=True)
class Scene:
    """The matcher's reading of the ledger and its way to enter batches, both of the attacker's ledger."""

    ledger: StolenLedger
    appender: HidingAppender
    reading: FollowedLedger
    client: LedgerClient
    evidence: Path

    def batch(self, sequence: int) -> Statement:
        """The matcher's statement of one answer under the grant of the police."""
        grant = self.ledger.custodians.grant("police-1")
        batch = AnsweredBatch(
            grant_id=grant.grant_id,
            list_id=grant.list_id,
            sequence=sequence,
            segment_id=bytes(32),
            slots=8192,
            root=bytes([sequence]) * 32,
            answer_sha256=bytes([sequence]) * 32,
        )
        statement = Batches(batches=(batch,), made_at=self.ledger.now)
        return statement.statement(party_key(self.ledger.deployment, "matcher"))

    def drop_the_first(self) -> None:
        """Two answers go out, each for its receipt; only the second stands in what both custodians cosign."""
        self.ledger.goes_on(self.ledger.honest)
        self.reading.refresh()
        first, second = self.batch(1), self.batch(2)
        assert [receipt.index for receipt in self.client.append([first])] == [self.ledger.honest.size]
        self.client.append([second])
        self.ledger.goes_on(self.ledger.honest.then(second))
        assert entry_bytes(first) not in self.ledger.honest.entries


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with (
        running_custodians(tmp_path) as custodians,
        stolen_from(custodians) as ledger,
        hiding_appender(ledger) as appender,
    ):
        access, folder = ledger.access, tmp_path / "matcher"
        folder.mkdir()
        reading = follow(access, folder / "ledger.sqlite", custodians.trust.parties(), custodians.clock)
        tls = party_tls(ledger.deployment, "matcher")
        with (
            closing(reading),
            LedgerClient(access.address, tls, access.keys.keys(), reading.keep_receipt) as client,
        ):
            yield Scene(ledger, appender, reading, client, folder / "evidence")


def verified(scene: Scene, capsys: pytest.CaptureFixture[str]) -> Audited:
    return audit(capsys, "verify", scene.ledger.access.url, scene.ledger.deployment.keys)


def test_a_batch_that_was_dropped_is_a_fork_to_the_matcher_which_keeps_the_proof(scene: Scene) -> None:
    scene.drop_the_first()
    before = scene.reading.current
    with pytest.raises(ForkError):
        scene.reading.refresh()
    # Nothing that the forked ledger says comes into force.
    assert scene.reading.current is before
    kept = {file.read_bytes() for file in scene.evidence.glob("*.note")}
    assert {*scene.appender.notes, scene.ledger.files["checkpoint"]} <= kept


def test_without_the_receipt_the_matcher_reads_on(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene.client, "_keep", None)
    scene.drop_the_first()
    scene.reading.refresh()
    assert scene.reading.size == scene.ledger.honest.size


def test_a_batch_that_was_dropped_is_missed_at_the_next(
    scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.drop_the_first()
    audited = verified(scene, capsys)
    assert (audited.status, audited.names(Kind.BATCH_ORDER)) == (1, True)
    unordered = tuple(rule for rule in matching_module.BATCH_RULES if rule.kind is not Kind.BATCH_ORDER)
    with monkeypatch.context() as patch:
        patch.setattr(matching_module, "BATCH_RULES", unordered)
        assert verified(scene, capsys).status == 0
