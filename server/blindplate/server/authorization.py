"""Who may call what: deny by default, on an exact map from method to roles; and the one place errors become statuses.

Identity is the one SPIFFE URI of the client's certificate, over TLS 1.3; a DNS name that looks like one counts for
nothing.
Guarantees that a handler runs only for a caller with a role named for its method, that ``caller()`` inside a
handler is that caller, and that an unforeseen error reaches no client with its text.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

import grpc
from prometheus_client import Counter

from blindplate.core.errors import BlindplateError, IdentityError
from blindplate.edge.logs import log
from blindplate.edge.statuses import TRAILER, status_of, trailer_of
from blindplate.edge.tls import TRUST_DOMAIN


class Role(StrEnum):
    """The first step of a SPIFFE id's path."""

    CAMERA = "camera"
    OWNER = "owner"
    MATCHER = "matcher"
    CUSTODIAN = "custodian"
    OFFICER = "officer"
    OPERATOR = "operator"


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
    """Authorises every call and maps errors. ``access`` maps full method names to the roles allowed."""

    def __init__(self, access: Access) -> None:
        self._access = dict(access)

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], _Handler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        """Wrap the handler of a named method; refuse every other."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        roles = self._access.get(method, frozenset())
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(
                _guarded(handler.unary_unary, method, roles),
                handler.request_deserializer,
                handler.response_serializer,
            )
        if handler.stream_unary:
            return grpc.stream_unary_rpc_method_handler(
                _guarded(handler.stream_unary, method, roles),
                handler.request_deserializer,
                handler.response_serializer,
            )
        # A stream of responses holds a thread for as long as the client likes: no service here has one.
        return None


def identity_of(context: grpc.ServicerContext) -> Identity:
    """The caller's identity from its certificate.

    Raises IdentityError unless the connection is of TLS 1.3 and the certificate holds exactly one SPIFFE URI of ours.
    """
    authenticated = context.auth_context()
    # gRPC's own settings leave TLS 1.2 on, whose key exchange is not post-quantum: recorded reads must not open later.
    if list(authenticated.get("ssl_tls_version", ())) != [b"TLSv1.3"]:
        raise IdentityError("The connection is not of TLS 1.3.", "Bring the calling program up to date.")
    uris = list(authenticated.get("peer_spiffe_id", ()))
    if len(uris) != 1 or list(authenticated.get("peer_uri", uris)) != uris:
        raise IdentityError(
            "The certificate does not hold exactly one SPIFFE URI.", "Use the certificate made by enrolment."
        )
    spiffe_id = bytes(uris[0]).decode(errors="replace")
    role, _, name = spiffe_id.removeprefix(_PREFIX).partition("/")
    if not spiffe_id.startswith(_PREFIX) or role not in set(Role) or not name or "/" in name:
        raise IdentityError(
            "The certificate's SPIFFE URI is of another trust domain or role.",
            "Use the certificate made by enrolment.",
        )
    return Identity(Role(role), name, spiffe_id)


def _guarded(
    handler: Callable[..., Any], method: str, roles: frozenset[Role]
) -> Callable[[Any, grpc.ServicerContext], Any]:
    def guarded(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: RET503  abort never returns
        # Handlers raise and never abort themselves: ``abort`` raises a bare Exception, which would be caught here.
        try:
            identity = identity_of(context)
            if identity.role not in roles:
                raise IdentityError(
                    f"A {identity.role} may not call {method}.", "Use the party's own certificate."
                )
            token = _CALLER.set(identity)
            try:
                return handler(request, context)
            finally:
                _CALLER.reset(token)
        except BlindplateError as error:
            refusal = error
        except Exception as error:  # noqa: BLE001  the edge of the process: whatever it is, the client gets no detail
            log().error("failed", method=method, error=error, place=_place(error))
            refusal = BlindplateError("An internal error; the service's log says where.")
        REFUSALS.labels(method, refusal.code).inc()
        log().info("refused", method=method, code=refusal.code)
        context.set_trailing_metadata(((TRAILER, trailer_of(refusal)),))
        context.abort(status_of(refusal), f"{refusal.what} {refusal.remedy}")

    return guarded


def _place(error: BaseException) -> str:
    """File and line where ``error`` arose: enough to find it, without its arguments, which may hold anything."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.name}:{frame.lineno}"
