"""Entries that the ledger should have refused: each is a violation, and counts for nothing afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blindplate.client.auditor.findings import Kind
from blindplate.core.ledger.entries import parse_entry, read_model
from blindplate.core.parties import Custodian
from blindplate.core.statements.grant_changes import GrantSuspension
from tests.unit.client.auditor.ledgers import (
    CUSTODIANS,
    MATCHER,
    OPERATOR,
    OWNERS,
    POLICE,
    ZONES,
    Ledger,
    findings,
    grant,
    granted,
    register,
    row,
    violated,
)

A, B = Custodian.A, Custodian.B


def _suspension_by_the_other(ledger: Ledger) -> None:
    word = GrantSuspension(
        grant_id=POLICE, custodian=B, suspended=True, reason="none of A's", made_at=ledger.now
    )
    ledger.enter(word, CUSTODIANS[A])


def _signed_by(kind: str, signer: str) -> Callable[[Ledger], None]:
    """An honest entry of that kind, its signature replaced by another party's."""

    def enter(ledger: Ledger) -> None:
        honest: dict[str, Callable[[], object]] = {
            "counts": lambda: ledger.counts(row(received=1)),
            "batches": lambda: ledger.batches(1),
            "decision": lambda: ledger.decide(A, ledger.request()),
            "evaluations": ledger.evaluations,
            "camera": lambda: ledger.camera(hotlist=1),
            "list": lambda: ledger.list_version(1, 1, 1),
            "end": ledger.end,
        }
        honest[kind]()
        model = read_model(parse_entry(ledger.entries.pop()))
        ledger.enter(model, {"operator": OPERATOR, "matcher": MATCHER, "owner": OWNERS[POLICE]}[signer])

    return enter


_FORGED: dict[str, Callable[[Ledger], object]] = {
    "matcher's counts by the operator": _signed_by("counts", "operator"),
    "batches by an owner": _signed_by("batches", "owner"),
    "a decision by the operator": _signed_by("decision", "operator"),
    "a decision by the owner": _signed_by("decision", "owner"),
    "evaluations by the matcher": _signed_by("evaluations", "matcher"),
    "a camera's counts by the matcher": _signed_by("camera", "matcher"),
    "a list version by the operator": _signed_by("list", "operator"),
    "a grant's end by its owner": _signed_by("end", "owner"),
    "a suspension by the other custodian": _suspension_by_the_other,
    "a grant that one custodian did not sign": lambda ledger: ledger.enter(
        grant("police-2"), OPERATOR, CUSTODIANS[A]
    ),
    "a grant that somebody else signed too": lambda ledger: ledger.enter(
        grant("police-2"), OPERATOR, *CUSTODIANS.values(), MATCHER
    ),
    "bytes that are no statement": lambda ledger: ledger.enter_bytes(b"no statement"),
    "a statement that is written otherwise": lambda ledger: ledger.enter_bytes(ledger.entries[0] + b" "),
}
_UNFIT: dict[str, Callable[[Ledger], object]] = {
    "a register of a generation that is there": lambda ledger: ledger.register(register("inner", cameras=3)),
    "a register of another size than its entry says": lambda ledger: ledger.register(
        register("inner", 2), cameras=7
    ),
    "a grant of a register that is not in the ledger": lambda ledger: ledger.grant(
        grant("police-2", zones=(granted("nowhere"),))
    ),
    "an amendment that skips a number": lambda ledger: ledger.grant(grant(amendment=2)),
    "an amendment to another list": lambda ledger: ledger.grant(grant(amendment=1, list_id="another")),
    "an amendment of a grant that ended": lambda ledger: (ledger.end(), ledger.grant(grant(amendment=1))),
    "a list longer than its grant allows": lambda ledger: ledger.list_version(1, 1001, 1001),
    "a list whose additions do not add up": lambda ledger: ledger.list_version(1, 10, 9),
    "a list version whose number does not rise": lambda ledger: (
        ledger.list_version(2, 10, 10),
        ledger.list_version(2, 11, 1),
    ),
    "a list with more leaves than its entries have": lambda ledger: ledger.list_version(1, 10, 10, leaves=21),
    "a request entered a second time": lambda ledger: (
        ledger.request(),
        ledger.request(lawful_basis="another"),
    ),
    "a request by another than its grant's owner": lambda ledger: ledger.request(
        requester="spiffe://test/owner/other"
    ),
    "a request of another list": lambda ledger: ledger.request(list_id="liable"),
    "a request that expires before it is made": lambda ledger: ledger.request(expires_at=1),
    "an outcome of no request": lambda ledger: ledger.outcome(Ledger.begun().request("never entered")),
}


@pytest.mark.parametrize("enter", [*_FORGED.values(), *_UNFIT.values()], ids=[*_FORGED, *_UNFIT])
def test_an_entry_that_the_ledger_should_have_refused_is_found(enter: Callable[[Ledger], object]) -> None:
    ledger = Ledger.begun()
    enter(ledger)
    found = [one for one in findings(ledger) if one.kind is Kind.ENTRY_REFUSED]
    assert [one.index for one in found] == [ledger.size - 1]


def test_what_should_have_been_refused_counts_for_nothing() -> None:
    ledger = Ledger.begun()
    request = ledger.request(list_id="liable")
    ledger.decide(A, request)
    assert violated(ledger) == {Kind.ENTRY_REFUSED, Kind.DECISION_WITHOUT_REQUEST}


def test_a_register_whose_document_is_gone_or_altered_is_found() -> None:
    ledger = Ledger.begun()
    (path, *_rest) = ledger.documents
    document = ledger.documents.pop(path)
    assert Kind.FILE_MISSING in violated(ledger)
    ledger.documents[path] = document.replace(b"1", b"2", 1)
    assert Kind.FILE_ALTERED in violated(ledger)


def test_the_same_entries_by_their_own_parties_are_green() -> None:
    ledger = Ledger.begun()
    for zone in ZONES:
        ledger.register(register(zone, 2, cameras=3))
    ledger.grant(grant(amendment=1, zones=tuple(granted(zone) for zone in ZONES)))
    ledger.list_version(1, 10, 10)
    ledger.list_version(3, 11, 2, 1)
    ledger.camera(number=1, hotlist=1)
    ledger.counts(row(received=1))
    ledger.suspend(B)
    ledger.suspend(B, suspended=False)
    ledger.end()
    assert findings(ledger) == []
