"""Payloads of signed statements: bounded, and errors in them told without a word of whoever sent them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.errors import MessageError
from blindplate.core.signing import MAX_PAYLOAD_BYTES, SigningKey, Statement
from blindplate.core.statements.model import EpochPart, EpochRulePart
from blindplate.core.statements.policies import RegisteredCamera, ZoneRegister
from blindplate.core.statements.uploads import Manifest

KEY = SigningKey.from_seed(bytes(32))
CANARY = "AB12CDE"
MANIFEST = Manifest(
    grant_id="grant",
    list_id="list",
    list_version=1,
    epoch=EpochPart(rule=EpochRulePart(kind="span", seconds=3600), index=1),
    number=0,
    parameter_set="prompt",
    parameter_digest=bytes(32),
    bins=1,
    degree=1,
    salt=bytes(16),
    ciphertexts=2,
    blobs_sha256=bytes(32),
    matches_from=1,
    made_at=1,
)


def changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(MANIFEST.model_dump_json()) | fields).encode()


def error_of(payload: bytes) -> str:
    with pytest.raises(MessageError) as caught:
        Manifest.parsed(payload)
    return str(caught.value)


def test_a_statement_comes_back_as_it_was() -> None:
    assert Manifest.verified(MANIFEST.statement(KEY), [KEY.public]) == MANIFEST


def test_a_padded_payload_is_refused_though_it_is_signed() -> None:
    payload = MANIFEST.model_dump_json().encode()
    fits = Statement(Manifest.media_type(), payload.ljust(Manifest.max_bytes)).signed_by(KEY)
    assert Manifest.verified(fits, [KEY.public]) == MANIFEST
    padded = Statement(Manifest.media_type(), payload.ljust(Manifest.max_bytes + 1)).signed_by(KEY)
    with pytest.raises(MessageError, match="longer"):
        Manifest.verified(padded, [KEY.public])
    with pytest.raises(MessageError, match="longer"):
        Manifest.parsed(padded.payload)


def test_a_register_of_ten_thousand_cameras_is_taken_and_one_too_long_is_not_made() -> None:
    cameras = tuple(
        RegisteredCamera(
            camera_id=f"camera-{number:050}",
            identity=f"spiffe://blindplate/camera/camera-{number:050}",
            signing_key=number.to_bytes(32, "big"),
            latitude=51.507222,
            longitude=-0.127583,
        )
        for number in range(10_000)
    )
    register = ZoneRegister(zone="inner", generation=1, cameras=cameras)
    assert ZoneRegister.verified(register.statement(KEY), [KEY.public]) == register
    many = register.model_copy(update={"cameras": cameras[:1] * (MAX_PAYLOAD_BYTES // 250)})
    with pytest.raises(MessageError, match="longer"):
        many.statement(KEY)


def test_an_unknown_fields_name_is_not_told() -> None:
    for payload in (
        changed(**{CANARY: 1}),
        changed(epoch={"index": 1, "rule": {"kind": "span", "seconds": 1, CANARY: CANARY}}),
    ):
        told = error_of(payload)
        assert CANARY not in told
        assert "(unknown)" in told
    assert "epoch.rule.(unknown)" in told


def test_a_wrong_fields_own_name_is_told_and_its_value_is_not() -> None:
    told = error_of(changed(list_id=CANARY, epoch={"index": CANARY}))
    assert "list_id" in told
    assert "epoch.index" in told
    assert "epoch.rule" in told
    assert CANARY not in told


def test_what_is_no_statement_at_all_is_refused() -> None:
    for payload in (b"", b"{", b"[]", b"1", b"[" * 100_000, b"\xff"):
        assert "all of it" in error_of(payload)


def test_a_text_of_many_errors_stays_short() -> None:
    assert len(error_of(changed(**{f"{CANARY}{number}": 1 for number in range(1000)}))) < 500


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text(), min_size=1))
def test_no_text_of_a_sender_reaches_an_error(fields: dict[str, Any]) -> None:
    known = set(Manifest.model_fields)
    marked = {f"\N{SNOWMAN}{name}": value for name, value in fields.items()}
    told = error_of(json.dumps(marked).encode())
    assert "\N{SNOWMAN}" not in told
    assert set(told.partition(": ")[2].partition(". ")[0].split(", ")) <= known | {"(unknown)"}
