"""Writes tests/vectors/media-v1.json. Run it as ``python -m tools.generate_media_vectors``.

Seals from docs/spec/records.md section 8 alone and imports nothing of blindplate. Media are long, so the file has no
bytes of them: content comes of a rule, and what was sealed is told by its SHA-256. The same file each time.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256, shake_128
from itertools import count
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tools.labelled_fields import derive, digest, encode

VECTORS: Final = Path(__file__).parent.parent / "tests" / "vectors" / "media-v1.json"
CHUNK: Final = 65_536
SEALED_CHUNK: Final = CHUNK + 16

NOTES: Final = {
    "Normal": "A medium or bundle as it should be.",
    "Padded": "Content whose chunks are filled up to a larger number.",
    "Flipped": "One bit of what was sealed flipped.",
    "Reordered": "Two chunks in each other's place.",
    "Repeated": "A chunk in the place of another.",
    "Dropped": "A chunk left out.",
    "Truncated": "Bytes missing at the end.",
    "Lengthened": "Bytes after the end.",
    "OtherType": "Opened as a medium of another type.",
    "OtherKey": "Opened under the key of another medium.",
    "OtherMedium": "Well sealed under the same key and type, and not what the payload names.",
    "LengthBeyondEnd": "A length in front of the content that is more than was sealed.",
}


@dataclass(frozen=True)
class Edit:
    """What is done to sealed bytes: those ``[start, end)`` give way to ``put``, itself bytes ``[a, b)`` of the same."""

    start: int
    end: int
    put: tuple[int, int] = (0, 0)
    flip: int = 0

    def made(self, sealed: bytes) -> bytes:
        put = bytearray(sealed[slice(*self.put)])
        if self.flip:
            put[0] ^= self.flip
        return sealed[: self.start] + bytes(put) + sealed[self.end :]


def named(name: str, length: int = 32) -> bytes:
    """Bytes that look random and are the same every time."""
    return shake_128(b"blindplate media vectors, " + name.encode()).digest(length)


def content(seed: bytes, length: int) -> bytes:
    """The content a vector names."""
    return shake_128(seed).digest(length)


def stream(key: bytes, context: bytes, text: bytes) -> bytes:
    data = encode("stream", context, len(text).to_bytes(8, "big"))
    chunks = [text[at : at + CHUNK] for at in range(0, len(text), CHUNK)] or [b""]
    cipher = AESGCM(key)
    return b"".join(
        cipher.encrypt(number.to_bytes(11, "big") + bytes([number == len(chunks) - 1]), chunk, data)
        for number, chunk in enumerate(chunks)
    )


def padded_chunks(length: int) -> int:
    chunks = -(-(8 + length) // CHUNK)
    exponent = chunks.bit_length() - 1
    step = 1 if exponent == 0 else 1 << (exponent - exponent.bit_length())
    return -(-chunks // step) * step


def medium(key: bytes, media_type: str, text: bytes, said: int | None = None) -> bytes:
    framed = (len(text) if said is None else said).to_bytes(8, "big") + text
    filled = framed.ljust(CHUNK * padded_chunks(len(text)), b"\0")
    return stream(key, encode("media", media_type.encode()), filled)


def media_digest(sealed: bytes) -> bytes:
    whole = len(sealed) - len(sealed) % CHUNK
    pieces = [sealed[at : at + CHUNK] for at in range(0, whole, CHUNK)]
    return digest("media", *[digest("media-chunk", piece) for piece in (*pieces, sealed[whole:])])


def media_groups() -> Iterator[dict[str, Any]]:
    """A group a medium; its tests are what may come in its place."""
    for name, media_type, length in (
        ("empty", "image/jpeg", 0),
        ("still", "image/jpeg", CHUNK - 8),
        ("sound", "audio/ogg", CHUNK - 7),
        ("clip", "video/mp4", 16 * CHUNK),
    ):
        key, seed = named(f"key of {name}"), named(f"content of {name}")
        sealed = medium(key, media_type, content(seed, length))
        end = len(sealed)
        filled = padded_chunks(length) > -(-(8 + length) // CHUNK)
        tests = [
            _test("Padded" if filled else "Normal", [], None),
            _test("Flipped", [Edit(5, 6, (5, 6), 1)], "commitment"),
            _test("Flipped", [Edit(end - 1, end, (end - 1, end), 128)], "commitment"),
            _test("Truncated", [Edit(end - 1, end)], "commitment"),
            _test("Lengthened", [Edit(end, end, (0, 1))], "commitment"),
            _test("OtherType", [], "envelope", mediaType="image/png"),
            _test("OtherKey", [], "envelope", key=named("another key").hex()),
        ]
        if end > 2 * SEALED_CHUNK:
            first, second = (0, SEALED_CHUNK), (SEALED_CHUNK, 2 * SEALED_CHUNK)
            tests += [
                _test("Repeated", [Edit(*first, second)], "commitment"),
                _test("Dropped", [Edit(*first)], "commitment"),
                _test("Reordered", [Edit(second[1], second[1], first), Edit(*first)], "commitment"),
            ]
        yield _group(key, media_type, seed, length, sealed, media_digest(sealed), tests)
    key, seed = named("key of two"), named("content of two")
    named_one, other = (medium(key, "image/jpeg", content(one, 9)) for one in (named("another"), seed))
    wrong = [_test("OtherMedium", [], "commitment")]
    yield _group(key, "image/jpeg", seed, 9, other, media_digest(named_one), wrong)
    beyond = medium(key, "image/jpeg", content(seed, 9), CHUNK - 7)
    wrong = [_test("LengthBeyondEnd", [], "envelope")]
    yield _group(key, "image/jpeg", seed, 9, beyond, media_digest(beyond), wrong)


def claim_group() -> dict[str, Any]:
    """How media of a record are asked for, and its bundle."""
    secret, header, key = named("match secret", 16), named("header digest"), named("bundle key")
    token = derive(secret, "media-token", header)
    media = b"".join(medium(named(f"bundled {name}"), "image/jpeg", name.encode()) for name in ("one", "two"))
    bundle = stream(key, encode("media-bundle"), media)
    return {
        "type": "MediaClaim",
        "matchSecret": secret.hex(),
        "headerDigest": header.hex(),
        "bundleKey": key.hex(),
        "media": [
            {"key": named(f"bundled {name}").hex(), "mediaType": "image/jpeg", "content": name.encode().hex()}
            for name in ("one", "two")
        ],
        "tests": [
            _test("Normal", [], None)
            | {
                "token": token.hex(),
                "reference": digest("media-reference", token)[:16].hex(),
                "bundleBytes": len(bundle),
                "bundleSha256": sha256(bundle).hexdigest(),
            }
        ],
    }


def document() -> dict[str, Any]:
    """The whole file, tests numbered from 1."""
    numbers = count(1)
    groups = [*media_groups(), claim_group()]
    for group in groups:
        group["tests"] = [{"tcId": next(numbers), **test} for test in group["tests"]]
    return {
        "algorithm": "BLINDPLATE-MEDIA",
        "schema": "media-v1.schema.json",
        "generator": "python -m tools.generate_media_vectors",
        "header": [
            "Sealed media and how they are asked for: docs/spec/records.md, section 8.",
            "Byte strings are hexadecimal. Content is SHAKE128(contentSeed) of contentBytes bytes; sealed with key and",
            "mediaType, behind statedBytes as its length, it is the sealedBytes bytes of sealedSha256.",
            "A test is of these with its edits made in turn: the bytes from",
            "start up to end are replaced by those from the offset putStart up to putEnd of the same bytes, in the first",
            "of which the bits of flip are inverted; opened with key, mediaType, digest of the group, or the test's own.",
            "For an invalid test, error is the code of this project's exception.",
        ],
        "notes": NOTES,
        "numberOfTests": next(numbers) - 1,
        "testGroups": groups,
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1, ensure_ascii=True) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file."""
    parser = argparse.ArgumentParser(description="Write the published vectors for media anew.")
    parser.add_argument("--output", type=Path, default=VECTORS)
    parser.parse_args(arguments).output.write_text(render(), encoding="ascii")
    return 0


def _group(
    key: bytes,
    media_type: str,
    seed: bytes,
    length: int,
    sealed: bytes,
    named_digest: bytes,
    tests: list[dict[str, Any]],
) -> dict[str, Any]:
    said = CHUNK - 7 if tests[0]["flags"] == ["LengthBeyondEnd"] else length
    return {
        "type": "Media",
        "key": key.hex(),
        "mediaType": media_type,
        "contentSeed": seed.hex(),
        "contentBytes": length,
        "statedBytes": said,
        "sealedBytes": len(sealed),
        "sealedSha256": sha256(sealed).hexdigest(),
        "digest": named_digest.hex(),
        "tests": tests,
    }


def _test(flag: str, edits: list[Edit], error: str | None, **changed: str) -> dict[str, Any]:
    test: dict[str, Any] = {"flags": [flag], "result": "invalid" if error else "valid"}
    test["edits"] = [
        {"start": one.start, "end": one.end, "putStart": one.put[0], "putEnd": one.put[1], "flip": one.flip}
        for one in edits
    ]
    return test | changed | ({"error": error} if error else {})


if __name__ == "__main__":
    sys.exit(main())
