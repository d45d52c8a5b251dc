"""Signatures under a grant: in order, by the right party, and only under what fits the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindplate.client.grants import signing
from blindplate.client.grants.checks import notice_warning
from blindplate.client.grants.description import draft, read_description
from blindplate.core.errors import EntryError, GrantError, SignatureError
from blindplate.core.signing import Statement
from blindplate.core.statements.grants import Grant
from tests.unit.client.grants.papers import DESCRIPTION, SETS, Papers, described, owner_settings


def drafted(papers: Papers, folder: Path, text: str = DESCRIPTION) -> Statement:
    description = read_description(described(folder, text))
    key = papers.owner.public
    return draft(
        description, folder, owner_settings(), key, papers.state, SETS, short_notice=True
    ).statement()


def countersigned(papers: Papers, statement: Statement) -> Statement:
    signed = signing.sign(statement, papers.operator, papers.state)
    for key in (papers.custodian_a, papers.custodian_b):
        signed = signing.countersign(signed, key, papers.parties, papers.state, SETS)
    return signed


def test_a_grant_that_all_three_signed_is_taken_by_the_ledger(tmp_path: Path) -> None:
    papers = Papers()
    papers.enter(countersigned(papers, drafted(papers, tmp_path)))
    assert papers.state.grants["police-2"].latest.list_size == 20_000


def test_a_custodian_countersigns_nothing_that_the_operator_has_not_signed(tmp_path: Path) -> None:
    papers = Papers()
    unsigned = drafted(papers, tmp_path)
    for statement in (unsigned, unsigned.signed_by(papers.owner)):
        with pytest.raises(SignatureError):
            signing.countersign(statement, papers.custodian_a, papers.parties, papers.state, SETS)


def test_a_statement_of_another_kind_is_not_signed(tmp_path: Path) -> None:
    papers = Papers()
    statement = drafted(papers, tmp_path)
    other = Statement("application/vnd.blindplate.policy.v1+json", statement.payload)
    with pytest.raises(GrantError, match="another kind"):
        signing.sign(other, papers.operator, papers.state)


def test_an_amendment_must_be_the_next(tmp_path: Path) -> None:
    papers = Papers()
    first = drafted(papers, tmp_path)
    papers.enter(countersigned(papers, first))
    with pytest.raises(GrantError, match="the ledger's next is 1"):
        signing.sign(first, papers.operator, papers.state)
    papers.enter(countersigned(papers, drafted(papers, tmp_path, "amendment = 1\n" + DESCRIPTION)))
    assert len(papers.state.grants["police-2"].amendments) == 2


def test_a_register_that_is_not_in_the_ledger_is_not_signed_for(tmp_path: Path) -> None:
    papers, other = Papers(), Papers()
    other.enter_register("inner", 2)
    foreign = Grant.parsed(drafted(other, tmp_path).payload).statement()
    with pytest.raises(EntryError, match="no document of the ledger"):
        signing.sign(foreign, papers.operator, papers.state)


def test_nobody_signs_less_than_a_days_notice_unless_it_is_meant(tmp_path: Path) -> None:
    papers = Papers()
    short = drafted(papers, tmp_path, DESCRIPTION.replace("notice_days = 28", "notice_days = 0.5"))
    with pytest.raises(GrantError, match="nobody could object"):
        signing.sign(short, papers.operator, papers.state)
    signed = signing.sign(short, papers.operator, papers.state, short_notice=True)
    with pytest.raises(GrantError, match="nobody could object"):
        signing.countersign(signed, papers.custodian_a, papers.parties, papers.state, SETS)
    signing.countersign(signed, papers.custodian_a, papers.parties, papers.state, SETS, short_notice=True)


def test_a_custodian_countersigns_no_parameter_set_that_it_does_not_know(tmp_path: Path) -> None:
    papers = Papers()
    signed = signing.sign(drafted(papers, tmp_path), papers.operator, papers.state)
    with pytest.raises(GrantError, match="prompt"):
        signing.countersign(signed, papers.custodian_a, papers.parties, papers.state, ("bulk",))


@pytest.mark.parametrize(("days", "told"), [(1, "a day after"), (13.9, "13.9 days"), (0.5, "43,200 s")])
def test_less_than_a_fortnights_notice_is_told_loudly(tmp_path: Path, days: float, told: str) -> None:
    text = DESCRIPTION.replace("notice_days = 28", f"notice_days = {days}")
    warning = notice_warning(Grant.parsed(drafted(Papers(), tmp_path, text).payload))
    assert warning is not None
    assert told in warning


def test_a_fortnights_notice_is_told_of_by_nobody(tmp_path: Path) -> None:
    text = DESCRIPTION.replace("notice_days = 28", "notice_days = 14")
    assert notice_warning(Grant.parsed(drafted(Papers(), tmp_path, text).payload)) is None


@pytest.mark.parametrize(
    "changed", [("list_id", "other"), ("notice_seconds", 27 * 86_400)], ids=["list", "notice"]
)
def test_what_the_ledger_would_refuse_is_not_signed(tmp_path: Path, changed: tuple[str, object]) -> None:
    papers = Papers()
    first = drafted(papers, tmp_path)
    papers.enter(countersigned(papers, first))
    field, value = changed
    amended = Grant.parsed(first.payload).model_copy(update={"amendment": 1, field: value})
    with pytest.raises(EntryError):
        signing.sign(amended.statement(), papers.operator, papers.state)


def test_a_grant_is_ended_once(tmp_path: Path) -> None:
    papers = Papers()
    papers.enter(countersigned(papers, drafted(papers, tmp_path)))
    papers.enter(signing.end("police-2", "No longer needed.", papers.operator, papers.state, 10.0))
    for grant_id in ("police-2", "unknown"):
        with pytest.raises(GrantError):
            signing.end(grant_id, "Again.", papers.operator, papers.state, 11.0)
