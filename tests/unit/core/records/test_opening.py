"""Opening records: what was sealed opens; every defect is refused under its own name."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.encoding import encode
from blindplate.core.errors import (
    BlindplateError,
    CommitmentError,
    EnvelopeError,
    InputError,
    MatchProofError,
    MessageError,
    ProofError,
    SecurityError,
    ShareError,
    SignatureError,
)
from blindplate.core.hpke import OpeningKey
from blindplate.core.parties import Custodian
from blindplate.core.records import commitments, opening
from blindplate.core.records.attestation import Attestation, SealedAttestation, attestation_info
from blindplate.core.records.cipher import Binding, RecordKey
from blindplate.core.records.envelope import envelope_info, pack_envelope
from blindplate.core.records.opening import (
    open_attestation,
    open_envelope,
    open_payload,
    open_wire_envelope,
    verify_attestation,
)
from blindplate.core.records.padding import pad
from blindplate.core.records.record import SealedRecord, digest_of
from blindplate.core.records.wire import Wire
from blindplate.core.signing import SigningKey
from blindplate.v1 import records_pb2
from tests.unit.core.records.samples import (
    CAMERA,
    HIDDEN_CAMERA,
    KEYS,
    NOW_MS,
    PSEUDONYM,
    WINDOW,
    open_all,
    payload,
    whole,
)
from tests.unit.core.records.two_keys import NONCE, ciphertext_under_two_keys

WHOLE, OTHER, HIDDEN = whole(), whole(), whole(HIDDEN_CAMERA)
RECORD, SECRET = WHOLE.sealed.record, WHOLE.sealed.match_secret
A, B = Custodian.A, Custodian.B


def share(record: SealedRecord, custodian: Custodian) -> bytes:
    return open_envelope(record, custodian, KEYS[custodian]).share


SHARE_A, SHARE_B = share(RECORD, A), share(RECORD, B)


def binding(record: SealedRecord) -> Binding:
    return Binding(record.header.digest(), record.env_a, record.env_b, record.c_a, record.c_b, record.c_s)


def resealed(padded: bytes, record: SealedRecord = RECORD) -> SealedRecord:
    """The same record as a camera would have made it that seals these bytes."""
    key = RecordKey.derive(binding(record), share(record, A), share(record, B), SECRET)
    ciphertext = key.encrypt(binding(record), padded)
    return replace(record, ciphertext=ciphertext, ciphertext_digest=digest_of(ciphertext))


def test_what_was_sealed_opens_with_three_secrets() -> None:
    opened = open_all(WHOLE.wire)
    assert (opened.plate, opened.text_as_read, opened.capture_time_ms) == (b"plate", "PL4 TE", NOW_MS)
    assert opened.camera_id == "camera-1"


def test_where_the_camera_is_withheld_it_is_in_no_part_that_the_matcher_or_owner_sees() -> None:
    opened = open_all(HIDDEN.wire)
    assert (opened.camera_id, opened.camera_salt, HIDDEN.wire.record.header.camera_ref) == ("", b"", b"")
    assert CAMERA.key_id not in HIDDEN.wire.to_bytes()
    assert CAMERA.key_id in WHOLE.wire.to_bytes()


def test_the_matcher_gets_pseudonym_and_secret_and_custodians_the_opening_and_the_exact_time() -> None:
    assert open_wire_envelope(WHOLE.wire, WINDOW) == (PSEUDONYM, SECRET)
    envelopes = [open_envelope(RECORD, custodian, KEYS[custodian]) for custodian in Custodian]
    assert {one.capture_time_ms for one in envelopes} == {NOW_MS}
    assert RECORD.header.capture_time_ms == NOW_MS - 123
    for one in envelopes:
        commitments.check_pseudonym(RECORD, PSEUDONYM, one.n_y)


def test_custodians_judge_a_record_without_its_ciphertext() -> None:
    bare = RECORD.without_ciphertext()
    assert open_envelope(bare, A, KEYS[A]).share == SHARE_A
    verify_attestation(bare, open_attestation(bare, A, KEYS[A]), CAMERA.public)
    with pytest.raises(MessageError, match="without its ciphertext"):
        open_payload(bare, SHARE_A, SHARE_B, SECRET)


@pytest.mark.parametrize("custodian", list(Custodian))
def test_share_of_another_record_is_refused_and_its_custodian_named(custodian: Custodian) -> None:
    shares = {A: SHARE_A, B: SHARE_B, custodian: share(OTHER.sealed.record, custodian)}
    with pytest.raises(ShareError) as caught:
        open_payload(RECORD, shares[A], shares[B], SECRET)
    assert caught.value.custodian == custodian.value
    assert f"custodian {custodian.name}" in str(caught.value)


@pytest.mark.parametrize("custodian", list(Custodian))
def test_a_share_with_a_flipped_bit_is_refused_and_its_custodian_named(custodian: Custodian) -> None:
    shares = {A: SHARE_A, B: SHARE_B}
    shares[custodian] = bytes([shares[custodian][0] ^ 1]) + shares[custodian][1:]
    with pytest.raises(ShareError) as caught:
        open_payload(RECORD, shares[A], shares[B], SECRET)
    assert caught.value.custodian == custodian.value


def test_shares_of_a_and_b_swapped_are_refused() -> None:
    with pytest.raises(ShareError):
        open_payload(RECORD, SHARE_B, SHARE_A, SECRET)


def test_envelopes_of_a_and_b_swapped_are_refused() -> None:
    swapped = replace(RECORD, env_a=RECORD.env_b, env_b=RECORD.env_a)
    for custodian in Custodian:
        with pytest.raises(EnvelopeError):
            open_envelope(swapped, custodian, KEYS[custodian])
    with pytest.raises(CommitmentError):
        open_payload(swapped, SHARE_A, SHARE_B, SECRET)


def test_one_custodians_envelope_is_not_the_others_even_under_one_key() -> None:
    both = replace(RECORD, header=replace(RECORD.header, key_id_b=RECORD.header.key_id_a), env_b=RECORD.env_a)
    with pytest.raises(EnvelopeError):
        open_envelope(both, B, KEYS[A])


def test_commitments_of_a_and_b_swapped_are_refused() -> None:
    swapped = replace(RECORD, c_a=RECORD.c_b, c_b=RECORD.c_a)
    with pytest.raises(ShareError):
        open_payload(swapped, SHARE_A, SHARE_B, SECRET)
    with pytest.raises(ShareError):
        open_payload(swapped, SHARE_B, SHARE_A, SECRET)


@pytest.mark.parametrize("custodian", list(Custodian))
def test_envelope_moved_from_another_record_is_refused(custodian: Custodian) -> None:
    moved = replace(RECORD, **{f"env_{custodian.value}": OTHER.sealed.record.envelope(custodian)})  # type: ignore[arg-type]  # bytes
    with pytest.raises(EnvelopeError):
        open_envelope(moved, custodian, KEYS[custodian])


def test_envelope_moved_under_the_record_id_of_another_header_gives_no_share() -> None:
    moved = replace(RECORD, header=replace(RECORD.header, alternate=True))
    with pytest.raises(ShareError):
        open_envelope(moved, A, KEYS[A])


def test_an_envelope_for_another_release_key_is_refused() -> None:
    with pytest.raises(EnvelopeError, match="another release key"):
        open_envelope(RECORD, A, KEYS[B])


def test_an_envelope_whose_exact_time_is_not_the_headers_is_refused() -> None:
    plain = pack_envelope(b"s" * 32, b"n" * 16, NOW_MS + 1000)
    forged = KEYS[A].sealing_key().seal(plain, envelope_info(A, RECORD.header.record_id))
    forged_share = commitments.share_of(b"s" * 32, RECORD.header.digest())
    c_a = commitments.commit_share(A, RECORD.header.digest(), forged_share)
    with pytest.raises(CommitmentError, match="time"):
        open_envelope(replace(RECORD, env_a=forged, c_a=c_a), A, KEYS[A])


def test_wire_envelope_moved_to_another_record_is_refused() -> None:
    moved = Wire(RECORD, OTHER.wire.envelope, OTHER.wire.window_key_id)
    with pytest.raises(EnvelopeError):
        open_wire_envelope(moved, WINDOW)


def test_a_wire_envelope_for_another_window_is_refused() -> None:
    with pytest.raises(EnvelopeError, match="window key"):
        open_wire_envelope(WHOLE.wire, OpeningKey.from_seed(b"v" * 32))


def test_a_wire_envelope_with_a_match_secret_that_could_never_be_claimed_is_refused() -> None:
    envelope = WINDOW.sealing_key().seal(PSEUDONYM + bytes(16), encode("wire", RECORD.leaf()))
    with pytest.raises(MatchProofError):
        open_wire_envelope(replace(WHOLE.wire, envelope=envelope), WINDOW)


def test_wrong_match_secret_or_proof_is_refused() -> None:
    digest = RECORD.header.digest()
    commitments.check_match_proof(RECORD, commitments.match_proof(SECRET, digest))
    with pytest.raises(MatchProofError):
        open_payload(RECORD, SHARE_A, SHARE_B, OTHER.sealed.match_secret)
    with pytest.raises(MatchProofError):
        commitments.check_match_proof(RECORD, commitments.match_proof(bytes(16), digest))
    with pytest.raises(MatchProofError):
        commitments.check_match_proof(RECORD, SECRET)


def test_another_pseudonym_or_opening_is_refused() -> None:
    n_y = open_envelope(RECORD, A, KEYS[A]).n_y
    for y, opening_bytes in ((b"z" * 32, n_y), (PSEUDONYM, bytes(16))):
        with pytest.raises(CommitmentError):
            commitments.check_pseudonym(RECORD, y, opening_bytes)


def test_a_ciphertext_of_another_record_is_refused() -> None:
    other = OTHER.sealed.record
    moved = replace(RECORD, ciphertext=other.ciphertext, ciphertext_digest=other.ciphertext_digest)
    with pytest.raises(EnvelopeError):
        open_payload(moved, SHARE_A, SHARE_B, SECRET)


def test_the_key_commitment_of_another_record_is_refused() -> None:
    with pytest.raises(CommitmentError, match="key"):
        open_payload(replace(RECORD, c_k=OTHER.sealed.record.c_k), SHARE_A, SHARE_B, SECRET)


def test_two_key_ciphertext_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The attack works on AES-GCM as it is, and on this record format with c_K's check taken out."""
    other_share = b"2" * 32
    one = RecordKey.derive(binding(RECORD), SHARE_A, SHARE_B, SECRET)
    other = RecordKey.derive(binding(RECORD), other_share, SHARE_B, SECRET)
    data = encode("record-data", *binding(RECORD).fields(), one.c_k)
    plates = b"AB12 CDE".ljust(256), b"XY34 ZZZ".ljust(240)
    crafted = ciphertext_under_two_keys(one.dek, other.dek, *plates, data)
    record = replace(RECORD, c_k=one.c_k, ciphertext=crafted, ciphertext_digest=digest_of(crafted))
    assert one.decrypt(binding(record), record.c_k, crafted).startswith(b"AB12 CDE")
    assert AESGCM(other.dek).decrypt(NONCE, crafted, data)[256:].startswith(b"XY34 ZZZ")

    def undefended(step: Callable[[], object]) -> object:
        with monkeypatch.context() as patch:
            patch.setattr(commitments, "check_share", lambda *_: None)
            patch.setattr(opening, "unpad", lambda padded: padded)
            return step()

    def open_with_other() -> object:
        return open_payload(record, other_share, SHARE_B, SECRET)

    with pytest.raises(ShareError):
        open_with_other()
    with pytest.raises(CommitmentError, match="key"):
        undefended(open_with_other)
    monkeypatch.setattr(hmac, "compare_digest", lambda *_: True)
    monkeypatch.setattr(RecordKey, "_associated_data", lambda *_: data)
    assert other.decrypt(binding(record), record.c_k, crafted)[256:].startswith(b"XY34 ZZZ")


def test_a_payload_at_odds_with_the_header_is_refused() -> None:
    salt = open_payload(RECORD, SHARE_A, SHARE_B, SECRET).camera_salt
    later, elsewhere, unnamed = payload(), payload(), payload()
    later.capture_time_ms += 1000
    for message in (later, elsewhere):
        message.camera_salt = salt
        message.camera_id = "camera-1"
    elsewhere.camera_id = "camera-2"
    for message in (later, elsewhere, unnamed):
        with pytest.raises(CommitmentError):
            open_payload(resealed(pad(message.SerializeToString())), SHARE_A, SHARE_B, SECRET)


def test_a_payload_that_names_a_camera_its_record_withholds_is_refused() -> None:
    record, secret = HIDDEN.sealed.record, HIDDEN.sealed.match_secret
    key = RecordKey.derive(binding(record), share(record, A), share(record, B), secret)
    message = payload()
    message.camera_id = "camera-1"
    ciphertext = key.encrypt(binding(record), pad(message.SerializeToString()))
    named = replace(record, ciphertext=ciphertext, ciphertext_digest=digest_of(ciphertext))
    with pytest.raises(CommitmentError, match="withholds"):
        open_payload(named, share(record, A), share(record, B), secret)


@pytest.mark.parametrize("padded", [pad(b"\xff\xff"), b"x" * 512])
def test_a_payload_that_is_none_is_refused(padded: bytes) -> None:
    with pytest.raises(MessageError):
        open_payload(resealed(padded), SHARE_A, SHARE_B, SECRET)


def test_a_record_without_a_cameras_signature_is_refused() -> None:
    with pytest.raises(SignatureError, match="no camera"):
        open_attestation(replace(RECORD, origin=None), A, KEYS[A])


def test_an_attestation_by_another_camera_or_of_another_batch_is_refused() -> None:
    mine, others = RECORD.origin, OTHER.sealed.record.origin
    assert isinstance(mine, Attestation)
    assert isinstance(others, Attestation)
    stranger = SigningKey.from_seed(b"z" * 32)
    with pytest.raises(SignatureError, match="another camera"):
        verify_attestation(RECORD, mine, stranger.public)
    with pytest.raises(SignatureError):
        verify_attestation(RECORD, replace(mine, camera_key_id=stranger.key_id), stranger.public)
    with pytest.raises(SignatureError):
        verify_attestation(RECORD, others, CAMERA.public)
    with pytest.raises((SignatureError, ProofError)):
        verify_attestation(RECORD, replace(mine, leaf_index=(mine.leaf_index + 1) % 3), CAMERA.public)
    with pytest.raises((SignatureError, ProofError)):
        verify_attestation(RECORD, replace(mine, batch_size=4), CAMERA.public)
    with pytest.raises(ProofError):
        verify_attestation(RECORD, replace(mine, path=(*mine.path, bytes(32), bytes(32))), CAMERA.public)


def test_a_sealed_attestation_moved_or_swapped_is_refused() -> None:
    record = HIDDEN.sealed.record
    assert isinstance(record.origin, SealedAttestation)
    swapped = replace(record, origin=SealedAttestation(record.origin.for_b, record.origin.for_a))
    other = whole(HIDDEN_CAMERA).sealed.record
    for forged in (swapped, replace(record, origin=other.origin)):
        for custodian in Custodian:
            with pytest.raises(EnvelopeError):
                open_attestation(forged, custodian, KEYS[custodian])


def test_a_sealed_attestation_that_holds_none_is_refused() -> None:
    record = HIDDEN.sealed.record
    assert isinstance(record.origin, SealedAttestation)
    for plain in (pad(b"\xff\xff"), pad(records_pb2.Attestation().SerializeToString()), b"x" * 512):
        sealed = KEYS[A].sealing_key().seal(plain, attestation_info(A, record.header.record_id))
        with pytest.raises(MessageError):
            open_attestation(replace(record, origin=replace(record.origin, for_a=sealed)), A, KEYS[A])


@pytest.mark.parametrize("raw", [WHOLE.wire.to_bytes(), HIDDEN.wire.to_bytes()], ids=["open", "hidden"])
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_byte_flipped_anywhere_in_a_wire_is_refused(raw: bytes, data: st.DataObject) -> None:
    bent = bytearray(raw)
    bent[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises((SecurityError, InputError)):
        open_all(Wire.from_bytes(bytes(bent)))


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_byte_flipped_in_a_claimed_record_is_refused(data: st.DataObject) -> None:
    bent = bytearray(RECORD.to_bytes())
    bent[data.draw(st.integers(0, len(bent) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises((SecurityError, InputError)):
        open_claimed(bytes(bent))


def open_claimed(raw: bytes) -> records_pb2.Payload:
    """What a requester does with a record the matcher handed over and the custodians' shares for it."""
    record = SealedRecord.from_bytes(raw)
    verify_attestation(record, open_attestation(record, A, KEYS[A]), CAMERA.public)
    return open_payload(record, SHARE_A, SHARE_B, SECRET)


def test_no_error_tells_a_plate_a_secret_or_a_pseudonym() -> None:
    told: list[str] = []
    for step in (
        lambda: open_payload(RECORD, SHARE_B, SHARE_A, SECRET),
        lambda: open_payload(RECORD, SHARE_A, SHARE_B, bytes(16)),
        lambda: commitments.check_pseudonym(RECORD, b"z" * 32, b"n" * 16),
    ):
        with pytest.raises(BlindplateError) as caught:
            step()
        told.append(str(caught.value))
    for secret in (SHARE_A, SHARE_B, SECRET, b"z" * 32):
        assert secret.hex() not in " ".join(told)
    shown = repr([WHOLE.sealed.match_secret and WHOLE.sealed, open_envelope(RECORD, A, KEYS[A])])
    for secret in (SECRET, PSEUDONYM, SHARE_A):
        assert repr(secret) not in shown
