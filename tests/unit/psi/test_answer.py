"""Answers as bytes: versioned, of one exact size, wrapped secrets that open for the right lanes alone."""

from __future__ import annotations

import os

import numpy as np
import pytest

from blindplate.core.encoding import digest
from blindplate.core.errors import MessageError
from blindplate.psi.answer import Answer, pads, unwrap, wrap
from blindplate.psi.parameters import ParameterSet, load_set
from blindplate.psi.randomness import uniform


def _answer(parameters: ParameterSet) -> Answer:
    count = parameters.poly_degree
    halves = [
        np.stack([uniform(count, 0, prime) for prime in parameters.answer_moduli])
        for _ in range(parameters.lanes)
    ]
    wrapped = np.frombuffer(os.urandom(24 * count), np.uint8).reshape(count, 24)
    seeds = tuple(os.urandom(32) for _ in range(parameters.lanes))
    return Answer(os.urandom(16), seeds, np.stack(halves), wrapped)


@pytest.mark.parametrize("name", ["prompt", "bulk"])
def test_answers_survive_the_round_trip(name: str) -> None:
    parameters = load_set(name)
    answer = _answer(parameters)
    body = answer.to_bytes(parameters)
    assert len(body) == parameters.answer_bytes
    again = Answer.from_bytes(body, parameters)
    assert (again.salt, again.seeds) == (answer.salt, answer.seeds)
    assert (again.second_halves == answer.second_halves).all()
    assert (again.wrapped == answer.wrapped).all()
    assert again.to_bytes(parameters) == body


def test_an_answer_cut_short_or_with_trailing_bytes_is_refused(prompt: ParameterSet) -> None:
    body = _answer(prompt).to_bytes(prompt)
    for changed in (b"", body[:-1], body + b"\0"):
        with pytest.raises(MessageError, match="exact size"):
            Answer.from_bytes(changed, prompt)


@pytest.mark.parametrize("position", [0, 3, 4, 35])
def test_an_answer_of_another_version_or_set_is_refused(position: int, prompt: ParameterSet) -> None:
    body = bytearray(_answer(prompt).to_bytes(prompt))
    body[position] ^= 1
    with pytest.raises(MessageError, match="another version"):
        Answer.from_bytes(bytes(body), prompt)


def test_an_answer_with_residues_that_are_not_reduced_is_refused(prompt: ParameterSet) -> None:
    body = bytearray(_answer(prompt).to_bytes(prompt))
    body[148 : 148 + 13] = b"\xff" * 13
    with pytest.raises(MessageError, match="not below its prime"):
        Answer.from_bytes(bytes(body), prompt)


def test_an_answer_does_not_print_what_it_wraps(prompt: ParameterSet) -> None:
    assert "wrapped" not in repr(_answer(prompt))


def test_pads_are_the_labelled_hash_of_the_lanes() -> None:
    lanes = [np.array([value], np.int64) for value in (1, 2, 3)]
    fields = b"".join(value.to_bytes(8, "big") for value in (1, 2, 3))
    assert pads(lanes)[0].tobytes() == digest("match-wrap", fields)[:24]


def test_secrets_open_for_the_right_values_of_all_lanes_alone() -> None:
    total, slots = 64, np.array([3, 40])
    sigmas = [uniform(total, 0, 1 << 44) for _ in range(3)]
    secrets = [os.urandom(16), os.urandom(16)]
    wrapped = wrap(secrets, slots, sigmas, total)
    assert unwrap(wrapped, sigmas) == {3: secrets[0], 40: secrets[1]}
    for lane in range(3):
        wrong = [sigma.copy() for sigma in sigmas]
        wrong[lane][3] += 1
        assert unwrap(wrapped, wrong) == {40: secrets[1]}


def test_a_batch_of_dummies_opens_nothing() -> None:
    sigmas = [uniform(64, 0, 1 << 44) for _ in range(3)]
    assert unwrap(wrap([], np.empty(0, np.int64), sigmas, 64), sigmas) == {}


@pytest.mark.parametrize("length", [0, 15, 17])
def test_a_secret_of_another_length_is_refused(length: int) -> None:
    sigmas = [uniform(4, 0, 1 << 44) for _ in range(3)]
    with pytest.raises(MessageError, match="16 bytes"):
        wrap([bytes(length)], np.array([0]), sigmas, 4)
