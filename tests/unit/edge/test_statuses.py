"""Errors keep their type and texts from one process to another, and codes are unique."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core import errors
from blindplate.edge.statuses import TRAILER, error_from, remote_errors, status_of, trailer_of

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.BlindplateError)
]


def make(kind: type[errors.BlindplateError]) -> errors.BlindplateError:
    if issubclass(kind, errors.ShareError):
        return kind("What happened.", "What to do.", custodian="b")
    return kind("What happened.", "What to do.")


def test_codes_are_unique() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_comes_back_as_what_it_was(kind: type[errors.BlindplateError]) -> None:
    error = make(kind)
    again = error_from(*json.loads(trailer_of(error)))
    assert type(again) is kind
    assert (again.what, again.remedy) == (error.what, error.remedy)


def test_a_share_error_keeps_the_custodians_name() -> None:
    again = error_from(*json.loads(trailer_of(make(errors.ShareError))))
    assert isinstance(again, errors.ShareError)
    assert again.custodian == "b"


def test_a_code_of_a_newer_version_is_still_an_error_of_ours() -> None:
    assert type(error_from("from-the-future", "w", "r")) is errors.BlindplateError


def test_a_refusal_is_no_server_fault() -> None:
    assert status_of(make(errors.GrantError)) is grpc.StatusCode.PERMISSION_DENIED
    assert status_of(make(errors.BlindplateError)) is grpc.StatusCode.INTERNAL


def test_the_tree_drawn_in_the_module_names_every_error() -> None:
    drawn = errors.__doc__ or ""
    assert [kind.__name__ for kind in KINDS if kind.__name__ not in drawn] == []


class Failed(grpc.RpcError, grpc.Call):
    """A failed call, as a stub raises it."""

    def __init__(self, trailer: bytes) -> None:
        self._trailer = trailer

    def trailing_metadata(self) -> Any:
        return ((TRAILER, self._trailer),)

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.INTERNAL

    def initial_metadata(self) -> tuple[tuple[str, bytes], ...]:
        return ()

    def details(self) -> str:
        return ""

    def is_active(self) -> bool:
        return False

    def time_remaining(self) -> float:
        return 0.0

    def cancel(self) -> bool:
        return False

    def add_callback(self, callback: Callable[[], None]) -> bool:
        return False


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def received(trailer: bytes) -> errors.BlindplateError:
    with pytest.raises(errors.BlindplateError) as caught, remote_errors("matcher"):
        raise Failed(trailer)
    return caught.value


@pytest.mark.parametrize(
    "trailer",
    [
        b"",
        b"1",
        b"null",
        b'"text"',
        b"{}",
        b"[]",
        b'["share","what","remedy"]',
        b'["share","what","remedy",1]',
        b'["share","what","remedy",["a"]]',
        b'["share",1,"remedy",null]',
        b'[null,"what","remedy",null]',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b"9" * 5_000,
        b'{"a":' * 50_000,
        b"\xff\xfe",
    ],
)
def test_a_trailer_of_another_form_is_an_unreadable_error(trailer: bytes) -> None:
    assert type(received(trailer)) is errors.MessageError


@given(st.binary(max_size=64) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(_json))
def test_whatever_a_peer_sends_as_an_error_becomes_a_typed_one(trailer: bytes) -> None:
    received(trailer)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_comes_back_through_a_failed_call(kind: type[errors.BlindplateError]) -> None:
    assert type(received(trailer_of(make(kind)))) is kind
