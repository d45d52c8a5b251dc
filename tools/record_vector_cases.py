"""Groups of tests/vectors/records-v1.json: one record, and every defect that it may have on its way, by its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from blindplate.v1 import records_pb2
from tools.record_vector_edits import (
    Case,
    Group,
    Mutation,
    changed,
    flip,
    payload_group,
    put,
    raw,
    secrets_of,
    swap,
)
from tools.record_vector_sealer import CAMERA_PUBLIC, KEYS, TIME_MS, WINDOW, Made, Plan, make, named

BASE: Final = make(Plan("base"))
OTHER: Final = make(Plan("other"))
WITHHELD: Final = make(
    Plan("withheld", discloses_camera=False, list_id="emissions", epoch=(2, 0, 20_833), granularity_ms=60_000)
)
WITHHELD_OTHER: Final = make(
    Plan("withheld other", discloses_camera=False, list_id="emissions", epoch=(2, 0, 20_833))
)


def groups() -> Iterator[Group]:
    """All of these."""
    yield from (values(made) for made in (BASE, WITHHELD))
    yield wires()
    yield from (envelopes(x) for x in "ab")
    yield from (attestations(), withheld_attestations())
    yield payloads()
    yield malformed()
    yield proofs()
    yield pseudonyms()
    yield payload_group(WITHHELD, [("WithheldCamera", "", {}, "", "")])


def values(made: Made) -> Group:
    names = ("headerDigest", "leaf", "matchSecret", "matchProof", "shareA", "shareB", "dek")
    expected = {name: made.values[name] for name in names}
    data = raw(made.wire.record)
    flag = "WithheldCamera" if made is WITHHELD else "Normal"
    return Group("RecordValues", data, [Case(flag, "", data, {}, expected)])


def wires() -> Group:
    data, seed = raw(BASE.wire), {"windowSeed": WINDOW.seed.hex()}
    expected = {name: BASE.values[name] for name in ("pseudonym", "matchSecret")}

    def case(flag: str, comment: str, bent: bytes, error: str) -> Case:
        return Case(flag, comment, bent, seed, {}, error)

    def wire(record: bytes, envelope: bytes | None = None, key: bytes | None = None) -> bytes:
        parsed = records_pb2.Record.FromString(record)
        envelope, key = envelope or BASE.wire.envelope, key or BASE.wire.window_key_id
        return raw(records_pb2.Wire(record=parsed, envelope=envelope, window_key_id=key))

    record = BASE.wire.record
    cases = [
        Case("Normal", "", data, seed, expected),
        case("EnvelopeMoved", "wire envelope", wire(raw(record), envelope=OTHER.wire.envelope), "envelope"),
        case("WrongKey", "window key", wire(raw(record), key=named("no window", 16)), "envelope"),
        case("WrongLength", "wire envelope", wire(raw(record), BASE.wire.envelope[:-1]), "message"),
        case("WrongLength", "window key", wire(raw(record), key=BASE.wire.window_key_id[:-1]), "message"),
        case("UnknownField", "in the wire message", data + b"\xfa\x3f\x01x", "message"),
        case("NotCanonical", "window key twice", data + data[-18:], "message"),
        case("NotCanonical", "window key first", data[-18:] + data[:-18], "message"),
        case("Truncated", "last byte", data[:-1], "message"),
        case("Truncated", "half", data[: len(data) // 2], "message"),
        case("Truncated", "all", b"", "message"),
    ]
    parts = ("header.record_id", "header.c_y", "env_a", "env_b", "c_a", "c_b", "c_s", "c_k", "ciphertext")
    cases += [case("Flipped", part, wire(changed(record, flip(part))), "envelope") for part in parts]
    flipped = bytearray(BASE.wire.envelope)
    flipped[-1] ^= 1
    cases.append(case("Flipped", "wire envelope", wire(raw(record), bytes(flipped)), "envelope"))
    return Group("WireOpen", data, cases)


def envelopes(x: str) -> Group:
    record, upper = BASE.wire.record, x.upper()
    inputs = {"custodian": x, "seed": KEYS[x].seed.hex()}
    expected = {
        "share": BASE.values["share" + upper],
        "openingOfPseudonym": BASE.values["openingOfPseudonym"],
        "captureTimeMs": TIME_MS,
    }

    def case(flag: str, comment: str, mutation: Mutation, error: str) -> Case:
        owner = x if error == "share" else ""
        return Case(flag, comment, changed(record, mutation), inputs, {}, error, owner)

    theirs = getattr(OTHER.wire.record, "env_" + x)
    return Group(
        "EnvelopeOpen",
        raw(record),
        [
            Case("Normal", "", raw(record), inputs, expected),
            case("EnvelopesSwapped", "", swap("env_a", "env_b"), "envelope"),
            case("EnvelopeMoved", "", put("env_" + x, theirs), "envelope"),
            case("CommitmentsSwapped", "", swap("c_a", "c_b"), "share"),
            case("WrongKey", "release key", flip("header.key_id_" + x), "envelope"),
            case("HeaderChanged", "record id", flip("header.record_id"), "envelope"),
            case("HeaderChanged", "alternate", put("header.alternate", True), "share"),
            case("HeaderChanged", "c_y", flip("header.c_y"), "share"),
            case("Flipped", "encapsulation", flip("env_" + x), "envelope"),
            case("Flipped", "tag", flip("env_" + x, -1), "envelope"),
            case("Flipped", "c_" + x, flip("c_" + x), "share"),
        ],
    )


def attestations() -> Group:
    record = BASE.wire.record
    inputs = {"custodian": "a", "seed": KEYS["a"].seed.hex(), "camera": CAMERA_PUBLIC.hex()}

    def case(flag: str, comment: str, mutation: Mutation, error: str) -> Case:
        return Case(flag, comment, changed(record, mutation), inputs, {}, error)

    def bent_path(bent: records_pb2.Record) -> None:
        bent.attestation.path[0] = named("no node")

    def longer_path(bent: records_pb2.Record) -> None:
        bent.attestation.path.append(named("no node"))

    stranger = {**inputs, "camera": named("no key").hex()}
    return Group(
        "AttestationVerify",
        raw(record),
        [
            Case("Normal", "", raw(record), inputs, {}),
            Case("WrongCamera", "", raw(record), stranger, {}, "signature"),
            case("Flipped", "camera's key identifier", flip("attestation.camera_key_id"), "signature"),
            case("Flipped", "signature", flip("attestation.signature"), "signature"),
            case("Flipped", "node of the path", bent_path, "signature"),
            case("Flipped", "record, hence the leaf", flip("c_s"), "signature"),
            case("WrongPlace", "a path too long", longer_path, "proof"),
            case("WrongPlace", "the first leaf", put("attestation.leaf_index", 0), "proof"),
            case("WrongPlace", "a batch of four", put("attestation.batch_size", 4), "proof"),
            case("WrongPlace", "a batch of none", put("attestation.batch_size", 0), "message"),
            case("WrongPlace", "beyond the batch", put("attestation.leaf_index", 3), "message"),
            case("NoOrigin", "", lambda bent: bent.ClearField("attestation"), "signature"),
        ],
    )


def withheld_attestations() -> Group:
    record = WITHHELD.wire.record
    camera = {"camera": CAMERA_PUBLIC.hex()}
    inputs = {x: {"custodian": x, "seed": KEYS[x].seed.hex(), **camera} for x in "ab"}
    theirs = WITHHELD_OTHER.wire.record.sealed_attestation
    cases = [Case("WithheldCamera", "", raw(record), inputs[x], {}) for x in "ab"]
    for flag, comment, mutation, error in [
        ("AttestationMoved", "of another record", put("sealed_attestation.for_a", theirs.for_a), "envelope"),
        (
            "AttestationMoved",
            "of the other custodian",
            put("sealed_attestation.for_a", record.sealed_attestation.for_b),
            "envelope",
        ),
        ("Flipped", "tag", flip("sealed_attestation.for_a", -1), "envelope"),
        ("WrongLength", "a byte less", put("sealed_attestation.for_a", theirs.for_a[:-1]), "message"),
    ]:
        cases.append(Case(flag, comment, changed(record, mutation), inputs["a"], {}, error))
    return Group("AttestationVerify", raw(record), cases)


def payloads() -> Group:
    record, good = BASE.wire.record, secrets_of(BASE)
    theirs = OTHER.wire.record
    bent_a, bent_b = (bytes.fromhex(good[name]) for name in ("shareA", "shareB"))

    def inputs(flag: str, error: str, custodian: str = "", **others: str) -> Case:
        return Case(flag, ", ".join(others), raw(record), good | others, {}, error, custodian)

    def case(flag: str, comment: str, mutation: Mutation, error: str, custodian: str = "") -> Case:
        return Case(flag, comment, changed(record, mutation), good, {}, error, custodian)

    header: list[tuple[str, Mutation]] = [
        ("record id", flip("header.record_id")),
        ("camera reference", flip("header.camera_ref")),
        ("list", put("header.domain.list_id", "stolem")),
        ("zone", put("header.domain.zone", "east")),
        ("generation", put("header.domain.generation", 4)),
        ("epoch", lambda bent: bent.header.epoch.CopyFrom(WITHHELD.wire.record.header.epoch)),
        ("capture time", put("header.capture_time_ms", record.header.capture_time_ms + 1000)),
        ("granularity", put("header.time_granularity_ms", 500)),
        ("alternate", put("header.alternate", True)),
        ("release key of A", flip("header.key_id_a")),
        ("release key of B", flip("header.key_id_b")),
        ("c_y", flip("header.c_y")),
    ]
    flips = [("env_a", "commitment", ""), ("env_b", "commitment", ""), ("c_a", "share", "a")]
    flips += [("c_b", "share", "b"), ("c_s", "match-proof", ""), ("c_k", "commitment", "")]
    return Group(
        "PayloadOpen",
        raw(record),
        [
            Case("Normal", "", raw(record), good, {"payload": BASE.values["payload"]}),
            inputs("ShareOfAnotherRecord", "share", "a", shareA=OTHER.values["shareA"]),
            inputs("ShareOfAnotherRecord", "share", "b", shareB=OTHER.values["shareB"]),
            inputs("FlippedShare", "share", "a", shareA=(bytes([bent_a[0] ^ 1]) + bent_a[1:]).hex()),
            inputs("FlippedShare", "share", "b", shareB=(bent_b[:-1] + bytes([bent_b[-1] ^ 128])).hex()),
            inputs("SharesSwapped", "share", "a", shareA=good["shareB"], shareB=good["shareA"]),
            inputs("WrongMatchSecret", "match-proof", matchSecret=OTHER.values["matchSecret"]),
            case("EnvelopesSwapped", "", swap("env_a", "env_b"), "commitment"),
            case("EnvelopeMoved", "A's", put("env_a", theirs.env_a), "commitment"),
            case("EnvelopeMoved", "B's", put("env_b", theirs.env_b), "commitment"),
            case("CommitmentsSwapped", "", swap("c_a", "c_b"), "share", "a"),
            case("CiphertextMoved", "", put("ciphertext", theirs.ciphertext), "envelope"),
            *(case("HeaderChanged", comment, mutation, "share", "a") for comment, mutation in header),
            *(case("Flipped", name, flip(name), error, owner) for name, error, owner in flips),
            case("Flipped", "ciphertext", flip("ciphertext"), "envelope"),
            case("Flipped", "tag", flip("ciphertext", -1), "envelope"),
        ],
    )


def malformed() -> Group:
    """What must not even be read as a record."""
    record, good = BASE.wire.record, secrets_of(BASE)
    data, last = raw(record), b"\x3a\x20" + record.c_k

    def deep(bent: records_pb2.Record) -> None:
        bent.header.domain.MergeFromString(b"\xfa\x3f\x01x")

    cases = [
        ("UnknownVersion", "version 0", changed(record, put("header.version", 0))),
        ("UnknownVersion", "version 2", changed(record, put("header.version", 2))),
        ("UnknownVersion", "suite 2", changed(record, put("header.suite", 2))),
        ("UnknownField", "in the record", data + b"\xfa\x3f\x01x"),
        ("UnknownField", "in the domain", changed(record, deep)),
        ("NotCanonical", "c_K twice", data + last),
        ("NotCanonical", "c_K first", last + data),
        ("Truncated", "last byte", data[:-1]),
        ("Truncated", "half", data[: len(data) // 2]),
        ("Truncated", "all", b""),
        ("OutOfRange", "granularity 0", changed(record, put("header.time_granularity_ms", 0))),
        ("OutOfRange", "granularity above a day", changed(record, put("header.time_granularity_ms", 86_400_001))),
        ("OutOfRange", "time not rounded", changed(record, put("header.capture_time_ms", TIME_MS))),
        ("OutOfRange", "time outside its epoch", changed(record, put("header.epoch.index", 500_001))),
        ("OutOfRange", "no kind of epoch", changed(record, put("header.epoch.kind", 0))),
        ("OutOfRange", "list in upper case", changed(record, put("header.domain.list_id", "STOLEN"))),
        ("WrongLength", "no ciphertext", changed(record, put("ciphertext", b""))),
    ]  # fmt: skip
    names = ("header.record_id", "header.camera_ref", "header.key_id_a", "header.key_id_b", "header.c_y")
    for name in (*names, "env_a", "env_b", "c_a", "c_b", "c_s", "c_k", "ciphertext"):
        message, _, last_name = name.rpartition(".")
        value = getattr(record.header if message else record, last_name)
        cases.append(("WrongLength", name + ", a byte less", changed(record, put(name, value[:-1]))))
        cases.append(("WrongLength", name + ", a byte more", changed(record, put(name, value + b"\0"))))
    return Group(
        "PayloadOpen",
        data,
        [Case(flag, comment, bent, good, {}, "message") for flag, comment, bent in cases],
    )


def proofs() -> Group:
    data, proof = raw(BASE.wire.record), BASE.values["matchProof"]
    return Group(
        "MatchProof",
        data,
        [
            Case("Normal", "", data, {"matchProof": proof}, {}),
            Case("WrongMatchSecret", "", data, {"matchProof": OTHER.values["matchProof"]}, {}, "match-proof"),
            Case(
                "WrongMatchSecret",
                "the secret itself",
                data,
                {"matchProof": BASE.values["matchSecret"]},
                {},
                "match-proof",
            ),
            Case(
                "HeaderChanged",
                "alternate",
                changed(BASE.wire.record, put("header.alternate", True)),
                {"matchProof": proof},
                {},
                "match-proof",
            ),
        ],
    )


def pseudonyms() -> Group:
    data, names = raw(BASE.wire.record), ("pseudonym", "openingOfPseudonym")
    good = {name: BASE.values[name] for name in names}
    other = {"openingOfPseudonym": OTHER.values["openingOfPseudonym"]}
    return Group(
        "PseudonymOpen",
        data,
        [
            Case("Normal", "", data, good, {}),
            Case("WrongPseudonym", "", data, good | {"pseudonym": named("no y").hex()}, {}, "commitment"),
            Case("WrongPseudonym", "opening", data, good | other, {}, "commitment"),
        ],
    )
