"""What is not cosigned: a second history, one put back or held back; and the evidence that is kept of it."""

from __future__ import annotations

import pytest

from blindplate.core.errors import (
    ForkError,
    NotFoundError,
    ProofError,
    RollbackError,
    UnavailableError,
)
from blindplate.core.ledger.checkpoints import verify_checkpoint
from blindplate.core.ledger.layout import entries_path
from blindplate.core.ledger.witness_messages import encode_add_checkpoint, parse_add_checkpoint
from blindplate.edge.ledger.receipts import SHOWN_WITHIN_SECONDS
from blindplate.server.custodian.cosigning import Conflict

from .published import KEYS, NOW, Published
from .statements import register_entry
from .witnessing import Site, alarms, cosigned_at


def tampered(proof: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
    return [
        (),
        proof[:-1],
        (*proof, proof[0]),
        (bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]),
        tuple(reversed(proof)),
    ]


@pytest.mark.parametrize("number", range(5), ids=["none", "shorter", "longer", "flipped-bit", "reversed"])
def test_a_continuation_that_is_not_proven_is_refused_and_alarmed(site: Site, number: int) -> None:
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    before = alarms("proof")
    site.ledger.fill(6)
    wrong = tampered(site.ledger.proof(5))[number]
    with pytest.raises(ProofError):
        witness.add(encode_add_checkpoint(5, wrong, site.ledger.note()))
    assert alarms("proof") == before + 1
    assert site.replica.size == 5
    # The right proof is taken afterwards.
    cosigned_at(site, witness.add(site.ledger.body(5)))


@pytest.mark.parametrize("old", [0, 5], ids=["from-nothing", "to-itself"])
def test_a_proof_where_none_is_needed_is_refused(site: Site, old: int) -> None:
    witness = site.start()
    site.ledger.fill(5)
    if old:
        witness.add(site.ledger.body(0))
    with pytest.raises(ProofError):
        witness.add(encode_add_checkpoint(old, (b"n" * 32,), site.ledger.note()))


def test_two_roots_of_one_size_are_a_fork_kept_as_evidence(site: Site) -> None:
    witness, fork = site.start(), Published.of(4)
    fork.fill(1, other=1000)
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    before, body = alarms("fork"), encode_add_checkpoint(5, (), fork.note())
    for _ in range(2):
        with pytest.raises(ForkError):
            witness.add(body)
    assert alarms("fork") == before + 2
    # Both signed checkpoints, once: together they convince anyone.
    assert set(site.evidence()) == {parse_add_checkpoint(body).note, witness.head()}
    assert site.replica.root == site.ledger.checkpoint().root


def test_a_larger_checkpoint_of_another_history_is_not_cosigned(site: Site) -> None:
    witness, fork = site.start(), Published.of(4)
    fork.fill(8, other=1000)
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    with pytest.raises(ProofError):
        witness.add(fork.body(5))
    assert site.replica.size == 5


def test_entries_that_are_not_those_of_the_checkpoint_are_a_fork(site: Site) -> None:
    # Proof and signature are right: only who reads the entries sees it.
    witness, shown = site.start(), Published.of(4)
    shown.fill(6, other=1000)
    site.ledger.fill(4)
    witness.add(site.ledger.body(0))
    site.ledger.fill(6)
    body = site.ledger.body(4)
    site.ledger.files[entries_path(0, 10)] = shown.files[entries_path(0, 10)]
    with pytest.raises(ForkError):
        witness.add(body)
    assert site.replica.size == 4


@pytest.mark.parametrize("missing", ["bundle", "document", "everything"])
def test_what_cannot_be_read_is_not_cosigned(site: Site, missing: str) -> None:
    witness = site.start()
    entry, document = register_entry(site.who)
    site.ledger.enter(entry, documents=[document])
    body, files = site.ledger.body(0), dict(site.ledger.files)
    if missing == "everything":
        site.ledger.away = True
    else:
        prefix = "tile/entries" if missing == "bundle" else "documents"
        site.ledger.files = {path: file for path, file in files.items() if not path.startswith(prefix)}
    with pytest.raises((NotFoundError, UnavailableError)):
        witness.add(body)
    assert (site.replica.size, witness.head()) == (0, b"")
    site.ledger.files, site.ledger.away = files, False
    cosigned_at(site, witness.add(body))


def test_a_smaller_checkpoint_signed_later_is_a_rollback_kept_as_evidence(site: Site) -> None:
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    before, body = alarms("rollback"), site.ledger.body(3, 4, NOW + 1)
    with pytest.raises(RollbackError):
        witness.add(body)
    assert alarms("rollback") == before + 1
    assert set(site.evidence()) == {parse_add_checkpoint(body).note, witness.head()}
    assert site.replica.size == 5


def test_a_smaller_checkpoint_that_only_arrives_late_is_a_conflict(site: Site) -> None:
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0, moment=NOW))
    before = alarms("rollback")
    assert witness.add(site.ledger.body(3, 4, NOW - 1)) == Conflict(5)
    assert witness.add(site.ledger.body(3, 4, NOW)) == Conflict(5)
    assert alarms("rollback") == before


def test_evidence_is_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blindplate.edge.ledger.evidence._MAX_FILES", 3)
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    for number in range(1, 8):
        with pytest.raises(RollbackError):
            witness.add(site.ledger.body(3, 4, NOW + number))
    assert len(site.evidence()) == 3


def test_evidence_that_cannot_be_kept_changes_no_answer(site: Site) -> None:
    (site.folder / "evidence").write_text("a file where the folder should be")
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    with pytest.raises(RollbackError):
        witness.add(site.ledger.body(3, 4, NOW + 1))


def test_a_ledger_that_drops_what_it_acknowledged_is_not_cosigned_and_the_receipt_is_evidence(
    site: Site,
) -> None:
    witness, acknowledged = site.start(), Published.of(5)
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    acknowledged.fill(1, other=1000)
    receipt = acknowledged.note()
    site.replica.keep_receipt(verify_checkpoint(receipt.to_bytes(), KEYS), NOW)
    # Nothing is contradicted while the ledger has not come so far.
    cosigned_at(site, witness.add(site.ledger.body(5)))
    before = alarms("fork")
    for more in (1, 3):
        site.ledger.fill(more)
        body = site.ledger.body(5)
        # Also after a start.
        with pytest.raises(ForkError):
            site.start().add(body)
        assert {receipt.to_bytes(), parse_add_checkpoint(body).note} <= set(site.evidence())
    assert alarms("fork") == before + 2
    assert site.replica.size == 5


def test_a_ledger_that_shows_what_it_acknowledged_is_cosigned(site: Site) -> None:
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    site.ledger.fill(4)
    for size in (6, 7):
        site.replica.keep_receipt(verify_checkpoint(site.ledger.note(size).to_bytes(), KEYS), NOW)
    cosigned_at(site, witness.add(site.ledger.body(5)))
    assert site.replica.receipts == []


def test_a_ledger_that_never_comes_as_far_as_its_receipt_is_not_cosigned_for_long(site: Site) -> None:
    witness, acknowledged = site.start(), Published.of(6)
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    site.replica.keep_receipt(verify_checkpoint(acknowledged.note().to_bytes(), KEYS), NOW)
    site.moment = NOW + SHOWN_WITHIN_SECONDS - 1
    cosigned_at(site, witness.add(site.ledger.body(5)))
    site.moment += 1
    with pytest.raises(RollbackError):
        witness.add(site.ledger.body(5))
