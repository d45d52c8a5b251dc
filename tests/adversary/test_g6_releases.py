"""G6, at releases: a ledger that acknowledges an entry and then drops it, or shows a checkpoint of earlier as its latest.

What was witnessed cannot be dropped (``test_g6_witness``). Here the ledger gives its receipt for an entry, and never shows
it to a witness: a request, for which nothing is released; or a custodian's decision, for which it hands its share out and
then cosigns no ledger without it. What an auditor sees who trusts neither is tested with the receipts taken away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from blindplate.client.auditor import releases as releases_module
from blindplate.client.auditor.decision_rules import DECISION_RULES
from blindplate.client.auditor.findings import Kind
from blindplate.core.errors import ForkError, RollbackError, UnwitnessedError
from blindplate.core.ledger.checkpoints import SignedCheckpoint
from blindplate.core.ledger.entries import parse_entry
from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement
from blindplate.core.statements.release_entries import DecisionEntry, Outcome, OutcomeEntry, request_entry
from blindplate.edge.ledger.appender import LedgerClient
from blindplate.edge.ledger.follower import Follower
from blindplate.edge.ledger.receipts import SHOWN_WITHIN_SECONDS
from blindplate.edge.ledger.replica import Replica
from blindplate.server.custodian import docket as docket_module
from tests.adversary.audit_command import Audited, audit
from tests.adversary.defences import let_pass
from tests.adversary.hiding_appender import HidingAppender, hiding_appender
from tests.adversary.stolen_ledger import StolenLedger, running_custodians, stolen_from
from tests.integration.custodian.requesting import Case
from tests.integration.ledger_site import party_key, party_tls

A, B = Custodian


@dataclass(frozen=True, slots=True)
class Scene:
    """Two requests that both custodians have witnessed; what they decide on them, the attacker hides."""

    ledger: StolenLedger
    appender: HidingAppender
    case: Case
    requests: tuple[Statement, Statement]

    def decided(self, request: Statement) -> list[bytes]:
        """Have custodian A release it; the decision as it was entered, which the ledger has acknowledged."""
        before = len(self.appender.hidden)
        self.ledger.goes_on(self.ledger.honest)
        status = self.case.released(A, request)
        assert status.sealed_share
        kind = DecisionEntry.media_type()
        entries = self.appender.hidden[before:]
        return [entry for entry in entries if parse_entry(entry).payload_type == kind]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with running_custodians(tmp_path) as custodians:
        case = Case(custodians, "emissions")
        requests = case.asked(case.sealed()), case.asked(case.sealed())
        with stolen_from(custodians) as ledger, hiding_appender(ledger) as appender:
            yield Scene(ledger, appender, case, requests)


def verified(ledger: StolenLedger, capsys: pytest.CaptureFixture[str]) -> Audited:
    return audit(capsys, "verify", ledger.access.url, ledger.deployment.keys)


def without_receipts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The defence removed: custodians forget under which checkpoint their entries were acknowledged."""
    monkeypatch.setattr(Replica, "keep_receipt", let_pass)


def other_entry(scene: Scene) -> Statement:
    """Something harmless for the ledger to put where the decision stood."""
    return request_entry_of(scene.case, scene.ledger)[1]


@pytest.mark.parametrize("in_its_place", [True, False])
def test_a_ledger_that_dropped_a_decision_is_never_cosigned_again(
    scene: Scene, in_its_place: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = scene.ledger
    scene.decided(scene.requests[0])
    history = ledger.honest
    if in_its_place:
        history = ledger.honest.then(other_entry(scene))
    else:
        scene.case.custodians.clock.offset += SHOWN_WITHIN_SECONDS + 1
    ledger.show(history)
    # Also not after a start; and B, which decided nothing, cannot make it public alone.
    for _ in range(2):
        note = ledger.note(history)
        with pytest.raises(ForkError if in_its_place else RollbackError):
            ledger.ask(A, history, note)
        assert {note.to_bytes(), *scene.appender.notes} <= ledger.evidence(A)
        scene.case.custodians.restart(A)
    if in_its_place:
        ledger.show(history, ledger.cosigned(history, by=[B]))
        assert verified(ledger, capsys).status == 2
    else:
        # It may still show what it acknowledged.
        ledger.goes_on(ledger.honest.then_all(scene.appender.hidden))


def test_without_its_receipt_a_dropped_decision_is_cosigned_away(
    scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_receipts(monkeypatch)
    scene.decided(scene.requests[0])
    scene.ledger.goes_on(scene.ledger.honest.then(other_entry(scene)))
    # And nobody misses it, until the next decision.
    assert verified(scene.ledger, capsys).status == 0


def test_a_decision_that_was_dropped_is_missed_at_the_next(
    scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_receipts(monkeypatch)
    first, second = scene.requests
    assert len(scene.decided(first)) == 1
    (entry,) = scene.decided(second)
    # Both custodians cosign it: the ledger contradicts nothing that either has read.
    scene.ledger.goes_on(scene.ledger.honest.then_all([entry]))
    audited = verified(scene.ledger, capsys)
    assert (audited.status, audited.names(Kind.DECISION_CHAIN)) == (1, True)
    unchained = tuple(rule for rule in DECISION_RULES if rule.kind is not Kind.DECISION_CHAIN)
    monkeypatch.setattr(releases_module, "DECISION_RULES", unchained)
    assert verified(scene.ledger, capsys).status == 0


def test_a_release_whose_decisions_were_dropped_is_missed_at_its_outcome(
    scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_receipts(monkeypatch)
    request, _ = scene.requests
    scene.decided(request)
    outcome = OutcomeEntry(
        request_id=request.statement_id,
        grant_id=scene.case.grant.grant_id,
        outcome=Outcome.OPENED,
        made_at=scene.ledger.now,
    )
    statement = outcome.statement(party_key(scene.ledger.deployment, scene.case.owner))
    scene.ledger.goes_on(scene.ledger.honest.then(statement))
    audited = verified(scene.ledger, capsys)
    assert (audited.status, audited.names(Kind.OUTCOME_WITHOUT_RELEASE)) == (1, True)


def request_entry_of(case: Case, ledger: StolenLedger) -> tuple[Statement, Statement]:
    """A new request and its entry for the ledger."""
    sealed = case.sealed()
    request = case.request(sealed)
    statement, key = case.signed(request), party_key(ledger.deployment, case.owner)
    return statement, request_entry(statement.statement_id, request, sealed.record.header).statement(key)


def acknowledged(scene: Scene) -> Statement:
    """A request whose entry the ledger has acknowledged to its owner, and shows to nobody."""
    case, access = scene.case, scene.ledger.access
    statement, entry = request_entry_of(case, scene.ledger)
    tls = party_tls(scene.ledger.deployment, case.owner)
    with LedgerClient(access.address, tls, access.keys.keys()) as client:
        (receipt,) = client.append([entry])
    assert receipt.index >= scene.ledger.honest.size
    scene.ledger.goes_on(scene.ledger.honest)
    return statement


def test_a_request_that_is_acknowledged_and_not_shown_releases_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = acknowledged(scene)
    for custodian in Custodian:
        with pytest.raises(UnwitnessedError):
            scene.case.submit(custodian, request)
    # Without this rule a release would need a receipt of the ledger's, and nobody would have seen of it.
    monkeypatch.setattr(docket_module, "require_entry", let_pass)
    assert scene.case.released(A, request).sealed_share


def test_a_checkpoint_of_earlier_releases_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    request, _ = scene.requests
    scene.ledger.goes_on(scene.ledger.honest)
    scene.case.custodians.clock.offset += 61
    for custodian in Custodian:
        with pytest.raises(UnwitnessedError):
            scene.case.submit(custodian, request)

    def of_any_age(_: Follower, signed: SignedCheckpoint, index: int, __: float) -> bool:
        return signed.checkpoint.size > index

    monkeypatch.setattr(Follower, "_suffices", of_any_age)
    assert scene.case.released(A, request).sealed_share


def test_a_checkpoint_that_one_custodian_cosigned_releases_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, ledger = scene.requests[0], scene.ledger
    scene.case.custodians.clock.offset += 61
    ledger.show(ledger.honest, ledger.cosigned(ledger.honest, by=[A]))
    for custodian in Custodian:
        with pytest.raises(UnwitnessedError):
            scene.case.submit(custodian, request)

    def whoever(signed: SignedCheckpoint) -> tuple[int, ...]:
        return tuple(signed.witnessed.values())

    monkeypatch.setattr(SignedCheckpoint, "_moments", whoever)
    assert scene.case.released(A, request).sealed_share
