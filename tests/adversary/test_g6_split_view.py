"""G6: no two histories of one ledger are both witnessed by both, nor does a custodian forget what it cosigned.

The ledger shows one history to one custodian and another to the other; one custodian may work for it; one may have been
put back from a backup, and not know any more what it cosigned.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from blindplate.core.errors import ForkError, ProofError, RollbackError, UnavailableError, UnwitnessedError
from blindplate.core.ledger.checkpoints import Checkpoint, verify_checkpoint
from blindplate.core.ledger.layout import CHECKPOINT
from blindplate.core.ledger.notes import Note
from blindplate.core.parties import Custodian
from blindplate.edge.ledger import reading as reading_module
from blindplate.server.custodian import cosigning as cosigning_module
from blindplate.server.custodian.catching_up import CatchingUp
from tests.adversary.defences import let_pass
from tests.adversary.histories import History
from tests.adversary.ledger_lies import end
from tests.adversary.ledger_readers import PARTIES, owner_ledger, reader
from tests.adversary.stolen_ledger import StolenLedger, put_back, stolen_ledger

A, B = Custodian


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[StolenLedger]:
    """Every test has its own: custodians that have seen two histories do not come together again."""
    with stolen_ledger(tmp_path) as stolen:
        yield stolen


@pytest.fixture
def views(ledger: StolenLedger) -> tuple[History, History]:
    """Two that go on from the honest one: in one a grant has ended, in the other another one, and an entry is more."""
    other = end(ledger, "Not so.", "police-1")
    return ledger.honest.then(end(ledger)), ledger.honest.then(other, end(ledger, "Not so.", "unknown"))


def shown_to(ledger: StolenLedger, custodian: Custodian, history: History, later: int = 1) -> Note:
    """Have one custodian cosign one history; the checkpoint with its cosignatures. Raises its refusal."""
    ledger.show(history)
    note = ledger.note(history, later)
    lines = ledger.ask(custodian, history, note)
    assert lines
    return note.with_signatures(lines)


def test_of_two_views_neither_is_in_force_anywhere(
    ledger: StolenLedger, views: tuple[History, History], tmp_path: Path
) -> None:
    for custodian, view in zip((A, B), views, strict=True):
        ledger.show(view, shown_to(ledger, custodian, view).to_bytes())
        for party in PARTIES:
            with reader(party, ledger, tmp_path / party) as opened, pytest.raises(UnwitnessedError):
                opened.refresh()


def test_nor_does_a_custodian_come_over_to_the_others_view(
    ledger: StolenLedger, views: tuple[History, History]
) -> None:
    for custodian, view in zip((A, B), views, strict=True):
        shown_to(ledger, custodian, view)
    for custodian, other, error in zip((A, B), reversed(views), (ProofError, RollbackError), strict=True):
        with pytest.raises(error):
            shown_to(ledger, custodian, other, later=30)
        # What the ledger signed to both proves to anyone that it lied.
        keys = ledger.access.keys.keys()
        kept = [verify_checkpoint(note, keys).checkpoint for note in ledger.evidence(custodian)]
        assert all(ledger.checkpoint(view) in kept for view in views)


def test_a_custodian_that_cosigns_without_reading_is_not_enough_alone(
    ledger: StolenLedger, views: tuple[History, History], tmp_path: Path
) -> None:
    true, false = views
    # Custodian B puts its name to whatever it is shown, to the other history as to the true one.
    ledger.show(true)
    ledger.files[CHECKPOINT] = ledger.cosigned(true, by=[A], corrupt=[B])
    with owner_ledger(ledger, tmp_path / "owner") as owned:
        owned.refresh()
    with pytest.raises(ProofError):
        shown_to(ledger, A, false)
    ledger.show(false, ledger.cosigned(false, by=[], corrupt=[B]))
    for folder in ("owner", "new"):
        with owner_ledger(ledger, tmp_path / folder) as owned, pytest.raises(UnwitnessedError):
            owned.refresh()


def test_without_what_the_other_has_read_it_is_enough_for_two_views(
    ledger: StolenLedger, views: tuple[History, History], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true, false = views
    ledger.show(true, shown_to(ledger, A, true).to_bytes())
    ledger.files[CHECKPOINT] = with_corrupt_b(ledger, ledger.files[CHECKPOINT])
    assert ended(ledger, tmp_path / "one") == {"emissions-1"}
    with monkeypatch.context() as patch:
        patch.setattr(cosigning_module, "verify_consistency", let_pass)
        patch.setattr(reading_module, "_require_root", let_pass)
        note = shown_to(ledger, A, false)
    ledger.show(false, with_corrupt_b(ledger, note.to_bytes()))
    assert ended(ledger, tmp_path / "other") == {"police-1"}


@pytest.fixture
def restored(ledger: StolenLedger, views: tuple[History, History], tmp_path: Path) -> StolenLedger:
    """Custodian A has cosigned the true view, as B has, and was then put back to before."""
    data = ledger.custodians.settings(A).data
    ledger.custodians.stop(A)
    shutil.copytree(data, tmp_path / "backup")
    ledger.custodians.start(A)
    before = ledger.honest
    ledger.goes_on(views[0])
    ledger.custodians.stop(A)
    put_back(tmp_path / "backup", data)
    ledger.custodians.start(A)
    assert ledger.witnessed(A) == before.size < ledger.witnessed(B)
    return ledger


def test_a_custodian_put_back_cosigns_nothing_before_it_has_come_as_far_as_the_other(
    restored: StolenLedger, views: tuple[History, History]
) -> None:
    true, false = views
    # The end of what it knows, as if nothing had come since.
    with pytest.raises(UnavailableError):
        shown_to(restored, A, true.until(restored.witnessed(A)))
    with pytest.raises(ForkError):
        shown_to(restored, A, false)
    shown_to(restored, A, true)
    assert restored.witnessed(A) == true.size


def test_a_custodian_put_back_cosigns_nothing_while_the_other_is_away(
    restored: StolenLedger, views: tuple[History, History]
) -> None:
    restored.custodians.stop(B)
    for view in views:
        with pytest.raises(UnavailableError):
            shown_to(restored, A, view)


def test_without_the_others_head_a_custodian_put_back_cosigns_a_second_history(
    restored: StolenLedger,
    views: tuple[History, History],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nothing_to_meet(*_: object) -> Mapping[int, bytes]:
        return {}

    monkeypatch.setattr(CatchingUp, "to_meet", nothing_to_meet)
    assert ended(restored, tmp_path / "one") == {"emissions-1"}
    note = shown_to(restored, A, views[1])
    restored.show(views[1], with_corrupt_b(restored, note.to_bytes()))
    assert ended(restored, tmp_path / "other") == {"police-1"}


def with_corrupt_b(ledger: StolenLedger, note: bytes) -> bytes:
    """With the cosignatures of a custodian B that works for the attacker."""
    signed = Note.from_bytes(note)
    lines = ledger.cosigner(B).cosign(Checkpoint.from_body(signed.text), ledger.now)
    return signed.with_signatures(lines).to_bytes()


def ended(ledger: StolenLedger, folder: Path) -> set[str]:
    """The grants that an owner who begins to read now takes to have ended."""
    with owner_ledger(ledger, folder) as owned:
        owned.refresh()
        return {name for name, grant in owned.state.grants.items() if grant.ended_at is not None}
