"""Evaluation at once and in processes: one result, and no process left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from blindplate.core.domains import Domain
from blindplate.core.errors import MessageError, OverloadedError, UnavailableError
from blindplate.core.pseudonyms import Blinding, DomainKey
from blindplate.server.custodian.evaluator import INLINE, LARGE_AT_ONCE, Evaluator

SEED = bytes(range(32))
DOMAIN = Domain("police", "inner", 1)


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Evaluator]:
    evaluator = Evaluator(SEED, 1)
    yield evaluator
    evaluator.close()


@pytest.mark.parametrize("size", [1, INLINE, INLINE + 1])
def test_the_proof_holds_and_the_output_is_the_keys(evaluator: Evaluator, size: int) -> None:
    inputs = [b"plate %d" % number for number in range(size)]
    blinding = Blinding.blind(inputs)
    evaluated, proof = evaluator.evaluate(DOMAIN, blinding.blinded)
    outputs = blinding.finalize(evaluated, proof, evaluator.public(DOMAIN))
    key = DomainKey.derive(SEED, DOMAIN)
    assert outputs[0] == key.evaluate(inputs[0])
    assert outputs[-1] == key.evaluate(inputs[-1])


@pytest.mark.parametrize("size", [1, INLINE + 1])
def test_an_invalid_element_is_a_message_error_either_way(evaluator: Evaluator, size: int) -> None:
    with pytest.raises(MessageError):
        evaluator.evaluate(DOMAIN, [bytes(32)] * size)


def test_only_so_many_large_batches_at_once(evaluator: Evaluator) -> None:
    held = [evaluator.place(INLINE + 1) for _ in range(LARGE_AT_ONCE)]
    for place in held:
        place.__enter__()
    with pytest.raises(OverloadedError), evaluator.place(INLINE + 1):
        pass
    with evaluator.place(INLINE):
        pass
    for place in held:
        place.__exit__(None, None, None)
    with evaluator.place(INLINE + 1):
        pass


def test_a_process_that_dies_is_replaced() -> None:
    evaluator = Evaluator(SEED, 1)
    elements = Blinding.blind([b"x"]).blinded * (INLINE + 1)
    evaluator.start()
    workers = list(evaluator._pool._processes or ())
    os.kill(workers[0], signal.SIGKILL)
    with pytest.raises(UnavailableError):
        evaluator.evaluate(DOMAIN, elements)
    assert len(evaluator.evaluate(DOMAIN, elements)[0]) == INLINE + 1
    evaluator.close()
