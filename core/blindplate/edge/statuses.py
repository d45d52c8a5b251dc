"""Errors across processes: a typed error becomes a gRPC status with a trailer, and the same typed error again.

Guarantees that only errors of our tree travel with their texts; anything else is ``INTERNAL`` without detail; and
that whatever a peer sends as an error becomes a typed error here.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Final

import grpc

from blindplate.core import errors
from blindplate.core.errors import BlindplateError

TRAILER: Final = "blindplate-error-bin"

_STATUS: Final[tuple[tuple[type[BlindplateError], grpc.StatusCode], ...]] = (
    (errors.IdentityError, grpc.StatusCode.PERMISSION_DENIED),
    (errors.QuotaError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.OverloadedError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.UnavailableError, grpc.StatusCode.UNAVAILABLE),
    (errors.StorageError, grpc.StatusCode.UNAVAILABLE),
    (errors.NotFoundError, grpc.StatusCode.NOT_FOUND),
    (errors.GoneError, grpc.StatusCode.NOT_FOUND),
    (errors.StateError, grpc.StatusCode.FAILED_PRECONDITION),
    (errors.RefusedError, grpc.StatusCode.PERMISSION_DENIED),
    (errors.SecurityError, grpc.StatusCode.INVALID_ARGUMENT),
    (errors.InputError, grpc.StatusCode.INVALID_ARGUMENT),
)


def status_of(error: BlindplateError) -> grpc.StatusCode:
    """The gRPC status an error of our tree is sent as."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), grpc.StatusCode.INTERNAL)


def trailer_of(error: BlindplateError) -> bytes:
    """The trailer's bytes: code, what and remedy as JSON."""
    custodian = error.custodian if isinstance(error, errors.ShareError) else None
    return json.dumps([error.code, error.what, error.remedy, custodian]).encode()


def error_from(code: str, what: str, remedy: str, custodian: str | None = None) -> BlindplateError:
    """The typed error that ``code`` names; BlindplateError itself for a code of a newer version."""
    kind = _BY_CODE.get(code, BlindplateError)
    if issubclass(kind, errors.ShareError):
        return kind(what, remedy, custodian=custodian or "unknown")
    return kind(what, remedy)


@contextmanager
def remote_errors(peer: str) -> Generator[None]:
    """Turn a ``grpc.RpcError`` raised inside into the typed error the peer sent, or UnavailableError naming ``peer``."""
    try:
        yield
    except grpc.RpcError as error:
        raise _typed(error, peer) from None


def _typed(error: object, peer: str) -> BlindplateError:
    # What a stub raises is an RpcError and a Call at once, which the type stubs hold impossible: hence ``object``.
    trailers = dict(error.trailing_metadata() or ()) if isinstance(error, grpc.Call) else {}
    raw = trailers.get(TRAILER)
    if isinstance(raw, bytes):
        return _from_trailer(raw) or errors.MessageError(
            f"The {peer} sent an error that cannot be read.", "Update this software."
        )
    status = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
    if status is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return errors.OverloadedError(f"The {peer} has no room for this call, or it was too large.")
    return errors.UnavailableError(
        f"The {peer} did not answer ({status.name.lower()}).",
        "Check that it runs and that its address and certificate are right; then try again.",
    )


def _from_trailer(raw: bytes) -> BlindplateError | None:
    """The error a peer's trailer holds; None when it is not of the form of ``trailer_of``, whatever else it may be."""
    try:
        sent: object = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    match sent:
        case [str(code), str(what), str(remedy), (str() | None) as custodian]:
            return error_from(code, what, remedy, custodian)
        case _:
            return None


def _tree(kind: type[BlindplateError]) -> Iterator[type[BlindplateError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _tree(below)


_BY_CODE: Final = {kind.code: kind for kind in _tree(BlindplateError)}
