"""Hostile uploads: each is refused with a typed error before SEAL sees a byte of it, or cannot be said at all."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable

import numpy as np
import pytest
from tenseal import sealapi

from blindplate.core.errors import UploadError
from blindplate.psi import context as context_module
from blindplate.psi.blob import Blob, parse, serialise
from blindplate.psi.context import Context
from blindplate.psi.frames import ciphertext_frame
from blindplate.psi.layout import declared
from blindplate.psi.matcher import Loader, check_blob, load_list
from blindplate.psi.owner import build_upload
from blindplate.psi.parameters import ParameterSet
from tests.unit.psi.lists import Uploaded


def _forbid_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    """SEAL's loader must not be reached: if it is, the test fails with something other than UploadError."""

    def reached(*_: object) -> None:
        raise AssertionError("bytes of an upload reached SEAL before they were checked")

    monkeypatch.setattr(context_module, "ciphertext_frame", reached)


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    _forbid_seal(monkeypatch)


def _fresh(context: Context) -> sealapi.Ciphertext:
    encrypted = context.encryptor(context.new_key()).encrypt_zero_symmetric()
    saved = context.saved(encrypted)
    return context.seeded(saved.residues[0], saved.seed or b"")


def _saved(context: Context, ciphertext: sealapi.Ciphertext) -> bytes:
    """What SEAL itself writes, compressed as it likes."""
    with context_module._memory(b"") as path:
        ciphertext.save(path)
        return context_module._read(path)


def _size_three(context: Context) -> bytes:
    ciphertext = _fresh(context)
    product = sealapi.Ciphertext()
    sealapi.Evaluator(context.seal).multiply(ciphertext, ciphertext, product)
    assert product.size() == 3
    return _saved(context, product)


def _ntt_form(context: Context) -> bytes:
    ciphertext = _fresh(context)
    context.evaluator.transform_to_ntt_inplace(ciphertext)
    return _saved(context, ciphertext)


def _lower_level(context: Context) -> bytes:
    ciphertext = _fresh(context)
    context.evaluator.mod_switch_to_next_inplace(ciphertext)
    return _saved(context, ciphertext)


def _chosen_second_half(context: Context) -> bytes:
    halves = np.zeros((2, len(context.parameters.data_primes), context.parameters.poly_degree), np.int64)
    return ciphertext_frame(context.first, halves, context.parameters.seal_format)


def _seals_own_seeded_form(context: Context) -> bytes:
    with context_module._memory(b"") as path:
        context.encryptor(context.new_key()).encrypt_zero_symmetric().save(path)
        return context_module._read(path)


def _foreign_level(context: Context) -> bytes:
    half = np.zeros((1, len(context.parameters.data_primes), context.parameters.poly_degree), np.int64)
    return ciphertext_frame([1, 2, 3, 4], half, context.parameters.seal_format, os.urandom(64))


def _public_key(context: Context) -> bytes:
    key = sealapi.PublicKey()
    sealapi.KeyGenerator(context.seal).create_public_key(key)
    with context_module._memory(b"") as path:
        key.save(path)
        return context_module._read(path)


def _compression_bomb(context: Context) -> bytes:
    """A SEAL frame that announces Zstandard and whose 16 run-length blocks would open to two megabytes."""
    body = struct.pack("<IBB", 0xFD2FB528, 0, 0x58) + b"".join(
        struct.pack("<I", 0x20000 << 3 | 1 << 1 | (index == 15))[:3] + b"\0" for index in range(16)
    )
    return struct.pack("<HBBBBHQ", 0xA15E, 16, 4, 3, 2, 0, 16 + len(body)) + body


@pytest.mark.parametrize(
    "craft",
    [
        _size_three,
        _ntt_form,
        _lower_level,
        _chosen_second_half,
        _seals_own_seeded_form,
        _foreign_level,
        _public_key,
        _compression_bomb,
    ],
)
def test_a_ciphertext_of_any_other_form_is_refused_by_its_size(
    craft: Callable[[Context], bytes],
    context: Context,
    prompt: ParameterSet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crafted = craft(context)
    _forbid_seal(monkeypatch)
    with pytest.raises(UploadError, match="exact size"):
        check_blob(crafted, prompt)
    with pytest.raises(UploadError, match="exact size"):
        Loader(prompt, declared(1, 64, prompt)).take(crafted)


@pytest.mark.parametrize("change", [lambda b: b[:0], lambda b: b[:-1], lambda b: b + b"\0", lambda b: b * 2])
def test_a_blob_cut_short_or_with_trailing_bytes_is_refused(
    change: Callable[[bytes], bytes], short: Uploaded, prompt: ParameterSet, unread: None
) -> None:
    with pytest.raises(UploadError, match="exact size"):
        Loader(prompt, short.layout).take(change(short.blobs[0]))


def test_a_residue_that_is_not_reduced_is_refused(
    short: Uploaded, prompt: ParameterSet, unread: None
) -> None:
    with pytest.raises(UploadError, match="not reduced"):
        Loader(prompt, short.layout).take(b"\xff" * 25 + short.blobs[0][25:])


def test_a_ciphertext_too_many_is_refused(short: Uploaded, prompt: ParameterSet) -> None:
    with pytest.raises(UploadError, match="more ciphertexts"):
        load_list(prompt, short.layout, [*short.blobs, short.blobs[1]])


@pytest.mark.parametrize("kept", [0, 1, 64])
def test_a_ciphertext_too_few_is_refused(kept: int, short: Uploaded, prompt: ParameterSet) -> None:
    with pytest.raises(UploadError, match="fewer ciphertexts"):
        load_list(prompt, short.layout, short.blobs[:kept])


def test_what_seal_refuses_all_the_same_is_an_upload_error(
    short: Uploaded, prompt: ParameterSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context_module, "ciphertext_frame", lambda *_: b"no frame at all")
    with pytest.raises(UploadError, match="does not load"):
        Loader(prompt, short.layout).take(short.blobs[0])


def test_what_is_loaded_is_of_the_one_form(short: Uploaded, context: Context) -> None:
    """Size 2, first level, and a second half that is the seed's expansion, whatever the owner would have liked."""
    first_half, seed = parse(short.blobs[1], context.parameters)
    loaded = context.seeded(first_half, seed)
    assert (loaded.size(), loaded.is_ntt_form(), loaded.parms_id()) == (2, False, context.first)
    halves = context.saved(loaded).residues
    assert (halves[0] == first_half).all()
    nothing = context.seeded(np.zeros_like(first_half), seed)
    assert (halves[1] == context.saved(nothing).residues[1]).all()


def test_blobs_survive_the_round_trip(short: Uploaded, prompt: ParameterSet) -> None:
    for body in short.blobs[:3]:
        assert len(body) == prompt.blob_bytes
        assert serialise(Blob(*parse(body, prompt)), prompt) == body


def test_each_upload_has_a_key_a_salt_and_seeds_of_its_own(short: Uploaded, prompt: ParameterSet) -> None:
    again = build_upload(short.entries, short.layout, prompt)
    assert again.secret != short.secret
    assert again.salt != short.salt
    seeds = [body[-64:] for body in (*again.body, *short.blobs)]
    assert len(set(seeds)) == len(seeds)


def test_the_published_shape_does_not_tell_how_many_entries_there_are(
    short: Uploaded, prompt: ParameterSet
) -> None:
    empty = build_upload([], short.layout, prompt)
    assert [len(body) for body in empty.body] == [len(body) for body in short.blobs]
