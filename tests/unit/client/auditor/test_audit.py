"""An audit that goes on: increments, forks, rollbacks, and checkpoints that nobody should believe."""

from __future__ import annotations

import pytest

from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.files import fetch_checkpoint
from blindplate.client.auditor.findings import Kind
from blindplate.core.errors import ForkError, RollbackError, SignatureError, UnwitnessedError
from blindplate.core.ledger.checkpoints import Checkpoint, Cosigner
from blindplate.core.ledger.layout import CHECKPOINT, entries_path
from blindplate.core.ledger.notes import Note
from blindplate.core.ledger.tree import Frontier
from blindplate.core.merkle import leaf_hash
from blindplate.core.parties import Custodian
from tests.unit.client.auditor.ledgers import (
    LOG,
    ORIGIN,
    WITNESSES,
    Ledger,
    MemorySource,
    audit_keys,
    audited,
    made,
    row,
)


def advance(audit: Audit, source: MemorySource) -> None:
    """On to the checkpoint of now."""
    audit.advance(fetch_checkpoint(source, audit_keys().ledger.keys()))


def test_an_audit_in_steps_finds_what_one_in_a_piece_finds() -> None:
    ledger = Ledger.begun()
    source = MemorySource({})
    audit = Audit(source, audit_keys())
    for step in range(6):
        ledger.release(str(step))
        if step == 3:
            ledger.counts(row(received=4, open=3))
        source.files = ledger.files()
        advance(audit, source)
    assert audit.findings == audited(ledger).findings
    assert audit.signed.checkpoint == audited(ledger).signed.checkpoint


@pytest.mark.parametrize("step", [1, 100, 255, 256, 257])
def test_steps_of_any_width_make_the_same_tree(step: int) -> None:
    ledger = Ledger.begun()
    source = MemorySource({})
    audit = Audit(source, audit_keys())
    while ledger.size < min(2 * step + 300, 540):
        for _ in range(step):
            ledger.batches(1)
        source.files = ledger.files()
        advance(audit, source)
    assert audit.findings == []


def test_findings_of_a_step_are_given_once() -> None:
    ledger = Ledger.begun()
    ledger.batches(1, sequence=9)
    source = ledger.source()
    audit = Audit(source, audit_keys())
    signed = fetch_checkpoint(source, audit_keys().ledger.keys())
    assert [one.kind for one in audit.advance(signed)] == [Kind.BATCH_ORDER]
    assert audit.advance(signed) == []
    assert [one.kind for one in audit.violations] == [Kind.BATCH_ORDER]


def test_a_ledger_that_shows_fewer_entries_than_before_is_a_rollback() -> None:
    ledger = Ledger.begun()
    source = ledger.source()
    audit = Audit(source, audit_keys())
    advance(audit, source)
    ledger.entries.pop()
    source.files = ledger.files()
    with pytest.raises(RollbackError):
        advance(audit, source)


@pytest.mark.parametrize("more", [0, 1, 300])
def test_another_history_than_before_is_a_fork(more: int) -> None:
    ledger, other = Ledger.begun(), Ledger.begun()
    ledger.batches(1)
    other.release()
    other.entries = other.entries[: ledger.size]
    for _ in range(more):
        other.batches(1)
    source = ledger.source()
    audit = Audit(source, audit_keys())
    advance(audit, source)
    source.files = other.files()
    with pytest.raises(ForkError):
        advance(audit, source)


def test_a_root_known_from_elsewhere_is_met_on_the_way_or_it_is_a_fork() -> None:
    ledger = Ledger.begun()
    ledger.batches(1)
    source = ledger.source()
    signed = fetch_checkpoint(source, audit_keys().ledger.keys())
    size = ledger.size - 1
    root = Frontier.empty().appended(leaf_hash(entry) for entry in ledger.entries[:size]).root()
    assert Audit(source, audit_keys()).advance(signed, {size: root}) == []
    with pytest.raises(ForkError):
        Audit(source, audit_keys()).advance(signed, {size: made("another")})
    with pytest.raises(ForkError):
        Audit(source, audit_keys()).advance(signed, {ledger.size: made("another")})
    with pytest.raises(RollbackError):
        Audit(source, audit_keys()).advance(signed, {ledger.size + 1: made("another")})


def test_entries_that_do_not_have_the_signed_root_are_a_fork_that_names_the_file() -> None:
    ledger = Ledger.begun()
    source = ledger.source()
    path = entries_path(0, ledger.size)
    source.files[path] = source.files[path].replace(b"payload", b"pAyload", 1)
    with pytest.raises(ForkError):
        advance(Audit(source, audit_keys()), source)


def _note(ledger: Ledger) -> tuple[Checkpoint, Note]:
    root = Frontier.empty().appended(leaf_hash(entry) for entry in ledger.entries).root()
    checkpoint = Checkpoint(ORIGIN, ledger.size, root)
    return checkpoint, LOG.sign(checkpoint, ledger.now)


@pytest.mark.parametrize("custodian", list(Custodian))
def test_a_checkpoint_without_one_custodians_cosignatures_is_not_believed(custodian: Custodian) -> None:
    ledger = Ledger.begun()
    source = ledger.source()
    checkpoint, note = _note(ledger)
    source.files[CHECKPOINT] = note.with_signatures(
        WITNESSES[custodian].cosign(checkpoint, ledger.now)
    ).to_bytes()
    with pytest.raises(UnwitnessedError):
        advance(Audit(source, audit_keys()), source)


@pytest.mark.parametrize("kept", [0, 1])
def test_a_custodian_that_cosigned_in_one_kind_alone_has_not_witnessed(kept: int) -> None:
    ledger = Ledger.begun()
    source = ledger.source()
    checkpoint, note = _note(ledger)
    first, second = (WITNESSES[one].cosign(checkpoint, ledger.now) for one in Custodian)
    source.files[CHECKPOINT] = note.with_signatures((*first, second[kept])).to_bytes()
    with pytest.raises(UnwitnessedError):
        advance(Audit(source, audit_keys()), source)


def test_a_signature_by_a_key_that_is_not_in_the_keys_file_is_not_passed_over() -> None:
    ledger = Ledger.begun()
    source = ledger.source()
    checkpoint = _note(ledger)[0]
    stranger = Cosigner.from_seed("stranger.test", made("stranger"))
    note = Note.from_bytes(source.files[CHECKPOINT])
    source.files[CHECKPOINT] = note.with_signatures(stranger.cosign(checkpoint, ledger.now)).to_bytes()
    with pytest.raises(SignatureError):
        advance(Audit(source, audit_keys()), source)


def test_before_the_first_checkpoint_nothing_is_said() -> None:
    with pytest.raises(RollbackError):
        _ = Audit(MemorySource({}), audit_keys()).signed
