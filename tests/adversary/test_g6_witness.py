"""G6, at the custodians: a ledger that rewrites what was witnessed gets no cosignature, and leaves its own signed proof.

The attacker has the ledger's keys, and the operator's. Whatever a custodian refuses is refused by the real process of
it, over mutual TLS, its files read over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blindplate.core.errors import (
    BlindplateError,
    EntryError,
    ForkError,
    MessageError,
    NotFoundError,
    ProofError,
    RollbackError,
    SignatureError,
)
from blindplate.core.ledger import state as state_module
from blindplate.core.ledger.checkpoints import LogSigner, verify_checkpoint
from blindplate.core.ledger.notes import Note
from blindplate.core.ledger.tree import Frontier
from blindplate.core.merkle import leaf_hash
from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement
from blindplate.edge.ledger import reading as reading_module
from blindplate.edge.ledger import replica as replica_module
from blindplate.edge.ledger.reading import Reading
from blindplate.server.custodian import cosigning as cosigning_module
from tests.adversary.defences import let_pass
from tests.adversary.ledger_lies import (
    Lie,
    document_altered,
    document_of_another,
    document_withheld,
    dropped,
    entries_withheld,
    fewer_entries_shown,
    forged,
    grown,
    inserted,
    last_bundle,
    other_entries_shown,
    overreaching,
    reordered,
    rewritten_at_one_size,
    truncated,
)
from tests.adversary.stolen_ledger import StolenLedger

A, B = Custodian


def asked(ledger: StolenLedger, lie: Lie, custodian: Custodian = A, later: int = 1) -> Note:
    """Show the lie, have it cosigned, and give what was to be cosigned. Raises the refusal."""
    lie.shown(ledger)
    note = ledger.note(lie.history, later)
    assert ledger.ask(custodian, lie.history, note)
    return note


@pytest.mark.parametrize(
    ("attack", "error"),
    [
        (forged, ProofError),
        (dropped, ProofError),
        (reordered, ProofError),
        (inserted, ProofError),
        (rewritten_at_one_size, ForkError),
        (truncated, RollbackError),
        (other_entries_shown, ForkError),
        (fewer_entries_shown, MessageError),
        (entries_withheld, NotFoundError),
        (document_withheld, NotFoundError),
        (document_altered, (EntryError, MessageError)),
        (document_of_another, EntryError),
    ],
)
@pytest.mark.parametrize("custodian", Custodian)
def test_a_ledger_that_lies_gets_no_cosignature(
    ledger: StolenLedger,
    custodian: Custodian,
    attack: Callable[[StolenLedger], Lie],
    error: type[BlindplateError],
) -> None:
    before = ledger.witnessed(custodian)
    with pytest.raises(error):
        asked(ledger, attack(ledger), custodian)
    assert ledger.witnessed(custodian) == before == ledger.honest.size


@pytest.mark.parametrize("attack", [forged, rewritten_at_one_size, truncated])
def test_a_custodian_keeps_the_proof_of_what_the_ledger_signed(
    ledger: StolenLedger, attack: Callable[[StolenLedger], Lie]
) -> None:
    lie = attack(ledger)
    with pytest.raises((ForkError, ProofError, RollbackError)):
        asked(ledger, lie, later=2)
    keys = ledger.access.keys.keys()
    kept = [verify_checkpoint(note, keys).checkpoint for note in ledger.evidence(A)]
    # Both bear the ledger's own signatures, and no ledger that keeps its word has both.
    for history in (lie.history, ledger.honest):
        assert ledger.checkpoint(history) in kept


def test_the_network_can_have_nothing_cosigned(ledger: StolenLedger) -> None:
    history = grown(ledger)
    ledger.show(history)
    own = ledger.note(history)
    stranger = LogSigner.from_seed(ledger.access.keys.origin, bytes(32)).sign(ledger.checkpoint(history), 1)
    altered = own.text.replace(f"\n{history.size}\n", f"\n{history.size - 1}\n")
    for note in (stranger, Note(own.text, own.signatures[:1]), Note(altered, own.signatures)):
        with pytest.raises(SignatureError):
            ledger.ask(A, history, note)
    assert ledger.witnessed(A) == ledger.honest.size


def test_a_word_the_ledger_may_not_speak_is_cosigned_and_counts_for_nothing(doomed: StolenLedger) -> None:
    # A custodian that refused it would hide it: so it stands there for all to see.
    grant, history = doomed.custodians.grant("police-1"), overreaching(doomed)
    doomed.show(history)
    assert doomed.ask(A, history)
    assert doomed.custodians.grant("police-1") == grant


def test_without_its_own_tree_a_custodian_cosigns_a_rewritten_history(
    doomed: StolenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    lie = reordered(doomed)
    monkeypatch.setattr(cosigning_module, "verify_consistency", let_pass)
    # Without the ledger's proof there is still what the custodian has read itself.
    with pytest.raises(ForkError):
        asked(doomed, lie)
    monkeypatch.setattr(reading_module, "_require_root", let_pass)
    asked(doomed, lie)
    assert doomed.witnessed(A) == lie.history.size


def test_without_reading_both_cosign_what_nobody_can_see(
    doomed: StolenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    lie = entries_withheld(doomed)

    def unread(_source: object, frontier: Frontier, *_: object, **__: object) -> Reading:
        hidden = lie.history.entries[frontier.size :]
        return Reading(frontier.appended(map(leaf_hash, hidden)), ())

    monkeypatch.setattr(replica_module, "read_entries", unread)
    note = asked(doomed, lie)
    lines = [line for custodian in (A, B) for line in doomed.ask(custodian, lie.history, note)]
    signed = verify_checkpoint(note.with_signatures(lines).to_bytes(), doomed.access.keys.keys())
    assert signed.require_both()
    assert last_bundle(lie.history)[0] not in doomed.files


def test_without_the_digest_a_custodian_takes_another_register_than_was_signed_for(
    doomed: StolenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    lie = document_of_another(doomed)
    named = next(iter(lie.files)).removeprefix("documents/")

    def renamed(_document: Statement) -> bytes:
        return bytes.fromhex(named)

    monkeypatch.setattr(state_module, "document_digest", renamed)
    asked(doomed, lie)
    assert doomed.witnessed(A) == lie.history.size
