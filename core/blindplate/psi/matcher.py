"""The matcher's side: take an uploaded list, answer batches of reads.

Guarantees that no byte of an upload reaches SEAL before its length and residues were checked, that the second half of
every ciphertext is expanded here and no public key is taken, and that an answer is of one size and, to whoever holds
the keys, uniform but where a read is on the list. An answer is bytes: a retry sends the same ones and evaluates nothing
anew. Knows nothing of records, epochs or grants. Protocol section 5; docs/spec/match.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from blindplate.core.errors import MessageError, ParameterError, UploadError
from blindplate.psi.answer import Answer, wrap
from blindplate.psi.assignment import assign
from blindplate.psi.blob import Blob, parse
from blindplate.psi.context import context_for
from blindplate.psi.evaluation import lanes
from blindplate.psi.layout import Layout
from blindplate.psi.mapping import place, salt_of
from blindplate.psi.mask import encryption_of_zero, masked
from blindplate.psi.parameters import ParameterSet
from blindplate.psi.randomness import uniform
from blindplate.psi.sealapi import Ciphertext


@dataclass(frozen=True, slots=True)
class LoadedList:
    """A list ready to be matched: ciphertexts in NTT form, the encryption of zero at the level of answers.

    Holds SEAL's objects, so it stays in the process that loaded it: about 16 bytes a prime, slot and degree.
    """

    parameters: ParameterSet
    layout: Layout
    salt: bytes
    zero: Ciphertext = field(repr=False)
    coefficients: tuple[Ciphertext, ...] = field(repr=False)


class Batch(NamedTuple):
    """``answer`` to send; read ``placed[i]`` took ``slots[i]``; the reads ``waiting`` found no slot. Indices of reads."""

    answer: bytes
    placed: list[int]
    slots: list[int]
    waiting: list[int]


class Loader:
    """Takes an upload blob by blob: the encryption of zero, then the coefficients, lowest first.

    Loading one costs milliseconds; ``check_blob`` costs less and needs no SEAL.
    """

    def __init__(self, parameters: ParameterSet, layout: Layout) -> None:
        self._context = context_for(parameters)
        self._layout = layout
        self._salt = b""
        self._loaded: list[Ciphertext] = []

    def take(self, body: bytes) -> None:
        """Check and load the next blob. Raises UploadError for one too many or one not of the exact form."""
        if len(self._loaded) >= self._layout.blobs:
            raise UploadError("An upload holds more ciphertexts than its degree calls for.")
        first_half, seed = parse(body, self._context.parameters)
        try:
            ciphertext = self._context.seeded(first_half, seed)
        except ParameterError as error:
            raise UploadError("SEAL does not load an uploaded ciphertext.") from error
        if self._loaded:
            self._context.evaluator.transform_to_ntt_inplace(ciphertext)
        else:
            self._salt = salt_of(seed)
            ciphertext = encryption_of_zero(self._context, ciphertext)
        self._loaded.append(ciphertext)

    def finish(self) -> LoadedList:
        """The loaded list. Raises UploadError when ciphertexts are missing."""
        if len(self._loaded) != self._layout.blobs:
            raise UploadError("An upload holds fewer ciphertexts than its degree calls for.")
        zero, *coefficients = self._loaded
        return LoadedList(self._context.parameters, self._layout, self._salt, zero, tuple(coefficients))


def check_blob(body: bytes, parameters: ParameterSet) -> Blob:
    """Check one blob without loading it. Raises UploadError unless it is of the exact form."""
    return parse(body, parameters)


def load_list(parameters: ParameterSet, layout: Layout, blobs: Iterable[bytes]) -> LoadedList:
    """Load a whole upload. Raises UploadError unless it is exactly what its layout calls for."""
    loader = Loader(parameters, layout)
    for body in blobs:
        loader.take(body)
    return loader.finish()


def answer_batch(loaded: LoadedList, pseudonyms: Sequence[bytes], secrets: Sequence[bytes]) -> Batch:
    """Match one batch of reads: pseudonyms of 32 bytes, each with its secret of 16. Raises MessageError otherwise.

    Reads that find no slot are named in ``waiting``; free slots hold dummies. Hits change neither
    the time taken nor the answer's size.
    """
    if len(pseudonyms) != len(secrets):
        raise MessageError("There are not as many match secrets as pseudonyms.")
    parameters, context = loaded.parameters, context_for(loaded.parameters)
    places = place(pseudonyms, loaded.salt, loaded.layout.bins, parameters.plain_modulus)
    placed, slots, waiting = assign(places.bins, loaded.layout)
    taken: list[int] = placed.tolist()
    # Every slot is a dummy until a read takes it.
    elements = uniform(parameters.poly_degree, 1, parameters.plain_modulus)
    elements[slots] = places.elements[placed]
    hidden = [masked(context, loaded.zero, lane) for lane in lanes(context, loaded.coefficients, elements)]
    wrapped = wrap(
        [secrets[read] for read in taken],
        slots,
        [lane.sigma for lane in hidden],
        parameters.poly_degree,
    )
    answer = Answer(
        loaded.salt,
        tuple(lane.seed for lane in hidden),
        np.stack([lane.second_half for lane in hidden]),
        wrapped,
    )
    return Batch(answer.to_bytes(parameters), taken, slots.tolist(), waiting.tolist())
