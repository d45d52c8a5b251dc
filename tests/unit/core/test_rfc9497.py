"""The figures of RFC 9497 appendix A.1: the library, this project's module and the tests' own reference meet them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from voprf import ristretto  # the library under the module, which itself only derives keys bound to a domain

from tests.unit.core.rfc9497_reference import Mode, Suite

VECTORS = Path(__file__).parents[2] / "vectors" / "rfc9497-ristretto255-sha512.json"
GROUPS: dict[str, dict[str, Any]] = {
    group["mode"]: group for group in json.loads(VECTORS.read_text())["groups"]
}
CASES = [(Mode[name], case) for name, group in GROUPS.items() for case in group["tests"]]
VERIFIED = [case for mode, case in CASES if mode is Mode.VOPRF]


def unhex(values: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in values]


def scalar(text: str) -> int:
    return int.from_bytes(bytes.fromhex(text), "little")


@pytest.fixture(scope="module")
def evaluator() -> ristretto.Evaluator:
    group = GROUPS["VOPRF"]
    return ristretto.Evaluator.from_seed(bytes.fromhex(group["seed"]), bytes.fromhex(group["key_info"]))


def test_there_is_a_figure_for_each_mode_and_one_of_a_batch() -> None:
    assert set(GROUPS) == {"OPRF", "VOPRF"}
    assert {case["batch"] for case in VERIFIED} == {1, 2}


def test_the_library_derives_the_published_key_pair_of_verifiable_mode(
    evaluator: ristretto.Evaluator,
) -> None:
    assert evaluator.public_key.serialize().hex() == GROUPS["VOPRF"]["public_key"]


@pytest.mark.parametrize("case", VERIFIED)
def test_the_library_evaluates_the_published_inputs(
    evaluator: ristretto.Evaluator, case: dict[str, Any]
) -> None:
    assert [evaluator.evaluate_known_input(one) for one in unhex(case["input"])] == unhex(case["output"])


@pytest.mark.parametrize("case", VERIFIED)
def test_the_library_evaluates_the_published_blinded_elements_with_a_proof_that_holds(
    evaluator: ristretto.Evaluator, case: dict[str, Any]
) -> None:
    blinded = unhex(case["blinded_element"])
    output = evaluator.evaluate_batch(
        [ristretto.BlindedInput.deserialize(one) for one in blinded]
    ).serialize()
    proof, evaluated = output[:64], output[64:]
    assert evaluated == b"".join(unhex(case["evaluation_element"]))
    public = bytes.fromhex(GROUPS["VOPRF"]["public_key"])
    assert Suite(Mode.VOPRF).proof_holds(public, blinded, unhex(case["evaluation_element"]), proof)


@pytest.mark.parametrize(("mode", "case"), CASES)
def test_the_reference_meets_every_figure(mode: Mode, case: dict[str, Any]) -> None:
    suite, group = Suite(mode), GROUPS[mode.name]
    secret, public = suite.derive_key_pair(bytes.fromhex(group["seed"]), bytes.fromhex(group["key_info"]))
    assert secret == scalar(group["secret_key"])
    inputs, blinds = unhex(case["input"]), [scalar(blind) for blind in case["blind"]]
    blinded = [suite.blind(message, blind) for message, blind in zip(inputs, blinds, strict=True)]
    assert blinded == unhex(case["blinded_element"])
    # The mode without proofs has no random scalar; any will do, and the proof is not looked at.
    evaluated, proof = suite.blind_evaluate(secret, blinded, scalar(case.get("proof_random_scalar", "01")))
    assert evaluated == unhex(case["evaluation_element"])
    outputs = [suite.finalize(*one) for one in zip(inputs, blinds, evaluated, strict=True)]
    assert outputs == unhex(case["output"])
    assert outputs == [suite.evaluate(secret, message) for message in inputs]
    if mode is Mode.VOPRF:
        assert public.hex() == group["public_key"]
        assert proof.hex() == case["proof"]
        assert suite.proof_holds(public, blinded, evaluated, proof)
