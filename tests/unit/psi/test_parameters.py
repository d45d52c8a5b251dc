"""Parameter files: what they state is what their numbers give, and a file that lies is refused."""

from __future__ import annotations

import json
from importlib.resources import files
from math import log2
from typing import Any

import pytest

from blindplate.core.errors import ParameterError
from blindplate.psi import context as context_module
from blindplate.psi.context import Context
from blindplate.psi.parameters import SET_NAMES, _chosen, load_set, read_set

HE_STANDARD_BITS = {8192: 218, 16384: 438}  # ternary secret, 128 bits classical, table 1 of the 2018 standard


def stated(name: str = "prompt") -> dict[str, Any]:
    text = files("blindplate.psi").joinpath("sets", f"{name}.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest.mark.parametrize("name", SET_NAMES)
def test_the_files_state_what_their_numbers_give(name: str) -> None:
    parameters = load_set(name)
    assert stated(name)["computed"] == parameters.computed()
    assert parameters.computed()["failure_log2"] <= -36
    assert parameters.computed()["stranger_log2"] <= -33
    assert parameters.computed()["modulus_bits"] <= HE_STANDARD_BITS[parameters.poly_degree]
    assert stated(name)["origin"]


@pytest.mark.parametrize("name", SET_NAMES)
def test_seal_accepts_the_sets_and_orders_their_primes_as_listed(name: str) -> None:
    parameters = load_set(name)
    context = Context(parameters)
    assert context.first != context.answer


def test_the_sets_have_different_digests() -> None:
    assert len({load_set(name).digest for name in SET_NAMES}) == len(SET_NAMES)


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(ParameterError, match="prompt, bulk"):
        load_set("../secrets")


@pytest.mark.parametrize("figure", ["failure_log2", "margin_bits", "blob_bytes", "answer_bytes"])
def test_a_figure_typed_instead_of_computed_is_refused(figure: str) -> None:
    document = stated()
    document["computed"][figure] -= 1
    with pytest.raises(ParameterError, match="do not give"):
        read_set(json.dumps(document))


def _with(**changes: object) -> str:
    """The prompt set with some numbers changed and its figures computed anew, as a careless editor would."""
    document = stated()
    document["chosen"] |= changes
    document["computed"] = _chosen(document["chosen"]).computed()
    return json.dumps(document)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"plain_modulus": (1 << 50) + 1}, "too large for exact products"),
        ({"plain_modulus": 17592186028031}, "no slots"),
        ({"data_primes": [4503599626682369, 8191]}, "data prime"),
        ({"lanes": 2}, "less than 128 bits"),
        ({"answer_primes": 5}, "more primes"),
        ({"anonymity": 32}, "fewer than 64"),
        ({"max_degree": 63}, "fewer than 64"),
    ],
)
def test_a_set_the_code_cannot_carry_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ParameterError, match=complaint):
        read_set(_with(**changes))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1, "chosen": {}, "computed": {}}', "null"])
def test_a_file_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="lacks a field"):
        read_set(text)


@pytest.mark.parametrize("value", ["64", 64.0, None])
def test_a_number_of_another_kind_is_refused(value: object) -> None:
    document = stated()
    document["chosen"]["anonymity"] = value
    with pytest.raises(ParameterError, match="lacks a field"):
        read_set(json.dumps(document))


def test_a_field_too_many_is_refused() -> None:
    document = stated()
    document["chosen"]["relaxed"] = True
    with pytest.raises(ParameterError, match="lacks a field"):
        read_set(json.dumps(document))


def test_noise_grows_with_the_degree_and_failure_with_it() -> None:
    noise = load_set("prompt").noise
    assert noise.deviation(2048) > noise.deviation(64)
    assert noise.failure_log2(2048) > noise.failure_log2(64)
    assert noise.margin_bits(2048) < noise.margin_bits(64)


def test_a_stranger_hits_one_root_in_the_field() -> None:
    parameters = load_set("prompt")
    assert parameters.noise.stranger_log2(128) == pytest.approx(7 - log2(parameters.plain_modulus - 1))


def test_a_set_that_seal_finds_insecure_is_refused() -> None:
    document = stated()
    document["chosen"]["special_prime"] = 1152921504606584833  # 60 bits: 260 in all, 218 are allowed
    document["computed"]["modulus_bits"] = 260
    with pytest.raises(ParameterError, match="SEAL refuses"):
        Context(read_set(json.dumps(document)))


def test_a_chain_in_another_order_than_listed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = context_module._levels
    monkeypatch.setattr(context_module, "_levels", lambda context: levels(context)[1:])
    with pytest.raises(ParameterError, match="orders the primes"):
        Context(load_set("prompt"))
