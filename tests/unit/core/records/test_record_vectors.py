"""The published vectors of records: every one opens, or is refused as it says; so is what the generator writes now."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from blindplate.core.errors import BlindplateError, ShareError
from blindplate.core.hpke import OpeningKey
from blindplate.core.parties import Custodian
from blindplate.core.records import commitments
from blindplate.core.records.cipher import Binding, RecordKey
from blindplate.core.records.opening import (
    open_attestation,
    open_envelope,
    open_payload,
    open_wire_envelope,
    verify_attestation,
)
from blindplate.core.records.record import SealedRecord
from blindplate.core.records.wire import Wire
from tools.generate_record_vectors import document, main

FOLDER: Final = Path(__file__).parents[3] / "vectors"
VECTORS: Final[dict[str, Any]] = json.loads((FOLDER / "records-v1.json").read_text(encoding="ascii"))
SCHEMA: Final[dict[str, Any]] = json.loads(
    (FOLDER / "schemas" / VECTORS["schema"]).read_text(encoding="ascii")
)
Test = dict[str, Any]


def edited(data: bytes, edits: list[dict[str, Any]]) -> bytes:
    for edit in edits:
        start = edit["offset"]
        data = data[:start] + bytes.fromhex(edit["insert"]) + data[start + edit["remove"] :]
    return data


def open_wire(data: bytes, test: Test) -> Test:
    y, s = open_wire_envelope(Wire.from_bytes(data), key_of(test["windowSeed"]))
    return {"pseudonym": y.hex(), "matchSecret": s.hex()}


def open_custodians(data: bytes, test: Test) -> Test:
    record = SealedRecord.from_bytes(data)
    envelope = open_envelope(record, Custodian(test["custodian"]), key_of(test["seed"]))
    return {
        "share": envelope.share.hex(),
        "openingOfPseudonym": envelope.n_y.hex(),
        "captureTimeMs": envelope.capture_time_ms,
    }


def verify_origin(data: bytes, test: Test) -> Test:
    record = SealedRecord.from_bytes(data)
    attestation = open_attestation(record, Custodian(test["custodian"]), key_of(test["seed"]))
    verify_attestation(record, attestation, bytes.fromhex(test["camera"]))
    return {}


def open_with_three_secrets(data: bytes, test: Test) -> Test:
    share_a, share_b, s = (bytes.fromhex(test[name]) for name in ("shareA", "shareB", "matchSecret"))
    payload = open_payload(SealedRecord.from_bytes(data), share_a, share_b, s)
    return {"payload": payload.SerializeToString(deterministic=True).hex()}


def check_proof(data: bytes, test: Test) -> Test:
    commitments.check_match_proof(SealedRecord.from_bytes(data), bytes.fromhex(test["matchProof"]))
    return {}


def check_pseudonym(data: bytes, test: Test) -> Test:
    y, n_y = bytes.fromhex(test["pseudonym"]), bytes.fromhex(test["openingOfPseudonym"])
    commitments.check_pseudonym(SealedRecord.from_bytes(data), y, n_y)
    return {}


def compute_values(data: bytes, test: Test) -> Test:
    record = SealedRecord.from_bytes(data)
    share_a, share_b, s = (bytes.fromhex(test[name]) for name in ("shareA", "shareB", "matchSecret"))
    header_digest = record.header.digest()
    assert record.c_a == commitments.commit_share(Custodian.A, header_digest, share_a)
    assert record.c_b == commitments.commit_share(Custodian.B, header_digest, share_b)
    assert record.c_s == commitments.commit_match(header_digest, bytes.fromhex(test["matchProof"]))
    binding = Binding(header_digest, record.env_a, record.env_b, record.c_a, record.c_b, record.c_s)
    key = RecordKey.derive(binding, share_a, share_b, s)
    assert record.c_k == key.c_k
    return {
        "headerDigest": header_digest.hex(),
        "leaf": record.leaf().hex(),
        "matchProof": commitments.match_proof(s, header_digest).hex(),
        "dek": key.dek.hex(),
    }


STEPS: Final[dict[str, Callable[[bytes, Test], Test]]] = {
    "RecordValues": compute_values,
    "WireOpen": open_wire,
    "EnvelopeOpen": open_custodians,
    "AttestationVerify": verify_origin,
    "PayloadOpen": open_with_three_secrets,
    "MatchProof": check_proof,
    "PseudonymOpen": check_pseudonym,
}


def key_of(seed: str) -> OpeningKey:
    return OpeningKey.from_seed(bytes.fromhex(seed))


def check(group: dict[str, Any], test: Test) -> None:
    step, data = STEPS[group["type"]], edited(bytes.fromhex(group["data"]), test["edits"])
    if test["result"] == "valid":
        result = step(data, test)
        assert result == {name: test[name] for name in result}
        return
    with pytest.raises(BlindplateError) as caught:
        step(data, test)
    assert caught.value.code == test["error"]
    custodian = caught.value.custodian if isinstance(caught.value, ShareError) else None
    assert custodian == test.get("errorCustodian")


def cases() -> Iterator[Any]:
    for group in VECTORS["testGroups"]:
        for test in group["tests"]:
            yield pytest.param(group, test, id=f"{test['tcId']}-{group['type']}-{test['flags'][0]}")


@pytest.mark.parametrize(("group", "test"), list(cases()))
def test_the_vector_opens_or_is_refused_as_it_says(group: dict[str, Any], test: Test) -> None:
    check(group, test)


def test_what_the_generator_writes_now_holds_too(tmp_path: Path) -> None:
    target = tmp_path / "records.json"
    assert main(["--output", str(target)]) == 0
    written = json.loads(target.read_text(encoding="ascii"))
    Draft202012Validator(SCHEMA).validate(written)
    for group in written["testGroups"]:
        for test in group["tests"]:
            check(group, test)


def test_the_file_has_the_cases_that_the_generator_has() -> None:
    def shape(file: dict[str, Any]) -> list[Any]:
        return [
            (group["type"], [(test["flags"], test.get("comment"), test["result"]) for test in group["tests"]])
            for group in file["testGroups"]
        ]

    fresh = document()
    assert shape(fresh) == shape(VECTORS)
    assert {name: fresh[name] for name in fresh if name != "testGroups"} == {
        name: VECTORS[name] for name in VECTORS if name != "testGroups"
    }


def test_file_fits_its_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(VECTORS)
    assert not Draft202012Validator(SCHEMA).is_valid({**VECTORS, "unknown": 1})


@pytest.mark.parametrize("change", [{"unknown": 1}, {"result": "maybe"}, {"flags": []}, {"edits": [{}]}])
def test_schema_refuses_a_test_of_another_shape(change: dict[str, Any]) -> None:
    for group in VECTORS["testGroups"]:
        broken = {
            **VECTORS,
            "testGroups": [{**group, "tests": [{**group["tests"][0], **change}]}],
        }
        assert not Draft202012Validator(SCHEMA).is_valid(broken)


def test_ids_count_up_and_every_flag_is_noted_and_used() -> None:
    tests = [test for group in VECTORS["testGroups"] for test in group["tests"]]
    assert [test["tcId"] for test in tests] == list(range(1, VECTORS["numberOfTests"] + 1))
    assert {flag for test in tests for flag in test["flags"]} == set(VECTORS["notes"])
