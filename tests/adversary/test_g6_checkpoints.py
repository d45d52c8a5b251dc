"""G6, at those who follow the ledger: nothing is in force that one custodian alone has witnessed, that goes back or is old.

The readers are a real owner's and the real matcher's. They read over HTTP, from whoever stands where the ledger was.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from blindplate.core.errors import (
    BlindplateError,
    ForkError,
    RollbackError,
    SignatureError,
    UnwitnessedError,
)
from blindplate.core.ledger.checkpoints import Cosigner, SignedCheckpoint
from blindplate.core.ledger.layout import CHECKPOINT
from blindplate.core.ledger.notes import Note
from blindplate.core.parties import Custodian
from blindplate.edge.ledger.follower import Follower
from tests.adversary.defences import let_pass
from tests.adversary.histories import History
from tests.adversary.ledger_lies import (
    end,
    grown,
)
from tests.adversary.ledger_readers import PARTIES, Reader, owner_ledger, reader
from tests.adversary.stolen_ledger import StolenLedger

A, B = Custodian


def by_one(ledger: StolenLedger, history: History) -> bytes:
    return ledger.cosigned(history, by=[A])


def by_none(ledger: StolenLedger, history: History) -> bytes:
    return ledger.cosigned(history, by=[])


def by_half_of_one(ledger: StolenLedger, history: History) -> bytes:
    note = Note.from_bytes(ledger.cosigned(history, by=[A], corrupt=[B]))
    return Note(note.text, note.signatures[:5]).to_bytes()


def in_anothers_name(ledger: StolenLedger, history: History) -> bytes:
    note = Note.from_bytes(ledger.cosigned(history, by=[A]))
    b = ledger.cosigner(B)
    stranger = Cosigner.from_seed(b.keys[0].name, bytes(32))
    lines = stranger.cosign(ledger.checkpoint(history), ledger.now)
    named = [type(one)(one.name, key.key_id, one.signature) for one, key in zip(lines, b.keys, strict=True)]
    return note.with_signatures(named).to_bytes()


@pytest.mark.parametrize(
    ("made", "error"),
    [
        (by_one, UnwitnessedError),
        (by_none, UnwitnessedError),
        (by_half_of_one, UnwitnessedError),
        (in_anothers_name, SignatureError),
    ],
)
def test_what_one_custodian_alone_has_witnessed_is_not_in_force(
    ledger: StolenLedger,
    follower: Reader,
    made: Callable[[StolenLedger, History], bytes],
    error: type[BlindplateError],
) -> None:
    history, before = grown(ledger), dict(follower.grants)
    ledger.show(history)
    ledger.honest = history
    ledger.files[CHECKPOINT] = made(ledger, history)
    with pytest.raises(error):
        follower.refresh()
    assert dict(follower.grants) == before


def test_neither_fewer_entries_nor_others_are_taken_whoever_signs_them(
    ledger: StolenLedger, follower: Reader
) -> None:
    before, honest = dict(follower.grants), ledger.honest
    earlier, other = honest.until(honest.size - 1), honest.until(honest.size - 1).then(end(ledger, "Not so."))
    for history, error in (
        (earlier, RollbackError),
        (other, ForkError),
        (grown_from(ledger, other), ForkError),
    ):
        # Both custodians work for the attacker now.
        ledger.show(history, ledger.cosigned(history, by=[], corrupt=[A, B]))
        with pytest.raises(error):
            follower.refresh()
    assert dict(follower.grants) == before


def grown_from(ledger: StolenLedger, history: History) -> History:
    return history.then(end(ledger))


@pytest.mark.parametrize("party", PARTIES)
def test_a_reader_does_not_forget_over_a_restart(ledger: StolenLedger, party: str, tmp_path: Path) -> None:
    honest = ledger.honest
    ledger.goes_on(honest)
    with reader(party, ledger, tmp_path / "reader") as opened:
        opened.refresh()
    earlier = honest.until(honest.size - 1)
    ledger.show(earlier, ledger.cosigned(earlier, by=[], corrupt=[A, B]))
    with reader(party, ledger, tmp_path / "reader") as opened, pytest.raises(RollbackError):
        opened.refresh()


def test_a_checkpoint_of_earlier_is_not_fresh(ledger: StolenLedger, tmp_path: Path) -> None:
    clock = ledger.custodians.clock
    ledger.goes_on(ledger.honest)
    with owner_ledger(ledger, tmp_path) as owned:
        owned.require_witnessed(0)
        clock.offset += 61
        # Replayed: the ledger shows it as its latest, and it is the latest this owner knows.
        with pytest.raises(UnwitnessedError):
            owned.require_witnessed(0)
        ledger.files[CHECKPOINT] = ledger.cosigned(ledger.honest)
        owned.require_witnessed(0)
        clock.offset += 61
        # Cosigned for a second that has not come, so that it would be fresh for hours.
        ledger.files[CHECKPOINT] = ahead(ledger)
        with pytest.raises(UnwitnessedError):
            owned.require_witnessed(0)


def ahead(ledger: StolenLedger) -> bytes:
    """A checkpoint cosigned for an hour later."""
    ledger.custodians.clock.offset += 3600
    try:
        return ledger.cosigned(ledger.honest, by=[], corrupt=[A, B])
    finally:
        ledger.custodians.clock.offset -= 3600


def test_without_both_cosignatures_one_custodian_puts_words_in_force(
    doomed: StolenLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = grown(doomed)
    doomed.show(history)
    doomed.files[CHECKPOINT] = by_one(doomed, history)

    def whoever(signed: SignedCheckpoint) -> tuple[int, ...]:
        return tuple(signed.witnessed.values())

    monkeypatch.setattr(SignedCheckpoint, "_moments", whoever)
    for party in PARTIES:
        with reader(party, doomed, tmp_path / party) as opened:
            opened.refresh()
            assert opened.grants["emissions-1"].ended_at is not None
    assert doomed.witnessed(B) < history.size


def test_without_the_last_checkpoint_kept_a_reader_goes_back(
    doomed: StolenLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history, earlier = grown(doomed), doomed.files[CHECKPOINT]
    with owner_ledger(doomed, tmp_path) as owned:
        owned.refresh()
        doomed.goes_on(history)
        assert owned.refresh().checkpoint.size == history.size
        doomed.files[CHECKPOINT] = earlier
        with pytest.raises(RollbackError):
            owned.refresh()
        monkeypatch.setattr(Follower, "_require_onward", let_pass)
        owned.refresh()


def test_without_an_age_a_checkpoint_of_yesterday_is_fresh(
    doomed: StolenLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_any_age(_: Follower, signed: SignedCheckpoint, index: int, __: float) -> bool:
        return signed.checkpoint.size > index

    with owner_ledger(doomed, tmp_path) as owned:
        doomed.custodians.clock.offset += 86_400
        monkeypatch.setattr(Follower, "_suffices", of_any_age)
        assert doomed.now - owned.require_witnessed(0).oldest() >= 86_400
