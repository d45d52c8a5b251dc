"""G6, at whoever audits: what a ledger does that turned on everyone is seen by ``blindplate audit``, and how it is called.

The attacker has the ledger; the custodians are honest, but where a test says that they work for it. Audited is over HTTP,
from whoever stands where the ledger was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blindplate.client.auditor.findings import Kind
from blindplate.core.ledger import state as state_module
from blindplate.core.ledger.checkpoints import SignedCheckpoint
from blindplate.core.parties import Custodian
from tests.adversary.audit_command import Audited, audit
from tests.adversary.defences import let_pass
from tests.adversary.histories import History
from tests.adversary.ledger_lies import (
    Lie,
    document_altered,
    document_of_another,
    document_withheld,
    end,
    entries_withheld,
    fewer_entries_shown,
    other_entries_shown,
    overreaching,
)
from tests.adversary.stolen_ledger import StolenLedger

A, B = Custodian


@pytest.fixture
def honest(ledger: StolenLedger) -> Iterator[History]:
    """What there is to tell, which is green; told again when the test is over."""
    before, kept = ledger.honest, dict(ledger.kept)
    ledger.show(before, ledger.cosigned(before, by=[], corrupt=[A, B]))
    yield before
    ledger.honest, ledger.kept = before, kept


def verified(ledger: StolenLedger, capsys: pytest.CaptureFixture[str]) -> Audited:
    return audit(capsys, "verify", ledger.access.url, ledger.deployment.keys)


def watched(ledger: StolenLedger, capsys: pytest.CaptureFixture[str], state: Path) -> Audited:
    more = ("--once", "--state", str(state))
    return audit(capsys, "watch", ledger.access.url, ledger.deployment.keys, *more)


def shown(ledger: StolenLedger, lie: Lie) -> None:
    """Have it cosigned as it is (by custodians that need not be asked) and shown as the lie has it."""
    ledger.kept.update(lie.true_files)
    lie.shown(ledger, ledger.cosigned(lie.history, by=[], corrupt=[A, B]))


def test_the_truth_is_green(
    ledger: StolenLedger, honest: History, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verified(ledger, capsys).status == 0
    assert watched(ledger, capsys, tmp_path / "watch").status == 0
    ledger.show(honest.then(end(ledger)), ledger.cosigned(honest.then(end(ledger)), by=[], corrupt=[A, B]))
    assert verified(ledger, capsys).status == 0
    assert watched(ledger, capsys, tmp_path / "watch").status == 0


def forged_grant(ledger: StolenLedger) -> Lie:
    return Lie(overreaching(ledger))


@pytest.mark.parametrize(
    ("attack", "status", "kind"),
    [
        (other_entries_shown, 2, None),
        (fewer_entries_shown, 2, None),
        (entries_withheld, 2, None),
        (document_withheld, 1, Kind.FILE_MISSING),
        (document_altered, 1, Kind.FILE_ALTERED),
        (document_of_another, 1, Kind.FILE_ALTERED),
        (forged_grant, 1, Kind.ENTRY_REFUSED),
    ],
)
def test_what_is_shown_and_is_not_so_is_found(
    ledger: StolenLedger,
    honest: History,
    attack: Callable[[StolenLedger], Lie],
    status: int,
    kind: Kind | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del honest
    shown(ledger, attack(ledger))
    audited = verified(ledger, capsys)
    assert audited.status == status
    assert kind is None or audited.names(kind)


@pytest.mark.parametrize("by", [[], [A], [B]], ids=["nobody", "a", "b"])
def test_a_checkpoint_that_not_both_cosigned_is_none(
    ledger: StolenLedger, honest: History, by: list[Custodian], capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.show(honest, ledger.cosigned(honest, by=[], corrupt=by))
    audited = verified(ledger, capsys)
    assert (audited.status, "not cosigned by both custodians" in audited.printed) == (2, True)


def rolled_back(ledger: StolenLedger) -> History:
    return ledger.honest.until(ledger.honest.size - 1)


def forked(ledger: StolenLedger) -> History:
    return ledger.honest.swapped(ledger.honest.size - 2)


def forked_and_grown(ledger: StolenLedger) -> History:
    return forked(ledger).then(end(ledger))


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (rolled_back, "fewer than it has shown before"),
        (forked, "another history than before"),
        (forked_and_grown, "not those that the ledger and both custodians signed for"),
    ],
)
def test_who_watched_sees_another_history_even_if_both_custodians_signed_it(
    ledger: StolenLedger,
    honest: History,
    attack: Callable[[StolenLedger], History],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del honest
    assert watched(ledger, capsys, tmp_path / "watch").status == 0
    history = attack(ledger)
    ledger.kept = {path: file for path, file in ledger.kept.items() if not path.startswith("witnessed/")}
    ledger.show(history, ledger.cosigned(history, by=[], corrupt=[A, B]))
    audited = watched(ledger, capsys, tmp_path / "watch")
    assert (audited.status, says in audited.printed) == (2, True), audited.printed
    # Without the memory of another look it is a ledger like any other.
    assert watched(ledger, capsys, tmp_path / "without").status == 0


def test_a_checkpoint_of_earlier_is_called_old(
    ledger: StolenLedger, honest: History, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = ledger.custodians.clock
    clock.offset -= 3600
    ledger.show(honest, ledger.cosigned(honest, by=[], corrupt=[A, B]))
    clock.offset += 3600
    assert "No fresh checkpoint" in watched(ledger, capsys, tmp_path / "watch").printed


def test_without_both_cosignatures_an_audit_is_green_of_what_one_has_seen(
    ledger: StolenLedger,
    honest: History,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def whoever(signed: SignedCheckpoint) -> tuple[int, ...]:
        return tuple(signed.witnessed.values())

    monkeypatch.setattr(SignedCheckpoint, "_moments", whoever)
    ledger.show(honest, ledger.cosigned(honest, by=[], corrupt=[A]))
    assert verified(ledger, capsys).status == 0


def test_without_the_signers_an_audit_is_green_of_a_forged_grant(
    ledger: StolenLedger,
    honest: History,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del honest
    shown(ledger, forged_grant(ledger))

    monkeypatch.setattr(state_module, "require_signed", let_pass)
    assert verified(ledger, capsys).status == 0
