"""Groups of tests/vectors/ledger-v1.json: what the ledger's formats hold, and every defect by its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final

from tools.ledger_vector_signer import (
    COSIGNATURE,
    ED25519,
    ML_DSA_44,
    Head,
    Signer,
    b64,
    consistency,
    edge,
    inclusion,
    key_id,
    line,
    mth,
    vkey,
)

Test = dict[str, Any]
ORIGIN: Final = "ledger.example/west"
LEDGER: Final = Signer("ledger", ORIGIN, sha256(b"blindplate vectors, ledger").digest())
A: Final = Signer("witness", "custodian-a.example", sha256(b"blindplate vectors, witness A").digest())
B: Final = Signer("witness", "custodian-b.example", sha256(b"blindplate vectors, witness B").digest())
NOW: Final = 1_800_000_000
ENTRIES: Final = [b"%d" % index for index in range(300)]
HEAD: Final = Head(ORIGIN, 300, mth(ENTRIES))


def keys() -> Iterator[Test]:
    """From a seed to a party's two keys."""
    for signer, flag in (
        (LEDGER, "Normal"),
        (A, "Normal"),
        (B, "Normal"),
        (replace(A, name=B.name), "Separation"),
        (replace(LEDGER, role="witness"), "Separation"),
    ):
        yield valid(flag, role=signer.role, name=signer.name, seed=signer.seed.hex(), keys=signer.vkeys())
    for length in (0, 31, 33):
        yield invalid("Length", f"{length} bytes", role="ledger", name=ORIGIN, seed="00" * length)


def verifier_keys() -> Iterator[Test]:
    """Reading a verifier key."""
    public = LEDGER.public(ED25519)
    text, identifier = vkey(ORIGIN, ED25519, public), key_id(ORIGIN, ED25519, public).hex()
    for signer in (LEDGER, A):
        for kind, key in zip(signer.kinds(), signer.vkeys(), strict=True):
            yield valid(
                "Normal",
                text=key,
                name=signer.name,
                kind=kind,
                public=signer.public(kind).hex(),
                keyId=key_id(signer.name, kind, signer.public(kind)).hex(),
            )
    material = b64(bytes([COSIGNATURE]) + public)
    for flag, comment, wrong in (
        ("KeyId", "one bit of it", text.replace(identifier, f"{int(identifier, 16) ^ 1:08x}")),
        ("KeyId", "in capitals", text.replace(identifier, identifier.upper())),
        ("KeyId", "of another kind", f"{ORIGIN}+{identifier}+{material}"),
        ("KeyId", "of another name", text.replace("west", "east")),
        ("Kind", "not in use", vkey(ORIGIN, 2, public)),
        ("Kind", "ML-DSA-44 with an Ed25519 key", vkey(ORIGIN, ML_DSA_44, public)),
        ("Length", "31 bytes", vkey(ORIGIN, ED25519, public[:-1])),
        ("Length", "33 bytes", vkey(ORIGIN, ED25519, public + b"\0")),
        ("Length", "nothing", f"{ORIGIN}+{identifier}+"),
        ("Name", "none", vkey("", ED25519, public)),
        ("Name", "with a space", vkey("led ger", ED25519, public)),
        ("Name", "256 bytes", vkey("n" * 256, ED25519, public)),
        ("Base64", "of the URL's alphabet", f"{ORIGIN}+{identifier}+{'_' * 44}"),
        ("Form", "two parts", text.rsplit("+", 1)[0]),
    ):
        yield invalid(flag, comment, text=wrong)


def checkpoints() -> Iterator[Test]:
    """Reading a checkpoint's text."""
    largest = Head("x" * 255, 2**63 - 1, bytes(32))
    for flag, head in (
        ("Normal", HEAD),
        ("Empty", Head(ORIGIN, 0, sha256(b"").digest())),
        ("Largest", largest),
        ("OriginWithSpaces", Head("the ledger, west", 1, bytes(32))),
    ):
        yield valid(flag, body=head.body(), origin=head.origin, size=str(head.size), root=head.root.hex())
    root = b64(HEAD.root)
    for flag, comment, body in (
        ("Form", "no newline at the end", HEAD.body()[:-1]),
        ("Form", "an extension line", HEAD.body() + "extension\n"),
        ("Form", "two lines", f"{ORIGIN}\n300\n"),
        ("Form", "carriage returns", HEAD.body().replace("\n", "\r\n")),
        ("Name", "no origin", Head("", 300, HEAD.root).body()),
        ("Name", "a control character", Head("a\x7f", 300, HEAD.root).body()),
        ("Name", "256 bytes", Head("x" * 256, 300, HEAD.root).body()),
        ("Size", "a leading zero", f"{ORIGIN}\n0300\n{root}\n"),
        ("Size", "a sign", f"{ORIGIN}\n+300\n{root}\n"),
        ("Size", "below zero", f"{ORIGIN}\n-300\n{root}\n"),
        ("Size", "2^63", Head(ORIGIN, 2**63, HEAD.root).body()),
        ("Size", "hexadecimal", f"{ORIGIN}\n0x12\n{root}\n"),
        ("Length", "a root of 31 bytes", Head(ORIGIN, 300, HEAD.root[:31]).body()),
        ("Base64", "no padding", f"{ORIGIN}\n300\n{root[:-1]}\n"),
        ("Base64", "unused bits set", f"{ORIGIN}\n300\n{loosened(root)}\n"),
        ("Empty", "an empty ledger with another root", Head(ORIGIN, 0, bytes(32)).body()),
    ):
        yield invalid(flag, comment, body=body)


def add_checkpoints() -> Iterator[Test]:
    """Reading what a witness is sent."""
    note = f"{HEAD.body()}\n{LEDGER.line(ED25519, HEAD, NOW)}"
    for old in (0, 1, 256, 299, 300):
        proof = consistency(old, ENTRIES)
        lines = "".join(b64(node) + "\n" for node in proof)
        yield valid(
            "Normal",
            body=f"old {old}\n{lines}\n{note}",
            oldSize=str(old),
            proof=[node.hex() for node in proof],
            note=note,
        )
    node = b64(HEAD.root)
    for flag, comment, body in (
        ("Form", "no empty line", f"old 1\n{node}\n"),
        ("Form", "no old size", f"\n\n{note}"),
        ("Form", "another word", f"new 1\n\n{note}"),
        ("Size", "a leading zero", f"old 01\n\n{note}"),
        ("Size", "2^63", f"old {2**63}\n\n{note}"),
        ("Length", "a node of 31 bytes", f"old 1\n{b64(HEAD.root[:31])}\n\n{note}"),
        ("Base64", "a node with unused bits set", f"old 1\n{loosened(node)}\n\n{note}"),
        ("TooMany", "64 nodes", f"old 1\n{(node + chr(10)) * 64}\n{note}"),
    ):
        yield invalid(flag, comment, body=body)


def trees() -> Iterator[Test]:
    """Roots and right edges, and the bytes that keep an edge."""
    for size in (0, 1, 2, 3, 7, 8, 255, 256, 257, 300):
        yield valid("Normal", size=size, root=mth(ENTRIES[:size]).hex(), edge=edge(ENTRIES[:size]).hex())


def inclusions() -> Iterator[Test]:
    """That entry ``index`` stands in the tree of ``size``."""
    for index, size in (
        (0, 1),
        (0, 2),
        (1, 2),
        (2, 3),
        (5, 7),
        (255, 256),
        (255, 257),
        (256, 257),
        (123, 300),
    ):
        proof = inclusion(index, ENTRIES[:size])
        yield valid("Normal", **inclusion_of(index, size, proof))
    proof = inclusion(123, ENTRIES)
    for flag, comment, index, size, nodes in (
        ("Index", "the next entry's", 124, 300, proof),
        ("Index", "beyond the tree", 300, 300, proof),
        ("Size", "another tree's", 123, 257, proof),
        ("Short", "without its last node", 123, 300, proof[:-1]),
        ("Long", "one node more", 123, 300, [*proof, bytes(32)]),
        ("Order", "the first two nodes change places", 123, 300, [proof[1], proof[0], *proof[2:]]),
        ("Node", "31 bytes", 123, 300, [proof[0][:31], *proof[1:]]),
        ("Node", "a bit of the last", 123, 300, [*proof[:-1], flipped(proof[-1])]),
    ):
        yield invalid(flag, comment, **inclusion_of(index, size, nodes))


def consistencies() -> Iterator[Test]:
    """That the tree of ``oldSize`` is the beginning of that of ``newSize``."""
    sizes = (0, 1, 2, 3, 4, 6, 7, 255, 256, 257, 300)
    for old, new in (*pairwise(sizes), (0, 0), (0, 300), (1, 300), (4, 7), (3, 7), (128, 300), (300, 300)):
        yield valid("Normal", **consistency_of(old, new, consistency(old, ENTRIES[:new])))
    proof = consistency(257, ENTRIES)
    for flag, comment, test in (
        ("Size", "from the larger", consistency_of(300, 257, proof)),
        ("Size", "from another size", {**consistency_of(257, 300, proof), "oldSize": 256}),
        ("Short", "without its last node", consistency_of(257, 300, proof[:-1])),
        ("Short", "no node", consistency_of(257, 300, [])),
        ("Long", "one node more", consistency_of(257, 300, [*proof, bytes(32)])),
        ("Long", "a node from an empty tree", consistency_of(0, 300, [mth(ENTRIES)])),
        ("Long", "a node from a tree to itself", consistency_of(300, 300, [mth(ENTRIES)])),
        ("Node", "a bit of the first", consistency_of(257, 300, [flipped(proof[0]), *proof[1:]])),
        ("Node", "31 bytes", consistency_of(257, 300, [proof[0][:31], *proof[1:]])),
        ("Root", "another old root", {**consistency_of(257, 300, proof), "oldRoot": "00" * 32}),
        ("Root", "another new root", {**consistency_of(257, 300, proof), "newRoot": "00" * 32}),
        ("Root", "two trees of one size", {**consistency_of(300, 300, []), "newRoot": "00" * 32}),
        ("Root", "two empty trees", {**consistency_of(0, 0, []), "newRoot": "00" * 32}),
        ("Root", "a root for nothing", {**consistency_of(0, 300, []), "oldRoot": "00" * 32}),
    ):
        yield invalid(flag, comment, **test)


def inclusion_of(index: int, size: int, proof: list[bytes]) -> Test:
    """The fields of one such test."""
    return {
        "index": index,
        "size": size,
        "root": mth(ENTRIES[:size]).hex(),
        "proof": [node.hex() for node in proof],
    }


def consistency_of(old: int, new: int, proof: list[bytes]) -> Test:
    """The fields of one such test."""
    return {
        "oldSize": old,
        "oldRoot": mth(ENTRIES[:old]).hex(),
        "newSize": new,
        "newRoot": mth(ENTRIES[:new]).hex(),
        "proof": [node.hex() for node in proof],
    }


def valid(flag: str, **fields: Any) -> Test:
    """A test of what must be accepted."""
    return {"flags": [flag], "result": "valid", **fields}


def invalid(flag: str, comment: str, **fields: Any) -> Test:
    """A test of what must be refused."""
    return {"comment": comment, "flags": [flag], "result": "invalid", **fields}


def loosened(text: str) -> str:
    """The same base64 with its last unused bit set."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = text.rstrip("=")
    return f"{body[:-1]}{letters[letters.index(body[-1]) | 1]}{text[len(body) :]}"


def flipped(data: bytes, at: int = 0) -> bytes:
    """One bit of byte ``at``."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def relined(signer: Signer, kind: int, signature: bytes) -> str:
    """A line by that key with another signature."""
    return line(signer.name, key_id(signer.name, kind, signer.public(kind)), signature)
