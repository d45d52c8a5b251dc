"""The self-test passes for every set and fails when SEAL, or a set, is not what the file says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blindplate.core.errors import MessageError, ParameterError
from blindplate.psi import context as context_module
from blindplate.psi import selftest
from blindplate.psi.arithmetic import Integers
from blindplate.psi.context import Context
from blindplate.psi.frames import Format, Level, ciphertext_frame
from blindplate.psi.noise import NoiseModel
from blindplate.psi.parameters import SET_NAMES, ParameterSet, load_set
from blindplate.psi.sealapi import Ciphertext, Plaintext
from blindplate.psi.selftest import check_format, check_noise, self_test


@pytest.mark.parametrize("name", SET_NAMES)
def test_the_sets_pass(name: str) -> None:
    self_test(load_set(name))


def test_another_format_version_fails(prompt: ParameterSet) -> None:
    with pytest.raises(ParameterError, match="another version"):
        self_test(replace(prompt, seal_format=(4, 1)))


def test_more_noise_than_stated_fails(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that promised four bits more than the evaluation leaves would be caught."""
    stated = NoiseModel.margin_bits
    monkeypatch.setattr(NoiseModel, "margin_bits", lambda self, degree: stated(self, degree) + 4)
    key = context.new_key()
    with pytest.raises(ParameterError, match="more noise"):
        check_noise(context, context.encryptor(key), context.decryptor(key))


def test_the_margin_is_no_more_than_two_bits_too_careful(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight deviations against the largest of 24,576 samples, which lies near four and a half."""
    key = context.new_key()
    measured: list[int] = []
    decryptor = context.decryptor(key)

    class Recorder:
        def decrypt(self, ciphertext: Ciphertext, plain: Plaintext, /) -> None:
            decryptor.decrypt(ciphertext, plain)

        def invariant_noise_budget(self, ciphertext: Ciphertext, /) -> int:
            measured.append(decryptor.invariant_noise_budget(ciphertext))
            return measured[-1]

    check_noise(context, context.encryptor(key), Recorder())
    assert max(measured) <= context.parameters.noise.margin_bits(context.parameters.anonymity) + 2


def test_a_second_half_expanded_in_another_way_fails(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flipped(level: Level, residues: Integers, version: Format, seed: bytes = b"") -> bytes:
        return ciphertext_frame(level, residues, version, seed[::-1])

    monkeypatch.setattr(context_module, "ciphertext_frame", flipped)
    key = context.new_key()
    with pytest.raises(ParameterError, match="does not decrypt"):
        check_format(context, context.encryptor(key), context.decryptor(key))


def test_a_fresh_encryption_without_its_seed_fails(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = Context.saved
    monkeypatch.setattr(Context, "saved", lambda self, ct: replace(saved(self, ct), seed=None))
    key = context.new_key()
    with pytest.raises(ParameterError, match="with its seed"):
        check_format(context, context.encryptor(key), context.decryptor(key))


def test_a_hit_that_does_not_open_fails(prompt: ParameterSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "open_answer", lambda *_: [])
    with pytest.raises(ParameterError, match="did not open"):
        self_test(prompt)


def test_any_refusal_of_its_own_list_fails(prompt: ParameterSet, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MessageError("no")

    monkeypatch.setattr(selftest, "open_answer", refuse)
    with pytest.raises(ParameterError, match="refused"):
        self_test(prompt)
