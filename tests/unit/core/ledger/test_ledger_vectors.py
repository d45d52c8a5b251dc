"""The published vectors of the ledger's formats: the code agrees with each; the generator writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from blindplate.core import merkle
from blindplate.core.errors import MessageError, ProofError, SignatureError
from blindplate.core.ledger.checkpoints import (
    Checkpoint,
    Cosigner,
    LedgerKeys,
    LogSigner,
    verify_checkpoint,
)
from blindplate.core.ledger.notes import Note, SignatureKind, VerifierKey, parse_signature_lines
from blindplate.core.ledger.tree import Frontier
from blindplate.core.ledger.witness_messages import encode_add_checkpoint, parse_add_checkpoint
from blindplate.core.parties import Custodian
from tools.generate_ledger_vectors import main, render
from tools.ledger_vector_cases import LEDGER, A

FOLDER: Final = Path(__file__).parents[3] / "vectors"
VECTORS: Final[dict[str, Any]] = json.loads((FOLDER / "ledger-v1.json").read_text(encoding="ascii"))
SCHEMA: Final[dict[str, Any]] = json.loads(
    (FOLDER / "schemas" / VECTORS["schema"]).read_text(encoding="ascii")
)
GROUPS: Final[dict[str, dict[str, Any]]] = {group["type"]: group for group in VECTORS["testGroups"]}


def vectors_of(kind: str) -> list[Any]:
    return [pytest.param(test, id=f"{test['tcId']}-{test['flags'][0]}") for test in GROUPS[kind]["tests"]]


def nodes(test: dict[str, Any]) -> list[bytes]:
    return [bytes.fromhex(node) for node in test["proof"]]


def pair(texts: list[str]) -> tuple[VerifierKey, VerifierKey]:
    first, second = map(VerifierKey.from_text, texts)
    return first, second


def pinned() -> LedgerKeys:
    group = GROUPS["SignedCheckpoint"]
    witnesses = {Custodian.A: pair(group["witnessA"]), Custodian.B: pair(group["witnessB"])}
    return LedgerKeys(group["origin"], pair(group["log"]), witnesses)


@pytest.mark.parametrize("test", vectors_of("Keys"))
def test_keys_agree(test: dict[str, Any]) -> None:
    make: Callable[[str, bytes], LogSigner | Cosigner] = Cosigner.from_seed
    if test["role"] == "ledger":
        make = LogSigner.from_seed
    if test["result"] == "invalid":
        with pytest.raises(MessageError):
            make(test["name"], bytes.fromhex(test["seed"]))
        return
    signer = make(test["name"], bytes.fromhex(test["seed"]))
    assert [key.to_text() for key in signer.keys] == test["keys"]


@pytest.mark.parametrize("test", vectors_of("VerifierKey"))
def test_verifier_keys_agree(test: dict[str, Any]) -> None:
    if test["result"] == "invalid":
        with pytest.raises(MessageError):
            VerifierKey.from_text(test["text"])
        return
    key = VerifierKey.from_text(test["text"])
    assert key == VerifierKey(test["name"], SignatureKind(test["kind"]), bytes.fromhex(test["public"]))
    assert (key.key_id.hex(), key.to_text()) == (test["keyId"], test["text"])


@pytest.mark.parametrize("test", vectors_of("Checkpoint"))
def test_checkpoints_agree(test: dict[str, Any]) -> None:
    if test["result"] == "invalid":
        with pytest.raises(MessageError):
            Checkpoint.from_body(test["body"])
        return
    checkpoint = Checkpoint.from_body(test["body"])
    assert checkpoint == Checkpoint(test["origin"], int(test["size"]), bytes.fromhex(test["root"]))
    assert checkpoint.body() == test["body"]


@pytest.mark.parametrize("test", vectors_of("Signature"))
def test_signatures_agree(test: dict[str, Any]) -> None:
    key, checkpoint = VerifierKey.from_text(test["key"]), Checkpoint.from_body(test["body"])
    if key in pinned().log:
        signatures = LogSigner.from_seed(LEDGER.name, LEDGER.seed).sign(checkpoint, 1_800_000_000).signatures
    else:
        signatures = Cosigner.from_seed(A.name, A.seed).cosign(checkpoint, int(test["time"]))
    (ours,) = [one for one in signatures if one.is_by(key)]
    (theirs,) = parse_signature_lines(test["line"].encode())
    assert theirs.is_by(key)
    if key.kind is SignatureKind.ML_DSA_44:
        # Ours is randomized: the time is the same, and that the signatures verify is seen of whole notes.
        assert (ours.signature[:8], len(ours.signature)) == (theirs.signature[:8], len(theirs.signature))
    else:
        assert ours == theirs


@pytest.mark.parametrize("test", vectors_of("SignedCheckpoint"))
def test_signed_checkpoints_agree(test: dict[str, Any]) -> None:
    data = test["note"].encode()
    if test["result"] == "invalid":
        with pytest.raises((MessageError, SignatureError)):
            verify_checkpoint(data, pinned())
        return
    verified = verify_checkpoint(data, pinned())
    assert verified.witnessed == {Custodian(name): time for name, time in test["witnessed"].items()}
    assert verified.note.to_bytes() == data


@pytest.mark.parametrize("test", vectors_of("AddCheckpoint"))
def test_requests_to_cosign_agree(test: dict[str, Any]) -> None:
    body = test["body"].encode()
    if test["result"] == "invalid":
        with pytest.raises(MessageError):
            parse_add_checkpoint(body)
        return
    note = Note.from_bytes(test["note"].encode())
    assert parse_add_checkpoint(body) == (int(test["oldSize"]), tuple(nodes(test)), note.to_bytes())
    assert encode_add_checkpoint(int(test["oldSize"]), nodes(test), note) == body


@pytest.mark.parametrize("test", vectors_of("Tree"))
def test_trees_agree(test: dict[str, Any]) -> None:
    entries = [b"%d" % index for index in range(test["size"])]
    frontier = Frontier.empty().appended(map(merkle.leaf_hash, entries))
    assert frontier.root().hex() == merkle.root(entries).hex() == test["root"]
    assert frontier.to_bytes().hex() == test["edge"]


@pytest.mark.parametrize("test", vectors_of("Inclusion"))
def test_inclusion_proofs_agree(test: dict[str, Any]) -> None:
    entry, root = b"%d" % test["index"], bytes.fromhex(test["root"])
    if test["result"] == "invalid":
        with pytest.raises(ProofError):
            merkle.verify_inclusion(entry, test["index"], test["size"], nodes(test), root)
        return
    merkle.verify_inclusion(entry, test["index"], test["size"], nodes(test), root)


@pytest.mark.parametrize("test", vectors_of("Consistency"))
def test_consistency_proofs_agree(test: dict[str, Any]) -> None:
    old, new = (bytes.fromhex(test[name]) for name in ("oldRoot", "newRoot"))
    if test["result"] == "invalid":
        with pytest.raises(ProofError):
            merkle.verify_consistency(test["oldSize"], old, test["newSize"], new, nodes(test))
        return
    merkle.verify_consistency(test["oldSize"], old, test["newSize"], new, nodes(test))


def test_file_fits_its_schema_and_no_unknown_key_does() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(VECTORS)
    assert not Draft202012Validator(SCHEMA).is_valid({**VECTORS, "unknown": 1})


@pytest.mark.parametrize("change", [{"unknown": 1}, {"result": "maybe"}, {"flags": []}, {"tcId": 0}])
@pytest.mark.parametrize("kind", GROUPS)
def test_schema_refuses_a_test_of_another_shape(kind: str, change: dict[str, Any]) -> None:
    group = GROUPS[kind]
    broken = {**VECTORS, "testGroups": [{**group, "tests": [{**group["tests"][0], **change}]}]}
    assert not Draft202012Validator(SCHEMA).is_valid(broken)


def test_ids_count_up_and_every_flag_is_noted_and_used() -> None:
    tests = [test for group in VECTORS["testGroups"] for test in group["tests"]]
    assert [test["tcId"] for test in tests] == list(range(1, VECTORS["numberOfTests"] + 1))
    assert {flag for test in tests for flag in test["flags"]} == set(VECTORS["notes"])


def test_file_is_what_the_generator_writes(tmp_path: Path) -> None:
    assert (FOLDER / "ledger-v1.json").read_text(encoding="ascii") == render()
    target = tmp_path / "ledger.json"
    target.write_text("{}", encoding="ascii")
    assert main(["--check", "--output", str(target)]) == 1
    assert main(["--output", str(target)]) == 0
    assert main(["--check", "--output", str(target)]) == 0
