"""Requests that are not their sender's own word, or that cannot be read: refused, and nothing of them is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blindplate.core.errors import (
    BlindplateError,
    CommitmentError,
    GrantError,
    IdentityError,
    MessageError,
    SignatureError,
)
from blindplate.core.signing import SigningKey, Statement
from blindplate.server.custodian import authentic, requests
from blindplate.server.custodian.authentic import MAX_STATEMENT_BYTES
from blindplate.server.custodian.storage import reading
from blindplate.v1 import release_pb2

from .desk import Desk
from .statements import OWNER


def refused(
    desk: Desk, statement: Statement, error: type[BlindplateError], candidates: bytes | None = None
) -> BlindplateError:
    """Refused with that error, and not a trace of it at the custodian."""
    sent = desk.candidates() if candidates is None else candidates
    with pytest.raises(error) as caught:
        desk.submissions.submit(statement, sent, OWNER)
    with reading(desk.engine) as connection:
        assert requests.find(connection, statement.statement_id) is None
    assert desk.entries() == []
    return caught.value


def test_the_same_request_as_it_is_is_taken_in(desk: Desk) -> None:
    assert desk.ask(desk.sealed()).state == "pending"


def test_signed_with_another_key(desk: Desk) -> None:
    statement = desk.request(desk.sealed()).statement(SigningKey.generate())
    refused(desk, statement, SignatureError)


def test_unsigned(desk: Desk) -> None:
    refused(desk, desk.request(desk.sealed()).statement(), SignatureError)


def test_a_statement_of_another_type(desk: Desk) -> None:
    payload = desk.request(desk.sealed()).statement().payload
    refused(desk, Statement("application/json", payload).signed_by(desk.book.owner), SignatureError)


def test_brought_by_another_than_it_names(desk: Desk) -> None:
    refused(desk, desk.signed(desk.request(desk.sealed(), requester=f"{OWNER}-2")), IdentityError)


def test_under_an_unknown_grant(desk: Desk) -> None:
    refused(desk, desk.signed(desk.request(desk.sealed(), grant_id="police-2")), GrantError)


def test_under_the_grant_of_another_owner(desk: Desk) -> None:
    request = desk.request(desk.sealed(), requester=f"{OWNER}-2")
    with pytest.raises(GrantError):
        desk.submissions.submit(desk.signed(request), desk.candidates(), f"{OWNER}-2")


@pytest.mark.parametrize("record", [b"\xff", b""])
def test_a_record_that_cannot_be_read(desk: Desk, record: bytes) -> None:
    refused(desk, desk.signed(desk.request(desk.sealed(), record=record)), MessageError)


def test_a_record_with_its_ciphertext(desk: Desk) -> None:
    sealed = desk.sealed()
    refused(desk, desk.signed(desk.request(sealed, record=sealed.record.to_bytes())), MessageError)


def test_a_padded_request(desk: Desk) -> None:
    statement = desk.request(desk.sealed()).statement()
    # Spaces between fields change nothing of what it says, but all of it is kept for ever.
    padded = replace(statement, payload=statement.payload.ljust(MAX_STATEMENT_BYTES + 1))
    error = refused(desk, padded.signed_by(desk.book.owner), MessageError)
    assert "padding" in error.remedy


# Candidates.


def asked_with(desk: Desk, message: release_pb2.Candidates) -> BlindplateError:
    sent = message.SerializeToString()
    return refused(desk, desk.signed(desk.request(desk.sealed(), sent)), MessageError, sent)


def test_other_candidates_than_it_signs(desk: Desk) -> None:
    statement = desk.signed(desk.request(desk.sealed()))
    refused(desk, statement, CommitmentError, desk.candidates() + b"\x0a\x00")
    refused(desk, statement, CommitmentError, b"")


def test_candidates_that_are_no_message(desk: Desk) -> None:
    refused(desk, desk.signed(desk.request(desk.sealed(), b"\xff")), MessageError, b"\xff")


def test_candidates_longer_than_any_need_to_be(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = desk.candidates()
    monkeypatch.setattr(authentic, "MAX_CANDIDATES_BYTES", len(sent) - 1)
    refused(desk, desk.signed(desk.request(desk.sealed(), sent)), MessageError, sent)


def test_candidates_of_more_versions_than_eight(desk: Desk) -> None:
    versions = [release_pb2.VersionCandidates(list_version=number) for number in range(9)]
    asked_with(desk, release_pb2.Candidates(versions=versions))


def test_candidates_of_one_version_twice(desk: Desk) -> None:
    versions = [desk.version.candidates(), release_pb2.VersionCandidates(list_version=1)]
    asked_with(desk, release_pb2.Candidates(versions=versions))


def test_more_candidates_of_a_version_than_any_bin_has(desk: Desk) -> None:
    many = [release_pb2.Candidate()] * 513
    version = release_pb2.VersionCandidates(list_version=1, candidates=many)
    asked_with(desk, release_pb2.Candidates(versions=[version]))


def test_a_longer_proof_than_any_tree_needs(desk: Desk) -> None:
    version = desk.version.candidates(path=[bytes(32)] * 65)
    asked_with(desk, release_pb2.Candidates(versions=[version]))
