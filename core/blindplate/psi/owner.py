"""The list owner's side: encrypt a list, open answers.

Guarantees a fresh BFV key for every upload, no public key, and blobs of exactly the size and form the matcher demands.
The secret of an upload opens answers to it and nothing else; it must never leave its owner. A hit tells the bin: which
of the bin's entries it was is known only when the record is claimed. Protocol section 5; docs/spec/match.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from blindplate.core.errors import InputError, MessageError
from blindplate.psi.answer import Answer, unwrap
from blindplate.psi.arithmetic import Integers
from blindplate.psi.blob import Blob, serialise
from blindplate.psi.context import Context, context_for
from blindplate.psi.layout import SALTS_TRIED, Layout, declared
from blindplate.psi.mapping import SALT_BYTES, Places, place, salt_of
from blindplate.psi.parameters import SET_NAMES, ParameterSet, load_set
from blindplate.psi.polynomial import from_roots
from blindplate.psi.randomness import uniform
from blindplate.psi.sealapi import Encryptor, Savable

_VERSION: Final = b"BPU\x01"
_HEAD: Final = struct.Struct(f">4s32sII{SALT_BYTES}s")


@dataclass(frozen=True, slots=True)
class Upload:
    """An encrypted list. ``body`` yields ``layout.blobs`` blobs, once, encrypting as it goes; ``salt`` is public.

    ``secret`` opens the answers; keep it until the last of them is in.
    """

    layout: Layout
    salt: bytes
    body: Iterator[bytes] = field(repr=False)
    secret: bytes = field(repr=False)


class Opened(NamedTuple):
    """A hit: the slot that holds it, which tells the bin, and the match secret of the read."""

    slot: int
    match_secret: bytes


def build_upload(pseudonyms: Sequence[bytes], layout: Layout, parameters: ParameterSet) -> Upload:
    """Encrypt a list of pseudonyms, 32 bytes each, under a fresh key. Repeated ones count once.

    Raises InputError when the entries do not fit the layout under any of twenty salts, which for a list no longer than
    planned has a probability below 2**-40.
    """
    entries = list(dict.fromkeys(pseudonyms))
    context = context_for(parameters)
    key = context.new_key()
    encryptor = context.encryptor(key)
    for _ in range(SALTS_TRIED):
        zero = _blob(context, encryptor.encrypt_zero_symmetric())
        salt = salt_of(zero.seed)
        places = place(entries, salt, layout.bins, parameters.plain_modulus)
        if np.bincount(places.bins, minlength=layout.bins).max() <= layout.degree:
            break
    else:
        raise InputError(
            "The list holds more entries than its layout has room for.",
            "Plan a layout for the number of entries there are.",
        )
    coefficients = _coefficients(places, layout, parameters)
    return Upload(
        layout,
        salt,
        _encrypted(context, encryptor, zero, coefficients),
        _HEAD.pack(_VERSION, parameters.digest, layout.bins, layout.degree, salt) + context.key_bytes(key),
    )


def open_answer(secret: bytes, answer: bytes) -> list[Opened]:
    """The hits in an answer, by slot. Raises MessageError when the answer is malformed or answers another upload."""
    parameters, layout, salt, key = _opened_secret(secret)
    parsed = Answer.from_bytes(answer, parameters)
    if parsed.salt != salt:
        raise MessageError("The answer is to another upload than this secret's.")
    context = context_for(parameters)
    decryptor = context.decryptor(context.load_key(key))
    values = [
        context.decrypt(decryptor, context.ciphertext(halves, context.answer))
        for halves in parsed.lanes(parameters)
    ]
    used = layout.bins * layout.replicas
    found = unwrap(parsed.wrapped[:used], [lane[:used] for lane in values])
    return [Opened(slot, found[slot]) for slot in sorted(found)]


def candidates(secret: bytes, slot: int, pseudonyms: Sequence[bytes]) -> list[int]:
    """Indices of those of the list's ``pseudonyms`` that share the bin owning ``slot``. Raises InputError if none does."""
    parameters, layout, salt, _ = _opened_secret(secret)
    places = place(pseudonyms, salt, layout.bins, parameters.plain_modulus)
    return [int(index) for index in np.nonzero(places.bins == layout.bin_of(slot))[0]]


def _coefficients(places: Places, layout: Layout, parameters: ParameterSet) -> Integers:
    """The bins' coefficients for every slot: (degree, N); shorter bins are filled up with random roots."""
    order = np.argsort(places.bins, kind="stable")
    counts = np.bincount(places.bins, minlength=layout.bins)
    row = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    t = parameters.plain_modulus
    roots = uniform(layout.degree * layout.bins, 1, t).reshape(layout.degree, layout.bins)
    roots[row, places.bins[order]] = places.elements[order]
    by_bin = from_roots(roots, t)
    unowned = layout.slots - layout.bins * layout.replicas
    filling = uniform(layout.degree * unowned, 0, t).reshape(layout.degree, unowned)
    return np.concatenate([np.repeat(by_bin, layout.replicas, axis=1), filling], axis=1)


def _encrypted(context: Context, encryptor: Encryptor, zero: Blob, coefficients: Integers) -> Iterator[bytes]:
    yield serialise(zero, context.parameters)
    for row in coefficients:
        saved = encryptor.encrypt_symmetric(context.encode(row))
        yield serialise(_blob(context, saved), context.parameters)


def _blob(context: Context, encrypted: Savable) -> Blob:
    """SEAL saves a symmetric encryption with the seed in place of its second half."""
    saved = context.saved(encrypted)
    return Blob(saved.residues[0], saved.seed or b"")


def _opened_secret(secret: bytes) -> tuple[ParameterSet, Layout, bytes, bytes]:
    if len(secret) < _HEAD.size or not secret.startswith(_VERSION):
        raise MessageError("The secret kept for this upload is cut short or of another version.")
    _, set_digest, bins, degree, salt = _HEAD.unpack_from(secret)
    for name in SET_NAMES:
        parameters = load_set(name)
        if parameters.digest == set_digest:
            return parameters, declared(bins, degree, parameters), salt, secret[_HEAD.size :]
    raise MessageError("The secret kept for this upload is of a parameter set that is not known here.")
