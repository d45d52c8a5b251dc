"""Signed statements as the database holds them, and as many as fit one message.

Checks no signature: whoever reads one for a decision verifies it anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from google.protobuf.message import DecodeError

from blindplate.core.errors import MessageError
from blindplate.core.signing import Statement
from blindplate.v1 import types_pb2

# Half of the largest message.
PAGE_BYTES: Final = 4 << 20


def stored_form(statement: Statement) -> bytes:
    """A statement as the database holds it."""
    return statement.to_proto().SerializeToString(deterministic=True)


def from_stored_form(data: bytes) -> Statement:
    """A statement as the database held it. Raises MessageError when it is none."""
    message = types_pb2.SignedStatement()
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise MessageError("A stored statement is not a protocol message.") from None
    return Statement.from_proto(message)


def fitting(stored: Iterable[bytes]) -> list[Statement]:
    """The first statements of the database's form that fit one message together, one at least if there is any."""
    found: list[Statement] = []
    room = PAGE_BYTES
    for one in stored:
        room -= len(one)
        if found and room < 0:
            break
        found.append(from_stored_form(one))
    return found
