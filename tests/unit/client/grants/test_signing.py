"""Signatures under a grant: in order, by the right party, and only under what fits the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindplate.client.grants import signing
from blindplate.client.grants.description import draft, read_description
from blindplate.core.errors import GrantError, SignatureError
from blindplate.core.signing import Statement
from blindplate.core.statements.grants import Grant
from tests.unit.client.grants.papers import DESCRIPTION, Papers, described, owner_settings


def drafted(papers: Papers, folder: Path, text: str = DESCRIPTION) -> Statement:
    description = read_description(described(folder, text))
    return draft(description, folder, owner_settings(), papers.owner.public, papers.state)


def countersigned(papers: Papers, statement: Statement) -> Statement:
    signed = signing.sign(statement, papers.operator, papers.state)
    for key in (papers.custodian_a, papers.custodian_b):
        signed = signing.countersign(signed, key, papers.parties, papers.state)
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
            signing.countersign(statement, papers.custodian_a, papers.parties, papers.state)


def test_a_statement_of_another_kind_is_not_signed(tmp_path: Path) -> None:
    papers = Papers()
    statement = drafted(papers, tmp_path)
    other = Statement("application/vnd.blindplate.policy.v1+json", statement.payload)
    with pytest.raises(GrantError, match="another kind"):
        signing.sign(other, papers.operator, papers.state)


def test_an_amendment_must_be_the_next(tmp_path: Path) -> None:
    papers = Papers()
    papers.enter(countersigned(papers, drafted(papers, tmp_path)))
    with pytest.raises(GrantError, match="the ledger's next is 1"):
        signing.sign(drafted(papers, tmp_path), papers.operator, papers.state)
    papers.enter(countersigned(papers, drafted(papers, tmp_path, "amendment = 1\n" + DESCRIPTION)))
    assert len(papers.state.grants["police-2"].amendments) == 2


def test_a_register_that_is_not_in_the_ledger_is_not_signed_for(tmp_path: Path) -> None:
    papers, other = Papers(), Papers()
    other.enter_register("inner", 2)
    foreign = Grant.parsed(drafted(other, tmp_path).payload).statement()
    with pytest.raises(GrantError, match="not in the ledger"):
        signing.sign(foreign, papers.operator, papers.state)


def test_a_grant_is_ended_once(tmp_path: Path) -> None:
    papers = Papers()
    papers.enter(countersigned(papers, drafted(papers, tmp_path)))
    papers.enter(signing.end("police-2", "No longer needed.", papers.operator, papers.state, 10.0))
    for grant_id in ("police-2", "unknown"):
        with pytest.raises(GrantError):
            signing.end(grant_id, "Again.", papers.operator, papers.state, 11.0)
