"""The published vectors of media: each opens, or is refused, as it says; the generator writes them."""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256, shake_128
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from blindplate.core.errors import BlindplateError
from blindplate.core.records.media import (
    SealedMedia,
    media_reference,
    media_token,
    open_bundle,
    open_media,
    padded_size,
    seal_bundle,
    seal_media,
)
from blindplate.core.records.streams import sealed_length
from tools import generate_media_vectors

FOLDER: Final = Path(__file__).parents[3] / "vectors"
TEXT: Final = (FOLDER / "media-v1.json").read_text(encoding="ascii")
VECTORS: Final[dict[str, Any]] = json.loads(TEXT)


def groups(kind: str) -> list[dict[str, Any]]:
    return [group for group in VECTORS["testGroups"] if group["type"] == kind]


def media_tests() -> list[Any]:
    return [
        pytest.param(number, test, id=f"{test['tcId']}-{test['flags'][0]}")
        for number, group in enumerate(groups("Media"))
        for test in group["tests"]
    ]


@cache
def sealed_of(number: int) -> bytes:
    group = groups("Media")[number]
    text = shake_128(bytes.fromhex(group["contentSeed"])).digest(group["contentBytes"])
    sealed = generate_media_vectors.medium(
        bytes.fromhex(group["key"]), group["mediaType"], text, group["statedBytes"]
    )
    assert sha256(sealed).hexdigest() == group["sealedSha256"]
    return sealed


@pytest.mark.parametrize(("number", "test"), media_tests())
def test_media_open_or_are_refused_as_the_vectors_say(number: int, test: dict[str, Any]) -> None:
    group = groups("Media")[number]
    body = sealed_of(number)
    for edit in test["edits"]:
        put = bytearray(body[edit["putStart"] : edit["putEnd"]])
        if edit["flip"]:
            put[0] ^= edit["flip"]
        body = body[: edit["start"]] + bytes(put) + body[edit["end"] :]
    media = SealedMedia(
        test.get("mediaType", group["mediaType"]),
        bytes.fromhex(group["digest"]),
        group["sealedBytes"],
        bytes.fromhex(test.get("key", group["key"])),
    )
    if test["result"] == "invalid":
        with pytest.raises(BlindplateError) as refused:
            list(open_media(media, [body]))
        assert refused.value.code == test["error"]
        return
    text = b"".join(open_media(media, [body]))
    assert text == shake_128(bytes.fromhex(group["contentSeed"])).digest(group["contentBytes"])
    assert b"".join(seal_media(media.key, media.media_type, text)) == body
    assert group["sealedBytes"] == sealed_length(padded_size(len(text)))


def test_media_are_asked_for_and_bundled_as_the_vectors_say() -> None:
    (group,) = groups("MediaClaim")
    (test,) = group["tests"]
    token = media_token(bytes.fromhex(group["matchSecret"]), bytes.fromhex(group["headerDigest"]))
    assert (token.hex(), media_reference(token).hex()) == (test["token"], test["reference"])
    media = b"".join(
        piece
        for one in group["media"]
        for piece in seal_media(bytes.fromhex(one["key"]), one["mediaType"], bytes.fromhex(one["content"]))
    )
    key = bytes.fromhex(group["bundleKey"])
    bundle = b"".join(seal_bundle(key, [media], len(media)))
    assert (len(bundle), sha256(bundle).hexdigest()) == (test["bundleBytes"], test["bundleSha256"])
    assert b"".join(open_bundle(key, [bundle], len(media))) == media


def test_the_file_keeps_to_its_schema_and_is_what_the_generator_writes() -> None:
    schema: dict[str, Any] = json.loads((FOLDER / "schemas" / VECTORS["schema"]).read_text(encoding="ascii"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(VECTORS)
    assert generate_media_vectors.render() == TEXT
    used = {flag for group in VECTORS["testGroups"] for test in group["tests"] for flag in test["flags"]}
    assert used == set(VECTORS["notes"])


def test_the_generator_writes_where_it_is_told(tmp_path: Path) -> None:
    assert generate_media_vectors.main(["--output", str(tmp_path / "media.json")]) == 0
    assert (tmp_path / "media.json").read_text(encoding="ascii") == TEXT
