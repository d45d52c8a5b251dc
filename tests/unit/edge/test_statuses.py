"""Errors keep their type and texts from one process to another, and codes are unique."""

from __future__ import annotations

import inspect
import json

import grpc
import pytest

from blindplate.core import errors
from blindplate.edge.statuses import error_from, status_of, trailer_of

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
