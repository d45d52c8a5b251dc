"""What a test of tests/vectors/records-v1.json is made of, and the ways in which a record is bent for one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from blindplate.v1 import records_pb2
from tools.record_vector_sealer import Made

Mutation = Callable[[records_pb2.Record], None]


@dataclass(frozen=True)
class Case:
    """One test: what is done to the group's data, the inputs beside it, and what must come of it."""

    flag: str
    comment: str
    data: bytes
    inputs: dict[str, Any]
    expected: dict[str, Any]
    error: str = ""
    custodian: str = ""


@dataclass(frozen=True)
class Group:
    """Cases of one step of opening, each an edit of ``data``."""

    type: str
    data: bytes
    cases: list[Case]


def raw(record: records_pb2.Record | records_pb2.Wire) -> bytes:
    return record.SerializeToString(deterministic=True)


def changed(record: records_pb2.Record, mutation: Mutation) -> bytes:
    copy = records_pb2.Record()
    copy.CopyFrom(record)
    mutation(copy)
    return raw(copy)


def put(name: str, value: Any) -> Mutation:
    """Sets a field, or one of the header's or attestation's when the name has a dot."""

    def mutation(record: records_pb2.Record) -> None:
        *outer, last = name.split(".")
        message: Any = record
        for part in outer:
            message = getattr(message, part)
        setattr(message, last, value)

    return mutation


def flip(name: str, at: int = 0) -> Mutation:
    """Flips the lowest bit of one byte of a field."""

    def mutation(record: records_pb2.Record) -> None:
        *outer, last = name.split(".")
        message: Any = record
        for part in outer:
            message = getattr(message, part)
        value = bytearray(getattr(message, last))
        value[at] ^= 1
        setattr(message, last, bytes(value))

    return mutation


def swap(one: str, other: str) -> Mutation:
    def mutation(record: records_pb2.Record) -> None:
        first, second = getattr(record, one), getattr(record, other)
        setattr(record, one, second)
        setattr(record, other, first)

    return mutation


def secrets_of(made: Made, **others: str) -> dict[str, str]:
    return {name: made.values[name] for name in ("shareA", "shareB", "matchSecret")} | others


def payload_group(made: Made, cases: list[tuple[str, str, dict[str, str], str, str]]) -> Group:
    data = raw(made.wire.record)
    return Group(
        "PayloadOpen",
        data,
        [
            Case(
                flag,
                comment,
                data,
                secrets_of(made) | others,
                {} if error else {"payload": made.values["payload"]},
                error,
                owner,
            )
            for flag, comment, others, error, owner in cases
        ],
    )
