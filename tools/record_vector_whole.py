"""Groups of tests/vectors/records-v1.json whose records are made wholly as they should be, or wholly by a bad camera."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.unit.core.records.two_keys import ciphertext_under_two_keys
from tools.record_vector_edits import Case, Group, payload_group, raw
from tools.record_vector_sealer import KEYS, TIME_MS, WINDOW, Plan, make, named, pad


def groups() -> Iterator[Group]:
    """All of these."""
    yield from others_as_they_should_be()
    yield from bad_cameras()


def others_as_they_should_be() -> Iterator[Group]:
    for flag, comment, plan in (
        ("Alternate", "alone in its batch", Plan("alternate", alternate=True, others_in_batch=0)),
        ("Padding", "a plate patch, padded to 2048 bytes", Plan("patch", patch=named("patch", 1500))),
    ):
        yield payload_group(make(plan), [(flag, comment, {}, "", "")])


def bad_cameras() -> Iterator[Group]:
    for flag, comment, plan, error in (
        ("BadCamera", "payload of another time", Plan("late", payload_time_ms=TIME_MS + 1000), "commitment"),
        ("BadCamera", "payload of another camera", Plan("elsewhere", payload_camera="camera-2"), "commitment"),
        ("KeyCommitment", "", Plan("other key", c_k_of_other_key=True), "commitment"),
        ("Padding", "not zeros", Plan("ones", padding=lambda text: pad(text)[:-1] + b"\1"), "message"),
        ("Padding", "a size too large", Plan("large", padding=lambda text: pad(text) + bytes(512)), "message"),
        ("Padding", "a length beyond it", Plan("beyond", padding=lambda text: b"\0\0\2\0" + pad(text)[4:]), "message"),
        ("BadCamera", "no message", Plan("no message", padding=lambda _: pad(b"\xff\xff")), "message"),
    ):  # fmt: skip
        yield payload_group(make(plan), [(flag, comment, {}, error, "")])
    two = make(replace(Plan("two keys"), c_k_of_other_key=True, ciphertext=_two_plates))
    yield payload_group(
        two,
        [
            ("TwoKeys", "the committed shares", {}, "commitment", ""),
            ("TwoKeys", "the other share", {"shareA": two.values["otherShareA"]}, "share", "a"),
        ],
    )
    for x, comment, plan, error in (
        ("a", "envelope with another secret", Plan("secret", other_s_a=True), "share"),
        ("b", "envelope with another time", Plan("time", sealed_time_ms=TIME_MS + 1000), "commitment"),
    ):
        data = raw(make(plan).wire.record)
        inputs = {"custodian": x, "seed": KEYS[x].seed.hex()}
        owner = x if error == "share" else ""
        yield Group("EnvelopeOpen", data, [Case("BadCamera", comment, data, inputs, {}, error, owner)])
    data = raw(make(Plan("unclaimable", other_wire_secret=True)).wire)
    seed = {"windowSeed": WINDOW.seed.hex()}
    comment = "match secret that is not committed"
    yield Group("WireOpen", data, [Case("BadCamera", comment, data, seed, {}, "match-proof")])
    made = make(Plan("false", committed_pseudonym=named("another pseudonym")))
    data = raw(made.wire.record)
    opening = {name: made.values[name] for name in ("pseudonym", "openingOfPseudonym")}
    comment = "a plate's record sealed for another pseudonym"
    yield Group("PseudonymOpen", data, [Case("BadCamera", comment, data, opening, {}, "commitment")])


def _two_plates(key: bytes, other: bytes, associated: bytes) -> bytes:
    texts = b"AB12 CDE".ljust(256), b"XY34 ZZZ".ljust(240)
    return ciphertext_under_two_keys(key, other, *texts, associated)
