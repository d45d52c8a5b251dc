"""HPKE with X-Wing: the draft's published figures, and nothing opens but what was sealed, where it was sealed."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import EnvelopeError, MessageError
from blindplate.core.hpke import OVERHEAD_BYTES, PUBLIC_BYTES, OpeningKey, SealingKey, generate_seed
from blindplate.core.parties import key_id

FIGURES = json.loads((Path(__file__).parents[2] / "vectors" / "xwing-draft08.json").read_text())
KEY = OpeningKey.from_seed(b"k" * 32)
OTHER = OpeningKey.from_seed(b"o" * 32)
SEALED = KEY.sealing_key().seal(b"plaintext", b"info")


def hpke_ciphertext(shared_secret: bytes, info: bytes, plaintext: bytes) -> bytes:
    """KeySchedule of RFC 9180 section 5.1 in base mode and the first Seal, with X-Wing's code point 0x647a."""
    suite = b"HPKE" + bytes.fromhex("647a00010002")

    def extract(salt: bytes, label: bytes, secret: bytes) -> bytes:
        return hmac.digest(salt, b"HPKE-v1" + suite + label + secret, "sha256")

    def expand(secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
        labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context
        return hmac.digest(secret, labelled + b"\x01", "sha256")[:length]

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared_secret, b"secret", b"")
    nonce = expand(secret, b"base_nonce", context, 12)
    return AESGCM(expand(secret, b"key", context, 32)).encrypt(nonce, plaintext, b"")


def test_the_seed_of_the_draft_expands_to_its_public_key() -> None:
    assert OpeningKey.from_seed(bytes.fromhex(FIGURES["seed"])).public.hex() == FIGURES["public_key"]


def test_the_encapsulation_of_the_draft_gives_its_shared_secret_to_rfc_9180() -> None:
    ciphertext = hpke_ciphertext(bytes.fromhex(FIGURES["shared_secret"]), b"info", b"plaintext")
    key = OpeningKey.from_seed(bytes.fromhex(FIGURES["seed"]))
    assert key.open(bytes.fromhex(FIGURES["encapsulation"]) + ciphertext, b"info") == b"plaintext"


def test_the_seed_expands_by_shake256() -> None:
    scalar = hashlib.shake_256(b"k" * 32).digest(96)[64:]
    public = X25519PrivateKey.from_private_bytes(scalar).public_key().public_bytes_raw()
    assert KEY.public[-32:] == public


@given(st.binary(max_size=100), st.binary(max_size=20))
@settings(max_examples=20, deadline=None)
def test_what_is_sealed_opens(plaintext: bytes, info: bytes) -> None:
    sealed = SealingKey.from_public(KEY.public).seal(plaintext, info)
    assert len(sealed) == len(plaintext) + OVERHEAD_BYTES
    assert KEY.open(sealed, info) == plaintext


def test_the_same_text_is_never_sealed_alike() -> None:
    assert KEY.sealing_key().seal(b"plaintext", b"info") != SEALED


def test_another_key_or_another_info_does_not_open() -> None:
    with pytest.raises(EnvelopeError):
        OTHER.open(SEALED, b"info")
    with pytest.raises(EnvelopeError):
        KEY.open(SEALED, b"inf0")


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_a_flipped_byte_does_not_open(position: int, flip: int) -> None:
    bent = bytearray(SEALED)
    bent[position] ^= flip
    with pytest.raises(EnvelopeError):
        KEY.open(bytes(bent), b"info")


@pytest.mark.parametrize("length", [0, 1, 1119, 1120, 1135, len(SEALED) - 1])
def test_a_truncated_envelope_does_not_open(length: int) -> None:
    with pytest.raises(EnvelopeError):
        KEY.open(SEALED[:length], b"info")


@pytest.mark.parametrize("length", [0, PUBLIC_BYTES - 1, PUBLIC_BYTES + 1])
def test_a_public_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MessageError):
        SealingKey.from_public(bytes(length))


def test_a_public_key_whose_lattice_part_is_out_of_range_is_refused() -> None:
    with pytest.raises(MessageError):
        SealingKey.from_public(b"\xff" * 1184 + KEY.public[1184:])


def test_nothing_is_sealed_to_a_curve_point_of_low_order() -> None:
    with pytest.raises(EnvelopeError):
        SealingKey.from_public(KEY.public[:1184] + bytes(32)).seal(b"plaintext", b"info")


@pytest.mark.parametrize("length", [0, 31, 33, 96])
def test_a_seed_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MessageError):
        OpeningKey.from_seed(bytes(length))


def test_keys_are_told_apart_by_their_identifiers() -> None:
    assert KEY.key_id == key_id(KEY.public) == KEY.sealing_key().key_id
    assert len(KEY.key_id) == 16
    assert KEY.key_id != OTHER.key_id
    assert KEY.sealing_key() == SealingKey.from_public(KEY.public)


def test_fresh_seeds_differ() -> None:
    assert len({generate_seed() for _ in range(4)}) == 4
    assert len(generate_seed()) == 32


def test_no_private_key_is_shown() -> None:
    assert "Private" not in repr(KEY)
