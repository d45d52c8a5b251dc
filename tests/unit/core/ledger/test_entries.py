"""Entries: one statement has one form of bytes, whatever kind it is of."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.errors import EntryError, MessageError
from blindplate.core.ledger.bundles import MAX_ENTRY_BYTES
from blindplate.core.ledger.entries import (
    MAX_DOCUMENT_BYTES,
    MODELS,
    document_bytes,
    document_digest,
    entry_bytes,
    is_decision,
    names_document,
    parse_document,
    parse_entry,
    passed_over,
    read_model,
    relevant,
)
from blindplate.core.signing import MAX_PAYLOAD_BYTES, Signature, Statement
from blindplate.core.statements.model import StatementModel
from blindplate.core.statements.policies import ZoneRegister
from tests.unit.core.ledger.entering import (
    CUSTODIAN_A,
    CUSTODIAN_B,
    DIGEST,
    DOCUMENT,
    EVERY_KIND,
    GRANT,
    OPERATOR,
    entry_of,
)

KINDS = [pytest.param(model, id=model.kind) for model, _ in EVERY_KIND]
ENTRY = entry_of(GRANT)

signatures = st.builds(Signature, st.binary(min_size=16, max_size=16), st.binary(min_size=64, max_size=64))
statements = st.builds(
    Statement,
    st.sampled_from(sorted(MODELS)) | st.text(min_size=1, max_size=60),
    st.binary(max_size=300),
    st.lists(signatures, max_size=4, unique_by=lambda one: one.key_id).map(tuple),
)


def test_every_kind_that_is_entered_has_a_sample_here() -> None:
    assert {model.media_type() for model, _ in EVERY_KIND} == set(MODELS)


@pytest.mark.parametrize("model", KINDS)
def test_an_entry_says_what_its_statement_says(model: StatementModel) -> None:
    assert read_model(parse_entry(entry_of(model))) == model


@given(statements)
def test_statements_come_back_with_their_signatures_in_order(statement: Statement) -> None:
    back = parse_entry(entry_bytes(statement))
    assert (back.payload_type, back.payload) == (statement.payload_type, statement.payload)
    assert back.signatures == tuple(sorted(statement.signatures, key=lambda one: one.key_id))


def test_the_order_of_signing_does_not_show() -> None:
    one = GRANT.statement(OPERATOR, CUSTODIAN_A, CUSTODIAN_B)
    other = GRANT.statement(CUSTODIAN_B, OPERATOR, CUSTODIAN_A)
    assert one != other
    assert entry_bytes(one) == entry_bytes(other)


def rewritten(**changes: object) -> bytes:
    return json.dumps({**json.loads(ENTRY), **changes}, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(json.dumps(json.loads(ENTRY)).encode(), id="white-space"),
        pytest.param(ENTRY + b"\n", id="a-newline-at-the-end"),
        pytest.param(rewritten(note="x"), id="an-unknown-field"),
        pytest.param(
            json.dumps(dict(reversed(json.loads(ENTRY).items())), separators=(",", ":")).encode(),
            id="fields-in-another-order",
        ),
        pytest.param(
            rewritten(signatures=list(reversed(json.loads(ENTRY)["signatures"]))),
            id="signatures-in-another-order",
        ),
        pytest.param(ENTRY.replace(b"+", b"-").replace(b"/", b"_"), id="url-safe-base64"),
        pytest.param(ENTRY.replace(b'"keyid":"', b'"keyid":" '), id="space-in-hexadecimal"),
        pytest.param(
            ENTRY.replace(b'{"payloadType"', b'{"payloadType":"x","payloadType"', 1), id="a-field-given-twice"
        ),
        pytest.param(ENTRY.replace(b"vnd.", b"vnd\\u002e", 1), id="an-escape-that-is-not-needed"),
        pytest.param(ENTRY[:-1], id="cut-short"),
        pytest.param(ENTRY + b"\xff", id="not-ascii"),
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b"[" * 60_000, id="nested-deep"),
        pytest.param(b"1" * 60_000, id="a-long-number"),
    ],
)
def test_no_other_bytes_are_an_entry(entry: bytes) -> None:
    assert entry != ENTRY
    with pytest.raises(MessageError):
        parse_entry(entry)


def test_the_longest_entry_fits_a_bundle_and_a_longer_one_is_none() -> None:
    room = MAX_ENTRY_BYTES - len(entry_bytes(Statement("t", b"")))
    longest = entry_bytes(Statement("t", b"x" * (room // 4 * 3)))
    assert MAX_ENTRY_BYTES - 4 < len(longest) <= MAX_ENTRY_BYTES
    assert parse_entry(longest).payload_type == "t"
    too_long = Statement("t", b"x" * (room // 4 * 3 + 3))
    with pytest.raises(MessageError, match="longer"):
        entry_bytes(too_long)
    with pytest.raises(MessageError, match="longer"):
        parse_entry(document_bytes(too_long))


def test_the_longest_statement_fits_a_document() -> None:
    longest = Statement(ZoneRegister.media_type(), b"x" * MAX_PAYLOAD_BYTES).signed_by(OPERATOR)
    document = document_bytes(longest)
    assert parse_document(document) == longest
    with pytest.raises(MessageError, match="longer"):
        parse_document(document.ljust(MAX_DOCUMENT_BYTES + 1))


def test_a_document_is_named_by_its_payload() -> None:
    assert document_digest(parse_document(document_bytes(DOCUMENT))) == DIGEST


def test_a_kind_that_is_never_entered_is_refused() -> None:
    with pytest.raises(EntryError, match="kind"):
        read_model(DOCUMENT)


@pytest.mark.parametrize("model", KINDS)
def test_what_is_passed_over_is_told_from_the_first_bytes(model: StatementModel) -> None:
    counted = {
        "batches",
        "camera-counts",
        "decision-entry",
        "erasures",
        "evaluation-counts",
        "evidence-erasures",
        "matcher-counts",
        "outcome-entry",
    }
    assert relevant(model) == (model.kind not in counted)
    assert passed_over(entry_of(model)) == (model.kind in counted)
    assert names_document(entry_of(model)) == (model.kind == "register-entry")
    assert is_decision(entry_of(model)) == (model.kind == "decision-entry")


@pytest.mark.parametrize("entry", [b"", b"{", b'{"payloadType":"', ENTRY[:40], b" " + ENTRY])
def test_what_has_no_kind_is_not_passed_over(entry: bytes) -> None:
    assert not passed_over(entry)
    assert not names_document(entry)
    assert not is_decision(entry)


@given(statements)
def test_what_is_passed_over_cannot_be_of_a_kind_that_matters(statement: Statement) -> None:
    entry = entry_bytes(statement)
    if passed_over(entry):
        model = MODELS[parse_entry(entry).payload_type]
        assert not relevant(model.model_construct())
