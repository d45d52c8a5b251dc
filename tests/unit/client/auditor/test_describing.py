"""The line for an entry: one for every kind, of names and numbers alone."""

from __future__ import annotations

import re

from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.describing import describe
from blindplate.client.auditor.files import fetch_checkpoint
from blindplate.core.parties import Custodian
from blindplate.core.statements.grant_changes import GrantEnd
from tests.unit.client.auditor.ledgers import (
    OPERATOR,
    POLICE,
    Ledger,
    audit_keys,
    grant,
    register,
    row,
)


def test_every_kind_of_entry_has_its_line_and_none_holds_text_that_its_maker_chose() -> None:
    ledger = Ledger.begun()
    first = ledger.size
    hostile = "[bold]hostile[/bold]"
    ledger.register(register("inner", 2))
    ledger.grant(grant(amendment=1, purpose=hostile, lawful_basis=hostile, decision=hostile))
    ledger.list_version(1, 5, 5)
    released = ledger.release()
    ledger.outcome(released)
    ledger.hold(released)
    ledger.evidence(erased=2)
    ledger.batches(2)
    ledger.camera(hotlist=3)
    ledger.evaluations()
    ledger.counts(row(received=3))
    ledger.erasures()
    ledger.suspend(Custodian.B)
    ledger.enter(GrantEnd(grant_id=POLICE, reason=hostile, made_at=ledger.now), OPERATOR)
    lines: list[str] = []
    source = ledger.source()
    audit = Audit(source, audit_keys(), lambda _, model: lines.append(describe(model)))
    audit.advance(fetch_checkpoint(source, audit_keys().ledger.keys()))
    said = [re.sub(r"request [0-9a-f]{8}", "request ...", line) for line in lines[first:]]
    assert said == [
        "register of zone inner, generation 2: 2 cameras",
        "grant police-1, amendment 1",
        "list hotlist, version 1: 5 vehicles, 5 added, 0 removed",
        "request ... for robbery-or-theft in zone inner, grant police-1",
        "Custodian A on request ...: approved (ok)",
        "Custodian B on request ...: approved (ok)",
        "outcome of request ...: confirmed",
        "evidence of request ... held until 2025-06-11: criminal-proceedings",
        "evidence under grant police-1 on 2025-03-02: 2 erased",
        "2 answers for hotlist",
        "camera inner-0 in zone inner: 3 records",
        "Custodian A's evaluations of 2025-03-03",
        "the matcher's counts: 3 records received in all",
        "the matcher's erasures of 2025-03-03: 0 records erased, 0 items overdue",
        "Custodian B suspends grant police-1",
        "grant police-1 ends",
    ]


def test_an_entry_that_should_have_been_refused_is_called_that() -> None:
    assert describe(None) == "an entry that the ledger should have refused"
