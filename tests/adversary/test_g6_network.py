"""G6, at those who follow the ledger: what the network alters, or the operator says alone, changes nothing there.

The readers are a real owner's and the real matcher's. They read over HTTP, from whoever stands where the ledger was;
both custodians are honest, and have witnessed what is really there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from blindplate.core.errors import (
    BlindplateError,
    EntryError,
    ForkError,
    MessageError,
    NotFoundError,
)
from blindplate.core.ledger import state as state_module
from blindplate.core.ledger.layout import CHECKPOINT
from blindplate.core.parties import Custodian
from blindplate.edge.ledger import reading as reading_module
from tests.adversary.defences import let_pass
from tests.adversary.ledger_lies import (
    Lie,
    document_altered,
    document_of_another,
    document_withheld,
    entries_withheld,
    fewer_entries_shown,
    other_entries_shown,
    overreaching,
)
from tests.adversary.ledger_readers import PARTIES, Reader, reader
from tests.adversary.stolen_ledger import StolenLedger

A, B = Custodian


def lied_to(ledger: StolenLedger, lie: Lie) -> None:
    """Have both custodians witness the lie's history as it is, and show the reader something else."""
    ledger.kept.update(lie.true_files)
    ledger.goes_on(lie.history)
    lie.shown(ledger, ledger.files[CHECKPOINT])


@pytest.mark.parametrize(
    ("attack", "error"),
    [
        (other_entries_shown, ForkError),
        (fewer_entries_shown, MessageError),
        (entries_withheld, NotFoundError),
        (document_withheld, NotFoundError),
        (document_altered, (EntryError, MessageError)),
        (document_of_another, EntryError),
    ],
)
def test_what_the_network_alters_is_not_believed(
    ledger: StolenLedger,
    follower: Reader,
    attack: Callable[[StolenLedger], Lie],
    error: type[BlindplateError],
) -> None:
    lie, before = attack(ledger), dict(follower.grants)
    lied_to(ledger, lie)
    with pytest.raises(error):
        follower.refresh()
    assert dict(follower.grants) == before
    # Nothing of it was kept: the truth is read as if nothing had been.
    ledger.show(lie.history, ledger.files[CHECKPOINT])
    follower.refresh()


def test_a_word_the_operator_may_not_speak_alone_is_read_and_counts_for_nothing(
    ledger: StolenLedger, follower: Reader
) -> None:
    history, before = overreaching(ledger), dict(follower.grants)
    ledger.goes_on(history)
    follower.refresh()
    assert dict(follower.grants) == before


def test_without_the_root_a_reader_believes_the_network(
    doomed: StolenLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lied_to(doomed, other_entries_shown(doomed))
    monkeypatch.setattr(reading_module, "_require_root", let_pass)
    for party in PARTIES:
        with reader(party, doomed, tmp_path / party) as opened:
            opened.refresh()
            # So it takes for ended what nobody has ended.
            assert opened.grants["police-1"].ended_at is not None


def test_without_the_signers_the_operator_alone_grants_what_it_likes(
    doomed: StolenLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = overreaching(doomed)
    monkeypatch.setattr(state_module, "require_signed", let_pass)
    doomed.goes_on(history)
    for party in PARTIES:
        with reader(party, doomed, tmp_path / party) as opened:
            opened.refresh()
            assert opened.grants["police-1"].latest.list_size == 100_000
