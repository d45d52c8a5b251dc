"""Who may call what: deny by default, on an exact map from method to roles; and the one place errors become statuses.

Identity is the one SPIFFE URI of the client's certificate, over TLS 1.3; a DNS name that looks like one counts for
nothing.
Guarantees that a call is authorised before its message is waited for, that a handler runs only for a caller with a
role named for its method, that ``caller()`` inside a handler is that caller, and that an unforeseen error reaches no
client with its text.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NoReturn, TypeAlias, cast

import grpc
from google.protobuf.message import DecodeError
from prometheus_client import Counter

from blindplate.core.errors import BlindplateError, IdentityError, MessageError, UnavailableError
from blindplate.edge.logs import log
from blindplate.edge.statuses import TRAILER, status_of, trailer_of
from blindplate.edge.tls import TRUST_DOMAIN
from blindplate.server.calls import Arrivals, Shares


class Role(StrEnum):
    """The first step of a SPIFFE id's path."""

    CAMERA = "camera"
    OWNER = "owner"
    MATCHER = "matcher"
    CUSTODIAN = "custodian"
    OFFICER = "officer"
    OPERATOR = "operator"
    LEDGER = "ledger"


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller: its role, its name and the SPIFFE id both stand in."""

    role: Role
    name: str
    spiffe_id: str


Access = dict[str, frozenset[Role]]

_CALLER: ContextVar[Identity] = ContextVar("caller")
REFUSALS: Final = Counter(
    "blindplate_refusals", "Calls refused, by method and error code.", ("method", "code")
)
_PREFIX: Final = f"spiffe://{TRUST_DOMAIN}/"


def caller() -> Identity:
    """The identity of the call being handled. Only inside a handler."""
    return _CALLER.get()


# A string: grpc makes the class generic in its type stubs only.
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Gate(grpc.ServerInterceptor):
    """Authorises every call and maps errors. ``access`` maps full method names to the roles allowed.

    At most ``working`` handlers run at once; ``shares`` and ``arrivals`` bound what each caller takes.
    """

    def __init__(self, access: Access, working: int, shares: Shares, arrivals: Arrivals) -> None:
        self._access = dict(access)
        self._working = threading.Semaphore(working)
        self._shares = shares
        self._arrivals = arrivals

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], _Handler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        """Wrap the handler of a named method; refuse every other."""
        handler = continuation(handler_call_details)
        serve = (handler.unary_unary or handler.stream_unary) if handler else None
        if handler is None or serve is None:
            # A stream of responses holds a thread for as long as the client likes: no service here has one.
            return None
        # Also where one request is expected: gRPC would wait for it before the handler, and so this gate, is called.
        # On the wire both are the same.
        return grpc.stream_unary_rpc_method_handler(
            self._guarded(handler, serve, handler_call_details.method), None, handler.response_serializer
        )

    def _guarded(
        self, handler: _Handler, serve: Callable[[Any, grpc.ServicerContext], Any], method: str
    ) -> Callable[[Iterator[bytes], grpc.ServicerContext], Any]:
        roles = self._access.get(method, frozenset())

        def guarded(arriving: Iterator[bytes], context: grpc.ServicerContext) -> Any:
            # Handlers raise and never abort themselves: ``abort`` raises a bare Exception, which would be caught here.
            try:
                identity = identity_of(context)
                if identity.role not in roles:
                    raise IdentityError(
                        f"A {identity.role} may not call {method}.", "Use the party's own certificate."
                    )
                with self._shares.one_of(identity.spiffe_id):
                    messages = self._messages(handler, arriving, context)
                    request = messages if handler.request_streaming else _only(messages)
                    with self._turn(identity, context):
                        return serve(request, context)
            # The errors are not kept in a variable: each holds this frame, and a call in such a cycle counts among the
            # connection's open ones until the garbage collector comes.
            except BlindplateError as error:
                _refuse(error, method, context)
            except Exception as error:  # noqa: BLE001  the edge of the process: whatever it is, the client gets no detail
                log().error("failed", method=method, error=error, place=_place(error))
                internal = "An internal error; the service's log says where."
                _refuse(BlindplateError(internal), method, context)

        return guarded

    @contextmanager
    def _turn(self, identity: Identity, context: grpc.ServicerContext) -> Generator[None]:
        with self._working:
            if not context.is_active():
                raise _ended()
            token = _CALLER.set(identity)
            try:
                yield
            finally:
                _CALLER.reset(token)

    def _messages(
        self, handler: _Handler, arriving: Iterator[bytes], context: grpc.ServicerContext
    ) -> Iterator[Any]:
        while True:
            try:
                with self._arrivals.expected(context.cancel):
                    raw = next(arriving, None)
            except grpc.RpcError:
                raise _ended() from None
            if raw is None:
                return
            try:
                message = handler.request_deserializer(raw) if handler.request_deserializer else raw
            except DecodeError:
                raise MessageError("A call's message is not a protocol message of its kind.") from None
            yield message


def identity_of(context: grpc.ServicerContext) -> Identity:
    """The caller's identity from its certificate.

    Raises IdentityError unless the connection is of TLS 1.3 and the certificate holds exactly one SPIFFE URI of ours.
    """
    # grpc's type stubs leave out that every property has several values.
    authenticated = cast("Mapping[str, Sequence[bytes]]", context.auth_context())
    # gRPC's own settings leave TLS 1.2 on, whose key exchange is not post-quantum: recorded reads must not open later.
    if list(authenticated.get("ssl_tls_version", ())) != [b"TLSv1.3"]:
        raise IdentityError("The connection is not of TLS 1.3.", "Bring the calling program up to date.")
    uris = list(authenticated.get("peer_spiffe_id", ()))
    if len(uris) != 1 or list(authenticated.get("peer_uri", uris)) != uris:
        raise IdentityError(
            "The certificate does not hold exactly one SPIFFE URI.", "Use the certificate made by enrolment."
        )
    spiffe_id = uris[0].decode(errors="replace")
    role, _, name = spiffe_id.removeprefix(_PREFIX).partition("/")
    if not spiffe_id.startswith(_PREFIX) or role not in set(Role) or not name or "/" in name:
        raise IdentityError(
            "The certificate's SPIFFE URI is of another trust domain or role.",
            "Use the certificate made by enrolment.",
        )
    return Identity(Role(role), name, spiffe_id)


def _only(messages: Iterator[Any]) -> Any:
    for message in messages:
        return message
    raise MessageError("A call ended without its message.")


def _ended() -> BlindplateError:
    return UnavailableError("A call ended before its messages had arrived or its turn had come.")


def _refuse(error: BlindplateError, method: str, context: grpc.ServicerContext) -> NoReturn:
    REFUSALS.labels(method, error.code).inc()
    log().info("refused", method=method, code=error.code)
    context.set_trailing_metadata(((TRAILER, trailer_of(error)),))
    context.abort(status_of(error), f"{error.what} {error.remedy}")


def _place(error: BaseException) -> str:
    """File and line where ``error`` arose: enough to find it, without its arguments, which may hold anything."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.name}:{frame.lineno}"
