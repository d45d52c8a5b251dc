"""SEAL under one parameter set: encoding, ciphertexts in and out, keys.

Guarantees that SEAL accepted the set at 128 bits classical security (its own table, after the homomorphic encryption
standard) and that its chain of levels is the one the set lists. Holds no key. SEAL's bindings save to and load from
paths only; an anonymous memory file (memfd_create, Linux) is such a path without a disk behind it, so nothing,
secret keys least of all, reaches a file system. Protocol section 5; docs/adr/0003.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

import numpy as np

from blindplate.core.errors import ParameterError
from blindplate.psi.arithmetic import Integers
from blindplate.psi.frames import Level, SavedCiphertext, ciphertext_frame, parse_ciphertext, plaintext_frame
from blindplate.psi.parameters import ParameterSet
from blindplate.psi.sealapi import (
    BFV,
    TC128,
    Ciphertext,
    ContextData,
    Decryptor,
    Encryptor,
    Plaintext,
    Savable,
    SEALContext,
    SecretKey,
    new_batch_encoder,
    new_ciphertext,
    new_context,
    new_decryptor,
    new_encryption_parameters,
    new_encryptor,
    new_evaluator,
    new_key_generator,
    new_modulus,
    new_plaintext,
    new_secret_key,
)


class Context:
    """One parameter set inside SEAL. Immutable once made, so threads may share it.

    ``first`` is the level of lists, ``answer`` that of answers, down the chain of primes.
    """

    def __init__(self, parameters: ParameterSet) -> None:
        self.parameters: Final = parameters
        self.seal: Final = _seal_context(parameters)
        self.encoder: Final = new_batch_encoder(self.seal)
        self.evaluator: Final = new_evaluator(self.seal)
        # Its key opens nothing: it decodes ciphertexts whose second half is zero, which decrypt alike under any key.
        self.decoder: Final = self.decryptor(self.new_key())
        levels = _levels(self.seal)
        if [primes for primes, _ in levels] != [
            parameters.data_primes[:count] for count in range(len(parameters.data_primes), 0, -1)
        ]:
            raise ParameterError("SEAL orders the primes of this set in another way than its file.")
        self.first: Final = levels[0][1]
        self.answer: Final = levels[-parameters.answer_primes][1]

    def encode(self, values: Integers) -> Plaintext:
        """Field elements, one a slot (N,), as a plaintext in coefficient form."""
        plain = new_plaintext()
        self.encoder.encode(values.data, plain)
        return plain

    def factor(self, values: Integers) -> Plaintext:
        """Field elements, one a slot (N,), as a plaintext to multiply ciphertexts of the first level by."""
        plain = self.encode(values)
        self.evaluator.transform_to_ntt_inplace(plain, self.first)
        return plain

    def polynomial(self, coefficients: Integers, level: Level) -> Plaintext:
        """A plaintext with these coefficients (N,), signed and small, to multiply ciphertexts of ``level`` by."""
        plain = new_plaintext()
        frame = plaintext_frame(coefficients % self.parameters.plain_modulus, self.parameters.seal_format)
        with _memory(frame) as path:
            plain.load(self.seal, path)
        self.evaluator.transform_to_ntt_inplace(plain, level)
        return plain

    def decode(self, plain: Plaintext) -> Integers:
        """The field elements, one a slot (N,), of a plaintext."""
        return np.array(self.encoder.decode_uint64(plain), np.int64)

    def ciphertext(self, residues: Integers, level: Level) -> Ciphertext:
        """A ciphertext in coefficient form from both its halves: (2, primes of the level, N)."""
        return self._load(ciphertext_frame(level, residues, self.parameters.seal_format))

    def seeded(self, first_half: Integers, seed: bytes) -> Ciphertext:
        """A ciphertext of the first level from its first half (primes, N); SEAL expands the second from ``seed``."""
        return self._load(
            ciphertext_frame(self.first, first_half[None], self.parameters.seal_format, seed),
        )

    def saved(self, ciphertext: Savable) -> SavedCiphertext:
        """What SEAL saves of a ciphertext, as arrays."""
        with _memory(b"") as path:
            ciphertext.save(path)
            return parse_ciphertext(_read(path), self.parameters.seal_format)

    def new_key(self) -> SecretKey:
        """A fresh secret key from SEAL's generator, which the operating system seeds."""
        return new_key_generator(self.seal).secret_key()

    def key_bytes(self, key: SecretKey) -> bytes:
        """A secret key in SEAL's own format, to be kept by whoever made it and nobody else."""
        with _memory(b"") as path:
            key.save(path)
            return _read(path)

    def load_key(self, body: bytes) -> SecretKey:
        """A secret key from ``key_bytes``. Raises ParameterError when SEAL refuses it."""
        key = new_secret_key()
        try:
            with _memory(body) as path:
                key.load(self.seal, path)
        except (RuntimeError, ValueError) as error:
            raise ParameterError("SEAL does not take the secret key kept for this upload.") from error
        return key

    def encryptor(self, key: SecretKey) -> Encryptor:
        """Encrypts under ``key``; there is no public key anywhere."""
        return new_encryptor(self.seal, key)

    def decryptor(self, key: SecretKey) -> Decryptor:
        """Decrypts under ``key``."""
        return new_decryptor(self.seal, key)

    def decrypt(self, decryptor: Decryptor, ciphertext: Ciphertext) -> Integers:
        """The field elements, one a slot (N,), that a ciphertext in coefficient form decrypts to."""
        plain = new_plaintext()
        decryptor.decrypt(ciphertext, plain)
        return self.decode(plain)

    def _load(self, frame: bytes) -> Ciphertext:
        ciphertext = new_ciphertext()
        try:
            with _memory(frame) as path:
                ciphertext.load(self.seal, path)
        except (RuntimeError, ValueError) as error:
            raise ParameterError("SEAL does not load a ciphertext in the form known here.") from error
        return ciphertext


@lru_cache(maxsize=4)
def context_for(parameters: ParameterSet) -> Context:
    """The context of a set, made once a process. Raises ParameterError when SEAL does not accept the set."""
    return Context(parameters)


def _seal_context(parameters: ParameterSet) -> SEALContext:
    chosen = new_encryption_parameters(BFV)
    chosen.set_poly_modulus_degree(parameters.poly_degree)
    chosen.set_coeff_modulus([new_modulus(p) for p in (*parameters.data_primes, parameters.special_prime)])
    chosen.set_plain_modulus(parameters.plain_modulus)
    context = new_context(chosen, True, TC128)
    if not context.parameters_set():
        raise ParameterError(f"SEAL refuses the set {parameters.name}: {context.parameters_error_message()}.")
    return context


def _levels(context: SEALContext) -> list[tuple[tuple[int, ...], Level]]:
    levels: list[tuple[tuple[int, ...], Level]] = []
    data: ContextData | None = context.first_context_data()
    while data is not None:
        levels.append((tuple(prime.value() for prime in data.parms().coeff_modulus()), data.parms_id()))
        data = data.next_context_data()
    return levels


@contextmanager
def _memory(body: bytes) -> Generator[str]:
    """A path to an anonymous memory file that holds ``body`` and is gone afterwards."""
    descriptor = os.memfd_create("seal", os.MFD_CLOEXEC)
    try:
        rest = memoryview(body)
        while rest:
            # A limit on file sizes cuts a write short; the next one then says so.
            rest = rest[os.write(descriptor, rest) :]
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 -- psi imports no pathlib: this is its one anonymous memory file
        return file.read()
