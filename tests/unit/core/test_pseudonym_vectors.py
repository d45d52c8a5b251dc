"""The published vectors of pseudonyms: the code and the reference agree with each; the generator writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from blindplate.core.domains import Domain, Epoch, EpochKind, EpochRule
from blindplate.core.errors import MessageError
from blindplate.core.pseudonyms import DomainKey, combine, pseudonym
from tests.unit.core.rfc9497_reference import Mode, Suite
from tools.generate_pseudonym_vectors import main, render

FOLDER: Final = Path(__file__).parents[2] / "vectors"
VECTORS: Final[dict[str, Any]] = json.loads((FOLDER / "pseudonyms-v1.json").read_text(encoding="ascii"))
SCHEMA: Final[dict[str, Any]] = json.loads(
    (FOLDER / "schemas" / VECTORS["schema"]).read_text(encoding="ascii")
)
VOPRF: Final = Suite(Mode.VOPRF)


def vectors_of(kind: str) -> list[Any]:
    groups = [group["tests"] for group in VECTORS["testGroups"] if group["type"] == kind]
    return [pytest.param(test, id=f"{test['tcId']}-{test['flags'][0]}") for tests in groups for test in tests]


def domain_of(test: dict[str, Any]) -> Domain:
    return Domain(test["domain"]["listId"], test["domain"]["zone"], test["domain"]["generation"])


def unhex(values: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in values]


@pytest.mark.parametrize("test", vectors_of("DomainKey"))
def test_domain_keys_agree(test: dict[str, Any]) -> None:
    if test["result"] == "invalid":
        with pytest.raises(MessageError):
            DomainKey.derive(bytes.fromhex(test["seed"]), domain_of(test))
        return
    key = DomainKey.derive(bytes.fromhex(test["seed"]), domain_of(test))
    assert key.domain.encode().hex() == test["domainEncoded"]
    assert key.secret.hex() == test["secret"]
    assert key.public.hex() == test["public"]


@pytest.mark.parametrize("test", vectors_of("BlindEvaluate"))
def test_blinded_evaluations_agree(test: dict[str, Any]) -> None:
    key = DomainKey.from_secret(bytes.fromhex(test["secret"]), domain_of(test))
    blinded = unhex(test["blinded"])
    if test["result"] == "invalid":
        with pytest.raises(MessageError):
            key.blind_evaluate(blinded)
        return
    evaluated, proof = key.blind_evaluate(blinded)
    assert evaluated == unhex(test["evaluated"])
    # Its own random scalar is drawn inside the library: that proof must hold as well as the published one.
    for one in (proof, bytes.fromhex(test["proof"])):
        assert VOPRF.proof_holds(key.public, blinded, evaluated, one)
    assert [key.evaluate(plate) for plate in unhex(test["inputs"])] == unhex(test["outputs"])


@pytest.mark.parametrize("test", vectors_of("VerifyProof"))
def test_proofs_hold_or_not(test: dict[str, Any]) -> None:
    holds = VOPRF.proof_holds(
        bytes.fromhex(test["public"]),
        unhex(test["blinded"]),
        unhex(test["evaluated"]),
        bytes.fromhex(test["proof"]),
    )
    assert holds == (test["result"] == "valid")


@pytest.mark.parametrize("test", vectors_of("Pseudonym"))
def test_pseudonyms_agree(test: dict[str, Any]) -> None:
    domain, plate = domain_of(test), bytes.fromhex(test["plate"])
    epoch = Epoch(
        EpochRule(EpochKind(test["epoch"]["kind"]), test["epoch"]["seconds"]), test["epoch"]["index"]
    )
    assert epoch.encode().hex() == test["epochEncoded"]
    outputs = [
        DomainKey.derive(bytes.fromhex(test[seed]), domain).evaluate(plate) for seed in ("seedA", "seedB")
    ]
    assert outputs == [bytes.fromhex(test["outputA"]), bytes.fromhex(test["outputB"])]
    f = combine(outputs[0], outputs[1], domain)
    assert f.hex() == test["combined"]
    assert pseudonym(f, epoch).hex() == test["pseudonym"]


def test_every_pseudonym_is_another() -> None:
    tests = [
        test for group in VECTORS["testGroups"] if group["type"] == "Pseudonym" for test in group["tests"]
    ]
    assert len({test["pseudonym"] for test in tests}) == len(tests)


@pytest.mark.parametrize("name", ["pseudonyms-v1", "rfc9497-ristretto255-sha512", "xwing-draft08"])
def test_file_fits_its_schema_and_no_unknown_key_does(name: str) -> None:
    schema = json.loads((FOLDER / "schemas" / f"{name}.schema.json").read_text(encoding="ascii"))
    document = json.loads((FOLDER / f"{name}.json").read_text(encoding="ascii"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    assert not Draft202012Validator(schema).is_valid({**document, "unknown": 1})


@pytest.mark.parametrize("change", [{"unknown": 1}, {"result": "maybe"}, {"flags": []}, {"tcId": 0}])
@pytest.mark.parametrize("group", range(4))
def test_schema_refuses_a_test_of_another_shape(group: int, change: dict[str, Any]) -> None:
    first = VECTORS["testGroups"][group]
    broken = {**VECTORS, "testGroups": [{**first, "tests": [{**first["tests"][0], **change}]}]}
    assert not Draft202012Validator(SCHEMA).is_valid(broken)


def test_ids_count_up_and_every_flag_is_noted_and_used() -> None:
    tests = [test for group in VECTORS["testGroups"] for test in group["tests"]]
    assert [test["tcId"] for test in tests] == list(range(1, VECTORS["numberOfTests"] + 1))
    assert {flag for test in tests for flag in test["flags"]} == set(VECTORS["notes"])


def test_file_is_what_the_generator_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = render()
    assert (FOLDER / "pseudonyms-v1.json").read_text(encoding="ascii") == written
    # Evaluating again takes seconds; what is left to see is that it is written and compared.
    monkeypatch.setattr("tools.generate_pseudonym_vectors.render", lambda: written)
    target = tmp_path / "pseudonyms.json"
    target.write_text("{}", encoding="ascii")
    assert main(["--check", "--output", str(target)]) == 1
    assert main(["--output", str(target)]) == 0
    assert main(["--check", "--output", str(target)]) == 0
