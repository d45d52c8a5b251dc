"""Signatures and statements: DSSE's own figures, every key asked for must have signed, exactly these bytes."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import MessageError, SignatureError
from blindplate.core.parties import key_id
from blindplate.core.signing import (
    MAX_PAYLOAD_BYTES,
    MAX_SIGNATURES,
    Signature,
    SigningKey,
    Statement,
    pre_authentication_encoding,
    verify,
    verify_statement,
)
from blindplate.v1 import types_pb2

A = SigningKey.from_seed(b"a" * 32)
B = SigningKey.from_seed(b"b" * 32)
KIND = "application/vnd.blindplate.test+json"
BOTH = Statement(KIND, b'{"one":1}').signed_by(A).signed_by(B)
# RFC 8032 section 7.1, test 2.
RFC_SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
RFC_PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
RFC_SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
STATEMENTS = st.builds(
    lambda kind, payload, keys: Statement(kind, payload, tuple(Signature(key, b"s" * 64) for key in keys)),
    st.text(min_size=1, max_size=20),
    st.binary(max_size=60),
    st.lists(st.binary(min_size=16, max_size=16), unique=True, max_size=4),
)


def test_signatures_are_those_of_rfc_8032() -> None:
    key = SigningKey.from_seed(RFC_SEED)
    assert key.public.hex() == RFC_PUBLIC
    assert key.sign(b"\x72").hex() == RFC_SIGNATURE


def test_the_signed_bytes_are_the_example_of_dsse() -> None:
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pre_authentication_encoding("http://example.com/HelloWorld", b"hello world") == expected


def test_lengths_in_the_signed_bytes_count_bytes_not_characters() -> None:
    assert pre_authentication_encoding("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_a_fresh_key_is_another_every_time() -> None:
    assert SigningKey.generate().seed != SigningKey.generate().seed


@pytest.mark.parametrize("length", [0, 31, 64])
def test_a_seed_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MessageError):
        SigningKey.from_seed(bytes(length))


def test_another_key_message_or_signature_does_not_verify() -> None:
    signature = A.sign(b"message")
    verify(A.public, b"message", signature)
    for public, message, bytes_ in [
        (B.public, b"message", signature),
        (A.public, b"massage", signature),
        (A.public, b"message", bytes(64)),
        (A.public, b"message", signature[:-1]),
        (b"", b"message", signature),
    ]:
        with pytest.raises(SignatureError):
            verify(public, message, bytes_)


def test_a_statement_signed_by_all_gives_its_payload() -> None:
    assert verify_statement(BOTH, KIND, [A.public, B.public]) == b'{"one":1}'
    assert verify_statement(BOTH, KIND, [B.public]) == b'{"one":1}'


def test_a_statement_lacking_one_of_two_signatures_is_refused() -> None:
    with pytest.raises(SignatureError, match="lacks"):
        verify_statement(Statement(KIND, b"x").signed_by(A), KIND, [A.public, B.public])


def test_a_statement_of_another_type_is_refused() -> None:
    with pytest.raises(SignatureError, match="type"):
        verify_statement(BOTH, KIND + "2", [A.public])


def test_a_statement_whose_type_was_changed_after_signing_is_refused() -> None:
    with pytest.raises(SignatureError):
        verify_statement(replace(BOTH, payload_type="other"), "other", [A.public])


def test_a_statement_whose_payload_was_changed_is_refused() -> None:
    with pytest.raises(SignatureError):
        verify_statement(replace(BOTH, payload=b'{"one":2}'), KIND, [A.public])


def test_a_signature_by_another_key_under_the_right_key_id_is_refused() -> None:
    forged = Statement(KIND, b"x").signed_by(B).signatures[0]
    with pytest.raises(SignatureError):
        verify_statement(Statement(KIND, b"x", (replace(forged, key_id=A.key_id),)), KIND, [A.public])


def test_naming_one_key_for_both_custodians_is_refused() -> None:
    with pytest.raises(SignatureError, match="distinct"):
        verify_statement(BOTH, KIND, [A.public, A.public])


def test_naming_no_key_is_refused() -> None:
    with pytest.raises(SignatureError, match="distinct"):
        verify_statement(BOTH, KIND, [])


def test_signing_again_replaces_the_signature() -> None:
    again = BOTH.signed_by(A)
    assert {one.key_id for one in again.signatures} == {A.key_id, B.key_id}
    assert len(again.signatures) == 2


def test_two_signatures_by_one_key_are_refused() -> None:
    signature = BOTH.signatures[0]
    with pytest.raises(MessageError):
        Statement(KIND, b"x", (signature, signature))


def test_a_statement_without_a_type_or_with_too_many_signatures_is_refused() -> None:
    many = tuple(Signature(bytes([index]) * 16, bytes(64)) for index in range(MAX_SIGNATURES + 1))
    with pytest.raises(MessageError):
        Statement(KIND, b"x", many)
    assert Statement(KIND, b"x", many[:-1]).signatures == many[:-1]
    with pytest.raises(MessageError):
        Statement("", b"x")


def test_the_statements_identifier_names_type_and_payload_not_signers() -> None:
    bare = Statement(KIND, b"x")
    assert bare.statement_id == bare.signed_by(A).statement_id
    identifiers = {Statement(KIND, b"x").statement_id, Statement(KIND, b"y").statement_id}
    identifiers |= {Statement(KIND + "x", b"").statement_id, Statement(KIND, b"").statement_id}
    assert len(identifiers) == 4


@given(STATEMENTS)
@settings(max_examples=60, deadline=None)
def test_json_and_wire_forms_come_back_as_they_were(statement: Statement) -> None:
    assert Statement.from_json(statement.to_json()) == statement
    assert Statement.from_proto(statement.to_proto()) == statement


def test_the_json_form_is_that_of_dsse() -> None:
    envelope = json.loads(BOTH.to_json())
    assert set(envelope) == {"payloadType", "payload", "signatures"}
    assert envelope["payload"] == base64.b64encode(b'{"one":1}').decode()
    assert envelope["signatures"][0] == {
        "keyid": A.key_id.hex(),
        "sig": base64.b64encode(BOTH.signatures[0].signature).decode(),
    }


def test_url_safe_base64_and_unrecognized_fields_are_taken_as_dsse_demands() -> None:
    statement = Statement(KIND, b"\xfb\xff")
    envelope = json.loads(statement.to_json())
    envelope["payload"] = base64.urlsafe_b64encode(b"\xfb\xff").decode()
    envelope["more"] = 1
    assert Statement.from_json(json.dumps(envelope)) == statement


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "1",
        "[" * 100_000,
        '{"payloadType":1,"payload":"","signatures":[]}',
        '{"payload":"","signatures":[]}',
        '{"payloadType":"t","payload":"*","signatures":[]}',
        '{"payloadType":"t","payload":"YQ","signatures":[]}',
        '{"payloadType":"t","payload":"é","signatures":[]}',
        '{"payloadType":"t","payload":"","signatures":{}}',
        '{"payloadType":"t","payload":"","signatures":[1]}',
        '{"payloadType":"t","payload":"","signatures":[{"keyid":"zz","sig":""}]}',
        '{"payloadType":"t","payload":"","signatures":[{"keyid":"00","sig":""}]}',
        '{"payloadType":"t","payload":"","signatures":[{"sig":""}]}',
    ],
)
def test_malformed_json_is_refused(text: str) -> None:
    with pytest.raises(MessageError):
        Statement.from_json(text)


def test_a_malformed_wire_form_is_refused() -> None:
    short = types_pb2.SignedStatement(payload_type="t", signatures=[types_pb2.Signature(key_id=b"x")])
    for message in (types_pb2.SignedStatement(), short):
        with pytest.raises(MessageError):
            Statement.from_proto(message)


def test_keys_are_told_apart_and_seeds_not_shown() -> None:
    assert A.key_id == key_id(A.public) != B.key_id
    assert repr(A.seed) not in repr(A)
    assert A.seed.hex() not in repr(A)


def test_a_payload_or_type_longer_than_any_statement_is_refused() -> None:
    Statement("t" * 255, bytes(MAX_PAYLOAD_BYTES))
    with pytest.raises(MessageError):
        Statement("t", bytes(MAX_PAYLOAD_BYTES + 1))
    with pytest.raises(MessageError):
        Statement.from_proto(types_pb2.SignedStatement(payload_type="t", payload=bytes(7 << 20)))
    for payload_type in ("t" * 256, "é" * 128):
        with pytest.raises(MessageError):
            Statement(payload_type, b"")
