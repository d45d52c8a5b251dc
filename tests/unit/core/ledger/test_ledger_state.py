"""The ledger's state: who may enter what, documents, and that no entry keeps others from being read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.errors import BlindplateError, EntryError, MessageError, SignatureError
from blindplate.core.ledger.entries import document_bytes, entry_bytes
from blindplate.core.ledger.facts import Facts
from blindplate.core.ledger.signers import require_signed
from blindplate.core.ledger.state import LedgerState
from blindplate.core.signing import Signature, SigningKey, Statement
from blindplate.core.statements.cameras import CameraStanding
from blindplate.core.statements.model import StatementModel
from blindplate.core.statements.policies import ZoneRegister
from tests.unit.core.ledger.entering import (
    BATCHES,
    CAMERA,
    CAMERA_COUNTS,
    CUSTODIAN_A,
    CUSTODIAN_B,
    DIGEST,
    DOCUMENT,
    EVERY_KIND,
    GRANT,
    MADE,
    OPERATOR,
    OWNER,
    PARTIES,
    REGISTER,
    REGISTER_ENTRY,
    REQUEST,
    STATUS,
    STRANGER,
    SUSPENSION,
    VERSION,
    changed,
    document_of,
    entered,
    entry_of,
    granted,
    signed,
)

KINDS = [pytest.param(model, signers, id=model.kind) for model, signers in EVERY_KIND]
REGISTERED = entry_of(REGISTER_ENTRY)


def state_before(model: StatementModel) -> LedgerState:
    """A state that takes ``model`` next: every sample before it was entered."""
    state = LedgerState(PARTIES)
    for index, (sample, _) in enumerate(EVERY_KIND):
        if sample is model:
            break
        assert state.apply(index, entry_of(sample), MADE, document_of(sample)).error is None
    return state


@pytest.mark.parametrize(("model", "signers"), KINDS)
def test_every_kind_is_taken_from_whoever_signs_it(
    model: StatementModel, signers: tuple[SigningKey, ...]
) -> None:
    state = state_before(model)
    assert state.check(signed(model, *signers), document_of(model)) == model
    applied = state.apply(50, signed(model, *signers), MADE, document_of(model))
    assert (applied.index, applied.model, applied.error, applied.witnessed_at) == (50, model, None, MADE)


@pytest.mark.parametrize(("model", "signers"), KINDS)
def test_no_kind_is_taken_with_a_signature_missing_exchanged_added_or_broken(
    model: StatementModel, signers: tuple[SigningKey, ...]
) -> None:
    state = state_before(model)
    for fewer in range(len(signers)):
        without = signers[:fewer] + signers[fewer + 1 :]
        refuse_signatures(state, model, *without)
        refuse_signatures(state, model, *without, STRANGER)
    refuse_signatures(state, model, *signers, STRANGER)
    statement = model.statement(*signers)
    broken = Signature(statement.signatures[0].key_id, bytes(64))
    forged = Statement(statement.payload_type, statement.payload, (broken, *statement.signatures[1:]))
    with pytest.raises(SignatureError):
        state.check(entry_bytes(forged), document_of(model))


def refuse_signatures(state: LedgerState, model: StatementModel, *signers: SigningKey) -> None:
    with pytest.raises(SignatureError):
        state.check(signed(model, *signers), document_of(model))


def test_a_custodian_cannot_speak_for_the_other() -> None:
    refuse_signatures(granted(), SUSPENSION, CUSTODIAN_B)


def test_a_signature_of_one_kind_does_not_serve_another() -> None:
    statement = SUSPENSION.statement(CUSTODIAN_A)
    other = Statement(REQUEST.media_type(), statement.payload, statement.signatures)
    assert granted().apply(5, entry_bytes(other), MADE).error is not None


def test_a_list_version_is_signed_by_the_key_of_the_last_amendment() -> None:
    rekeyed = changed(GRANT, amendment=1, owner_key=STRANGER.public)
    state = granted(rekeyed)
    refuse_signatures(state, VERSION, OWNER)
    assert state.check(signed(VERSION, STRANGER)) == VERSION


def test_a_camera_with_two_keys_may_use_either_and_another_zones_none() -> None:
    enrolled = changed(STATUS, standing=CameraStanding.ENROLLED, signing_key=STRANGER.public)
    state = granted(enrolled)
    for signer in (CAMERA, STRANGER):
        assert state.check(signed(CAMERA_COUNTS, signer)) == CAMERA_COUNTS
    elsewhere = changed(CAMERA_COUNTS, zone="outer")
    assert isinstance(entered(state, elsewhere).error, SignatureError)


def test_a_kind_without_signers_is_refused() -> None:
    with pytest.raises(EntryError, match="kind"):
        require_signed(Facts(), PARTIES, DOCUMENT, REGISTER)


def test_a_register_without_its_document_is_refused() -> None:
    with pytest.raises(EntryError, match="document"):
        LedgerState(PARTIES).check(REGISTERED)


@pytest.mark.parametrize(
    ("document", "error"),
    [
        pytest.param(
            document_bytes(changed(REGISTER, generation=2).statement(OPERATOR)), EntryError, id="another"
        ),
        pytest.param(document_bytes(REGISTER.statement(STRANGER)), SignatureError, id="by-a-stranger"),
        pytest.param(document_bytes(REGISTER.statement()), SignatureError, id="unsigned"),
        pytest.param(DOCUMENT.to_json().encode(), MessageError, id="in-another-form"),
        pytest.param(b"", MessageError, id="empty"),
    ],
)
def test_a_register_with_another_document_is_refused(document: bytes, error: type[BlindplateError]) -> None:
    state = LedgerState(PARTIES)
    with pytest.raises(error):
        state.check(REGISTERED, document)
    assert isinstance(state.apply(0, REGISTERED, MADE, document).error, error)
    assert not state.registers


def test_a_document_of_another_kind_than_a_register_is_refused() -> None:
    document = Statement("text/plain", DOCUMENT.payload).signed_by(OPERATOR)
    with pytest.raises(SignatureError):
        LedgerState(PARTIES).open_document(DIGEST, document_bytes(document))


def test_only_a_register_entry_that_could_count_names_a_document() -> None:
    state = LedgerState(PARTIES)
    assert state.document_named(REGISTERED) == DIGEST
    assert state.document_named(signed(REGISTER_ENTRY, STRANGER)) is None
    assert state.document_named(entry_of(STATUS)) is None
    assert granted().document_named(REGISTERED) is None


def test_a_key_that_is_told_twice_is_one_key() -> None:
    enrolled = changed(STATUS, standing=CameraStanding.ENROLLED)
    state = granted(enrolled)
    assert state.check(entry_of(CAMERA_COUNTS)) == CAMERA_COUNTS


def test_a_copy_is_not_changed_by_what_is_applied_later_and_the_reverse() -> None:
    first = granted()
    second = first.copy()
    for model, _ in EVERY_KIND[2:]:
        assert entered(second, model).error is None
    assert not any(
        (first.list_versions, first.requests, first.evaluation_keys, first.policies, first.revoked)
    )
    assert first.grants[GRANT.grant_id].ended_at is None
    assert second.grants[GRANT.grant_id].ended_at == MADE
    assert first.registers.keys() == second.registers.keys()


def test_what_a_state_holds_cannot_be_changed_from_outside() -> None:
    state = granted()
    with pytest.raises(TypeError):
        state.grants["other"] = state.grants[GRANT.grant_id]  # type: ignore[index]  # what must not work


def test_a_refused_entry_changes_nothing_and_those_after_it_count() -> None:
    state = granted()
    applied = state.apply(7, b"\x00", MADE)
    assert isinstance(applied.error, MessageError)
    assert (applied.index, applied.model) == (7, None)
    assert entered(state, VERSION).error is None


ENTRIES = {model.kind: entry_of(model) for model, _ in EVERY_KIND}


@given(
    st.sampled_from(sorted(ENTRIES)).flatmap(
        lambda kind: st.tuples(
            st.just(ENTRIES[kind]),
            st.integers(0, len(ENTRIES[kind]) - 1),
            st.binary(max_size=3),
            st.integers(0, 4),
        )
    )
)
def test_an_altered_entry_never_counts_and_never_raises(altered: tuple[bytes, int, bytes, int]) -> None:
    entry, at, put, instead_of = altered
    changed_entry = entry[:at] + put + entry[at + instead_of :]
    applied = granted(REQUEST).apply(9, changed_entry, MADE, document_bytes(DOCUMENT))
    assert (applied.error is None) == (applied.model is not None)
    if changed_entry != entry:
        assert isinstance(applied.error, BlindplateError)


# Halves of surrogate pairs included, which JSON can write and UTF-8 cannot.
texts = st.text(st.characters(exclude_categories=()), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(EVERY_KIND).flatmap(
        lambda sample: st.tuples(
            st.just(sample),
            st.dictionaries(st.sampled_from(sorted(type(sample[0]).model_fields)), json_values),
        )
    )
)
def test_a_signed_statement_of_any_content_never_raises(
    drawn: tuple[tuple[StatementModel, tuple[SigningKey, ...]], dict[str, object]],
) -> None:
    (model, signers), fields = drawn
    content = json.loads(model.model_dump_json()) | fields
    statement = Statement(model.media_type(), json.dumps(content).encode())
    for signer in signers:
        statement = statement.signed_by(signer)
    applied = granted().apply(9, entry_bytes(statement), MADE)
    assert (applied.error is None) == (applied.model is not None)


@given(st.binary(max_size=200))
def test_a_signed_register_of_any_content_never_raises(payload: bytes) -> None:
    document = Statement(ZoneRegister.media_type(), payload).signed_by(OPERATOR)
    entry = changed(REGISTER_ENTRY, register_digest=b"x" * 32)
    assert LedgerState(PARTIES).apply(0, entry_of(entry), MADE, document_bytes(document)).error is not None


def test_every_party_says_the_same_of_an_entry_whenever_it_was_witnessed() -> None:
    # Witnessed long after everything ended, or before anything was made: the order alone decides.
    for witnessed_at in (0, 1 << 39):
        state = LedgerState(PARTIES)
        for index, (model, _) in enumerate(EVERY_KIND):
            assert state.apply(index, entry_of(model), witnessed_at, document_of(model)).error is None


def test_batches_are_checked_where_they_are_not_passed_over() -> None:
    state = granted()
    assert entered(state, BATCHES).model == BATCHES
    assert isinstance(state.apply(9, signed(BATCHES, OPERATOR), MADE).error, SignatureError)
