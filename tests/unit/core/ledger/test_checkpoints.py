"""Checkpoints: verified under both kinds by the ledger, witnessed under both kinds by both custodians, or not at all."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import MessageError, SignatureError, UnwitnessedError
from blindplate.core.ledger.checkpoints import (
    MAX_MOMENT,
    MAX_SIZE,
    Checkpoint,
    Cosigner,
    LedgerKeys,
    LogSigner,
    parse_size,
    verify_checkpoint,
)
from blindplate.core.ledger.notes import Note, NoteSignature, SignatureKind, VerifierKey
from blindplate.core.parties import Custodian
from tests.unit.core.ledger.samples import CHECKPOINT, KEYS, LOG, NOW, ORIGIN, WITNESSES, signed

A, B = Custodian.A, Custodian.B
BODY = CHECKPOINT.body()
ORIGINS = (
    st.text(min_size=1, max_size=30).filter(str.isprintable).filter(lambda text: len(text.encode()) < 256)
)


@given(ORIGINS, st.integers(1, MAX_SIZE), st.binary(min_size=32, max_size=32))
def test_bodies_come_back(origin: str, size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin, size, root)
    assert Checkpoint.from_body(checkpoint.body()) == checkpoint


@given(st.text(max_size=80) | st.sampled_from(range(len(BODY))).map(lambda at: BODY[:at] + BODY[at + 1 :]))
def test_a_body_that_parses_is_written_the_same(text: str) -> None:
    try:
        checkpoint = Checkpoint.from_body(text)
    except MessageError:
        return
    assert checkpoint.body() == text


def test_the_published_body_is_read() -> None:
    # The example of C2SP tlog-checkpoint.
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = Checkpoint.from_body(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"


def test_an_empty_ledger_has_the_empty_trees_root() -> None:
    empty = Checkpoint(ORIGIN, 0, sha256(b"").digest())
    assert Checkpoint.from_body(empty.body()) == empty
    with pytest.raises(MessageError):
        Checkpoint(ORIGIN, 0, bytes(32))


ROOT_TEXT = BODY.split("\n")[2]
BODY_DEFECTS = {
    "empty": "",
    "no newline at the end": BODY[:-1],
    "extension line": BODY + "extension\n",
    "empty line at the end": BODY + "\n",
    "no origin": f"\n1\n{ROOT_TEXT}\n",
    "control character in the origin": f"led\x7fger\n1\n{ROOT_TEXT}\n",
    "origin too long": f"{'o' * 256}\n1\n{ROOT_TEXT}\n",
    "leading zero": f"{ORIGIN}\n01\n{ROOT_TEXT}\n",
    "sign": f"{ORIGIN}\n+1\n{ROOT_TEXT}\n",
    "space": f"{ORIGIN}\n1 \n{ROOT_TEXT}\n",
    "negative": f"{ORIGIN}\n-1\n{ROOT_TEXT}\n",
    "digits beyond ASCII": f"{ORIGIN}\n\u0661\n{ROOT_TEXT}\n",
    "size of 2**63": f"{ORIGIN}\n{1 << 63}\n{ROOT_TEXT}\n",
    "size of 20 digits": f"{ORIGIN}\n{10**19}\n{ROOT_TEXT}\n",
    "no size": f"{ORIGIN}\n\n{ROOT_TEXT}\n",
    "root too short": f"{ORIGIN}\n1\nAAAA\n",
    "root not canonical": f"{ORIGIN}\n1\n{ROOT_TEXT[:-2]}J=\n",
    "root without padding": f"{ORIGIN}\n1\n{ROOT_TEXT[:-1]}\n",
}


@pytest.mark.parametrize("text", BODY_DEFECTS.values(), ids=BODY_DEFECTS)
def test_a_body_out_of_form_is_refused(text: str) -> None:
    with pytest.raises(MessageError):
        Checkpoint.from_body(text)


def test_sizes_are_read() -> None:
    assert [parse_size("0"), parse_size(str(MAX_SIZE))] == [0, MAX_SIZE]


def test_a_note_signed_by_all_is_witnessed_by_both() -> None:
    note = signed(a=NOW + 2, b=NOW + 1)
    verified = verify_checkpoint(note.to_bytes(), KEYS)
    assert (verified.checkpoint, verified.note) == (CHECKPOINT, note)
    assert verified.witnessed == {A: NOW + 2, B: NOW + 1}
    assert (verified.require_both(), verified.oldest()) == (NOW + 2, NOW + 1)


@pytest.mark.parametrize(
    ("note", "witnessed"), [(signed(), {}), (signed(a=NOW), {A: NOW}), (signed(b=NOW), {B: NOW})]
)
def test_a_note_by_fewer_holds_but_is_not_witnessed_by_both(
    note: Note, witnessed: dict[Custodian, int]
) -> None:
    verified = verify_checkpoint(note.to_bytes(), KEYS)
    assert verified.witnessed == witnessed
    with pytest.raises(UnwitnessedError):
        verified.require_both()
    with pytest.raises(UnwitnessedError):
        verified.oldest()


@pytest.mark.parametrize("custodian", Custodian)
@pytest.mark.parametrize("kind", [0, 1])
def test_one_kind_of_cosignature_alone_is_no_witness(custodian: Custodian, kind: int) -> None:
    cosignature = WITNESSES[custodian].cosign(CHECKPOINT, NOW)[kind]
    note = signed().with_signatures([cosignature])
    assert verify_checkpoint(note.to_bytes(), KEYS).witnessed == {}


def test_cosignatures_of_two_moments_are_no_witness() -> None:
    witness = WITNESSES[A]
    note = signed().with_signatures(
        (witness.cosign(CHECKPOINT, NOW)[0], witness.cosign(CHECKPOINT, NOW + 1)[1])
    )
    assert verify_checkpoint(note.to_bytes(), KEYS).witnessed == {}


def test_cosignatures_of_no_moment_are_no_witness() -> None:
    # Kind 0x06 by a witness' key for time 0, as an X.509 subtree's would be; the other kind with the same.
    first, second = WITNESSES[A].keys
    ed25519, mldsa = WITNESSES[A]._ed25519, WITNESSES[A]._mldsa
    name, origin = second.name.encode(), ORIGIN.encode()
    timeless = b"cosignature/v1\ntime 0\n" + BODY.encode()
    subtree = b"".join(
        (b"subtree/v1\n\0", bytes([len(name)]), name, bytes(8), bytes([len(origin)]), origin, bytes(8))
    )
    subtree += CHECKPOINT.size.to_bytes(8, "big") + CHECKPOINT.root
    note = signed().with_signatures(
        (
            NoteSignature(first.name, first.key_id, bytes(8) + ed25519.sign(timeless)),
            NoteSignature(second.name, second.key_id, bytes(8) + mldsa.sign(subtree)),
        )
    )
    assert verify_checkpoint(note.to_bytes(), KEYS).witnessed == {}
    with pytest.raises(MessageError):
        WITNESSES[A].cosign(CHECKPOINT, 0)


def test_lines_of_unknown_keys_are_ignored() -> None:
    strangers = Cosigner.from_seed("stranger.example", b"s" * 32).cosign(CHECKPOINT, NOW)
    # Of a known name under an unknown identifier, and the other way round; both twice, and neither a signature.
    known = LOG.keys[0]
    lines = [
        NoteSignature(known.name, b"none", b"s"),
        NoteSignature("stranger.example", known.key_id, b"s"),
    ] * 2
    note = signed(a=NOW, b=NOW)
    note = Note(note.text, (*strangers, *lines, *note.signatures))
    assert verify_checkpoint(note.to_bytes(), KEYS).require_both() == NOW


@pytest.mark.parametrize("missing", range(2))
def test_a_note_without_a_signature_of_the_ledger_is_refused(missing: int) -> None:
    note = signed(a=NOW, b=NOW)
    others = tuple(one for one in note.signatures if not one.is_by(LOG.keys[missing]))
    with pytest.raises(SignatureError):
        verify_checkpoint(Note(note.text, others).to_bytes(), KEYS)


@given(st.integers(0, 5), st.data())
@settings(deadline=None)
def test_one_bit_changed_in_a_known_signature_rejects_the_note(which: int, data: st.DataObject) -> None:
    note = signed(a=NOW, b=NOW)
    signature = bytearray(note.signatures[which].signature)
    signature[data.draw(st.integers(0, len(signature) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    bent = replace(note.signatures[which], signature=bytes(signature))
    with pytest.raises(SignatureError):
        verify_checkpoint(note.with_signatures([bent]).to_bytes(), KEYS)


@pytest.mark.parametrize("which", range(6))
@pytest.mark.parametrize("length", [1, 8, -1])
def test_a_known_signature_cut_short_rejects_the_note(which: int, length: int) -> None:
    note = signed(a=NOW, b=NOW)
    cut = replace(note.signatures[which], signature=note.signatures[which].signature[:length])
    with pytest.raises(SignatureError):
        verify_checkpoint(note.with_signatures([cut]).to_bytes(), KEYS)


@pytest.mark.parametrize("which", range(6))
def test_two_lines_by_one_known_key_reject_the_note(which: int) -> None:
    note = signed(a=NOW, b=NOW)
    doubled = Note(note.text, (*note.signatures, note.signatures[which]))
    with pytest.raises(SignatureError):
        verify_checkpoint(doubled.to_bytes(), KEYS)


@pytest.mark.parametrize(
    "other",
    [replace(CHECKPOINT, size=CHECKPOINT.size + 1), replace(CHECKPOINT, root=b"s" * 32)],
    ids=["size", "root"],
)
@pytest.mark.parametrize("which", range(6))
def test_a_signature_over_another_checkpoint_rejects_the_note(which: int, other: Checkpoint) -> None:
    foreign = signed(other, a=NOW, b=NOW).signatures[which]
    with pytest.raises(SignatureError):
        verify_checkpoint(signed(a=NOW, b=NOW).with_signatures([foreign]).to_bytes(), KEYS)


def test_another_ledgers_checkpoint_is_refused() -> None:
    elsewhere = LogSigner.from_seed("ledger.example/east", b"l" * 32)
    note = elsewhere.sign(replace(CHECKPOINT, origin="ledger.example/east"), NOW)
    with pytest.raises(SignatureError):
        verify_checkpoint(note.to_bytes(), KEYS)
    with pytest.raises(MessageError):
        LOG.sign(replace(CHECKPOINT, origin="ledger.example/east"), NOW)


def test_a_witness_does_not_stand_in_for_the_other() -> None:
    note = signed(a=NOW)
    renamed = [replace(one, name=WITNESSES[B].keys[0].name) for one in WITNESSES[A].cosign(CHECKPOINT, NOW)]
    assert verify_checkpoint(note.with_signatures(renamed).to_bytes(), KEYS).witnessed == {A: NOW}


def test_a_time_beyond_63_bits_rejects_the_note() -> None:
    last = WITNESSES[A].keys[1]
    late = NoteSignature(last.name, last.key_id, b"\x80" + bytes(7) + bytes(2420))
    with pytest.raises(SignatureError, match="out of range"):
        verify_checkpoint(signed().with_signatures([late]).to_bytes(), KEYS)
    for moment in (-1, MAX_MOMENT + 1):
        with pytest.raises(MessageError):
            WITNESSES[A].cosign(CHECKPOINT, moment)
        with pytest.raises(MessageError):
            LOG.sign(CHECKPOINT, moment)


def test_signatures_are_over_what_the_specification_says() -> None:
    (plain, timed), when = LOG.keys, NOW.to_bytes(8, "big")
    first, second = signed().signatures
    Ed25519PublicKey.from_public_bytes(plain.public).verify(first.signature, BODY.encode())
    structure = b"".join(
        (
            b"subtree/v1\n\0\x13ledger.example/west",
            when,
            b"\x13ledger.example/west",
            bytes(8),
            bytes.fromhex("00000000013e2dc3"),
            b"r" * 32,
        )
    )
    assert second.signature[:8] == when
    MLDSA44PublicKey.from_public_bytes(timed.public).verify(second.signature[8:], structure)
    cosignature = WITNESSES[B].cosign(CHECKPOINT, NOW)[0]
    Ed25519PublicKey.from_public_bytes(WITNESSES[B].keys[0].public).verify(
        cosignature.signature[8:], b"cosignature/v1\ntime 1800000000\n" + BODY.encode()
    )


def test_no_two_names_or_parties_have_a_key_in_common() -> None:
    seed = bytes(32)
    keys = [*LogSigner.from_seed("x", seed).keys, *Cosigner.from_seed("x", seed).keys]
    keys += Cosigner.from_seed("y", seed).keys
    assert len({key.public for key in keys}) == len(keys)
    assert LogSigner.from_seed("x", seed).keys == tuple(keys[:2])


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MessageError):
        LogSigner.from_seed("x", bytes(length))
    with pytest.raises(MessageError):
        Cosigner.from_seed("x", bytes(length))


def test_secrets_are_not_shown() -> None:
    assert "rivate" not in repr(LOG) + repr(WITNESSES[A])


def pinned(**changes: tuple[VerifierKey, VerifierKey]) -> LedgerKeys:
    """KEYS with some of the pairs ``log``, ``a`` and ``b`` replaced."""
    pairs = {"log": KEYS.log, "a": KEYS.witnesses[A], "b": KEYS.witnesses[B]} | changes
    return LedgerKeys(ORIGIN, pairs["log"], {A: pairs["a"], B: pairs["b"]})


def renamed(pair: tuple[VerifierKey, VerifierKey], name: str) -> tuple[VerifierKey, VerifierKey]:
    return replace(pair[0], name=name), replace(pair[1], name=name)


PAIR_A, PAIR_B = KEYS.witnesses[A], KEYS.witnesses[B]
KEY_DEFECTS: dict[str, dict[str, tuple[VerifierKey, VerifierKey]]] = {
    "one witness twice": {"b": PAIR_A},
    "one witness twice under two names": {"b": renamed(PAIR_A, PAIR_B[0].name)},
    "two witnesses under one name": {"b": renamed(PAIR_B, PAIR_A[0].name)},
    "half of the other witness": {"b": (replace(PAIR_A[0], name=PAIR_B[0].name), PAIR_B[1])},
    "the ledger as its own witness": {"b": renamed(PAIR_B, ORIGIN)},
    "the ledger under another name": {"log": renamed(KEYS.log, "ledger.example/east")},
    "the ledger with a witness's kind": {"log": (replace(KEYS.log[0], kind=SignatureKind.COSIGNATURE), KEYS.log[1])},
    "a witness with the ledger's kind": {"a": (replace(PAIR_A[0], kind=SignatureKind.ED25519), PAIR_A[1])},
    "kinds the other way round": {"a": (PAIR_A[1], PAIR_A[0])},
    "one kind twice": {"a": (PAIR_A[1], PAIR_A[1])},
    "two names in one pair": {"a": (PAIR_A[0], PAIR_B[1])},
}  # fmt: skip


@pytest.mark.parametrize("changes", KEY_DEFECTS.values(), ids=KEY_DEFECTS)
def test_pinned_keys_that_let_fewer_parties_suffice_are_refused(
    changes: dict[str, tuple[VerifierKey, VerifierKey]],
) -> None:
    with pytest.raises(MessageError):
        pinned(**changes)


def test_pinned_keys_without_a_custodian_are_refused() -> None:
    with pytest.raises(MessageError):
        LedgerKeys(ORIGIN, KEYS.log, {A: KEYS.witnesses[A]})
