"""Ciphertexts as SEAL itself can make them, of every form but the one that is taken."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import Final

import numpy as np
from tenseal import sealapi

from blindplate.psi.context import Context, _memory, _read
from blindplate.psi.frames import ciphertext_frame
from blindplate.psi.sealapi import Ciphertext, Savable


def size_three(context: Context) -> bytes:
    """A product: its third part meets the square of the key, which the masks do not cover."""
    product = sealapi.Ciphertext()
    sealapi.Evaluator(context.seal).multiply(_fresh(context), _fresh(context), product)
    assert product.size() == 3
    return _saved(product)


def ntt_form(context: Context) -> bytes:
    """Values in place of coefficients."""
    ciphertext = _fresh(context)
    context.evaluator.transform_to_ntt_inplace(ciphertext)
    return _saved(ciphertext)


def lower_level(context: Context) -> bytes:
    """Fewer primes."""
    ciphertext = _fresh(context)
    context.evaluator.mod_switch_to_next_inplace(ciphertext)
    return _saved(ciphertext)


def chosen_second_half(context: Context) -> bytes:
    """Both halves in full, the second of the owner's choosing."""
    shape = (2, len(context.parameters.data_primes), context.parameters.poly_degree)
    return ciphertext_frame(context.first, np.ones(shape, np.int64), context.parameters.seal_format)


def seeded_frame(context: Context) -> bytes:
    """What SEAL writes for a seeded encryption, compressed, with a header of its own."""
    return _saved(context.encryptor(context.new_key()).encrypt_zero_symmetric())


def public_key(context: Context) -> bytes:
    """A public key of the owner's choosing, in a ciphertext's place."""
    key = sealapi.PublicKey()
    sealapi.KeyGenerator(context.seal).create_public_key(key)
    return _saved(key)


def compression_bomb(context: Context) -> bytes:
    """A frame that announces Zstandard and whose run-length blocks would open to megabytes."""
    blocks = 60
    body = struct.pack("<IBB", 0xFD2FB528, 0, 0x58) + b"".join(
        struct.pack("<I", 0x20000 << 3 | 1 << 1 | (index == blocks - 1))[:3] + b"\0"
        for index in range(blocks)
    )
    return struct.pack("<HBBBBHQ", 0xA15E, 16, *context.parameters.seal_format, 2, 0, 16 + len(body)) + body


def unreduced_residues(context: Context) -> bytes:
    """The exact size, but with residues that are not below their primes."""
    return b"\xff" * (context.parameters.blob_bytes - 64) + os.urandom(64)


def one_byte_more(context: Context) -> bytes:
    """A byte that nobody would read."""
    return bytes(context.parameters.blob_bytes + 1)


FOREIGN: Final[tuple[Callable[[Context], bytes], ...]] = (
    size_three,
    ntt_form,
    lower_level,
    chosen_second_half,
    seeded_frame,
    public_key,
    compression_bomb,
    unreduced_residues,
    one_byte_more,
)


def _fresh(context: Context) -> Ciphertext:
    saved = context.saved(context.encryptor(context.new_key()).encrypt_zero_symmetric())
    return context.seeded(saved.residues[0], saved.seed or b"")


def _saved(thing: Savable) -> bytes:
    with _memory(b"") as path:
        thing.save(path)
        return _read(path)
