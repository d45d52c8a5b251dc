"""Every rule about what owners say of their evidence, shown to fire; and what must not set it off."""

from __future__ import annotations

from typing import Any

import pytest

from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.evidence import SILENT_SECONDS
from blindplate.client.auditor.files import fetch_checkpoint
from blindplate.client.auditor.findings import Kind, day_of
from blindplate.client.auditor.summary import summarize
from blindplate.core.parties import Custodian
from blindplate.core.statements.evidence import EvidenceCount
from tests.unit.client.auditor.ledgers import (
    DAY,
    POLICE,
    Ledger,
    audit_keys,
    audited,
    findings,
    grant,
    noted,
    violated,
)


def released(number: int = 1, days: int = 10) -> Ledger:
    """A ledger in which so many records were released today to the police, whose grant gives so many days."""
    ledger = Ledger.begun(grant(evidence_days=days, not_after=2_000_000_000), grant("emissions-1"))
    for one in range(number):
        ledger.release(f"release {one}")
    return ledger


def later(ledger: Ledger, days: float) -> Ledger:
    ledger.now += round(days * DAY)
    # Two parties speak, so that it is that late; the matcher has nothing to count.
    ledger.counts()
    for custodian in Custodian:
        ledger.evaluations(custodian, day=day_of(ledger.now - DAY))
    return ledger


def broken(ledger: Ledger) -> set[Kind]:
    """What is found of evidence alone: a ledger of few entries is silent in other respects."""
    return {kind for kind in violated(ledger) if kind.value.startswith("evidence")}


def test_evidence_that_is_kept_and_erased_in_time_is_green() -> None:
    ledger = released(2)
    for day in range(1, 12):
        later(ledger, 1)
        ledger.evidence(erased=2 * (day == 11), kept=2 * (day < 11))
    assert violated(ledger) == set()


def test_more_than_was_released_is_found() -> None:
    for erased, kept in ((0, 2), (2, 0), (1, 1)):
        ledger = later(released(1), 1)
        ledger.evidence(erased, kept)
        assert Kind.EVIDENCE_COUNTS in broken(ledger)


def test_what_is_erased_twice_is_found() -> None:
    ledger = later(released(1), 1)
    ledger.evidence(erased=1)
    later(ledger, 1)
    ledger.evidence(erased=1)
    assert broken(ledger) == {Kind.EVIDENCE_COUNTS}


@pytest.mark.parametrize("changes", [{"day": "2025-03-04"}, {"day": "2025-99-99"}, {"day": "2026-03-01"}])
def test_a_day_that_is_not_over_or_is_none_is_found(changes: dict[str, Any]) -> None:
    ledger = later(released(1), 1)
    ledger.evidence(kept=1, **changes)
    assert broken(ledger) == {Kind.EVIDENCE_COUNTS}


def test_a_day_told_twice_or_after_a_later_one_is_found() -> None:
    for day in ("2025-03-04", "2025-03-03"):
        ledger = later(released(1), 2)
        ledger.evidence(kept=1, day="2025-03-04")
        ledger.evidence(kept=1, day=day)
        assert broken(ledger) == {Kind.EVIDENCE_COUNTS}


def test_another_list_or_a_place_twice_is_found() -> None:
    one = EvidenceCount(list_id="hotlist", zone="inner", erased=0, kept=0, held=0)
    for rows in ((one, one), (one.model_copy(update={"list_id": "liable"}),)):
        ledger = later(released(1), 1)
        ledger.evidence(evidence=rows)
        assert broken(ledger) == {Kind.EVIDENCE_COUNTS}


def test_a_part_that_is_missing_is_found() -> None:
    ledger = later(released(1), 1)
    ledger.evidence(part=1, parts=2, evidence=())
    assert broken(ledger) <= {Kind.EVIDENCE_COUNTS}
    assert audited(ledger).judge.evidence.told[POLICE].erased == 0


def test_evidence_kept_beyond_its_days_is_found_unless_it_is_held() -> None:
    for held in (False, True):
        ledger = released(1, days=5)
        if held:
            ledger.hold(ledger.release("held"))
        for _ in range(5):
            later(ledger, 1)
            ledger.evidence(kept=1 + held, held=int(held))
        assert broken(ledger) == set()
        later(ledger, 2)
        ledger.evidence(kept=1, held=int(held), erased=int(held))
        assert broken(ledger) == (set() if held else {Kind.EVIDENCE_KEPT})


def test_more_held_than_the_ledger_has_holds_for_is_found() -> None:
    ledger = later(released(1), 1)
    ledger.evidence(kept=1, held=1)
    assert broken(ledger) == {Kind.EVIDENCE_HELD}
    ledger = released(1)
    ledger.hold(ledger.release("held"), days=3)
    later(ledger, 1)
    ledger.evidence(kept=2, held=1)
    assert broken(ledger) == set()
    later(ledger, 4)
    ledger.evidence(kept=2, held=1)
    assert broken(ledger) == {Kind.EVIDENCE_HELD}


def test_what_an_owner_found_overdue_itself_is_found() -> None:
    ledger = later(released(1), 1)
    ledger.evidence(kept=1, overdue=3)
    assert broken(ledger) == {Kind.EVIDENCE_OVERDUE}


def test_a_hold_is_noted() -> None:
    ledger = released(1)
    ledger.hold(ledger.release("held"))
    assert Kind.EVIDENCE_HOLD in noted(ledger)
    (sentence,) = (one.sentence for one in findings(ledger) if one.kind is Kind.EVIDENCE_HOLD)
    assert "criminal proceedings" in sentence


def test_an_owner_with_releases_that_says_nothing_for_a_week_is_found() -> None:
    ledger = released(1)
    assert broken(later(ledger, SILENT_SECONDS / DAY - 1)) == set()
    assert broken(later(ledger, 1.1)) == {Kind.EVIDENCE_SILENT}


def test_an_owner_that_falls_silent_while_it_keeps_something_is_found_once() -> None:
    ledger = later(released(1), 1)
    ledger.evidence(kept=1)
    later(ledger, 9)
    source, keys = ledger.source(), audit_keys()
    audit = Audit(source, keys)
    signed = fetch_checkpoint(source, keys.ledger.keys())
    audit.advance(signed)
    audit.advance(signed)
    assert [one.kind for one in audit.findings].count(Kind.EVIDENCE_SILENT) == 1


def test_an_owner_that_has_nothing_left_may_be_silent() -> None:
    ledger = later(released(1), 1)
    ledger.evidence(erased=1)
    assert broken(later(ledger, 30)) == set()


def test_an_owner_to_which_nothing_was_released_may_be_silent() -> None:
    assert broken(later(Ledger.begun(), 30)) == set()


def test_the_report_shows_what_was_told_and_every_hold() -> None:
    ledger = released(2)
    held = ledger.release("held")
    ledger.hold(held, days=3)
    later(ledger, 1)
    ledger.evidence(erased=1, kept=2, held=1, overdue=4)
    summary = summarize(audited(ledger))
    (told,) = summary.evidence
    assert (told.agency, told.evidence_days, told.last_day) == ("police", 10, "2025-03-03")
    assert (told.released, told.erased, told.kept, told.held, told.overdue) == (3, 1, 2, 1, 4)
    (hold,) = summary.holds
    assert (hold.request, hold.until, hold.standing) == (held.request_id.hex(), "2025-03-06", True)
    later(ledger, 5)
    assert [one.standing for one in summarize(audited(ledger)).holds] == [False]
