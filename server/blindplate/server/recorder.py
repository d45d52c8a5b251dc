"""Record every message a server takes and gives, decrypted, to a file: for demonstrations and audits of this software.

It shows what a server could have seen at most. Guarantees that a message is recorded before it is handled, or
before it is sent. Never switch it on in production: sealed records would outlive their erasure.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import grpc

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Recorder(grpc.ServerInterceptor):
    """Appends messages to ``path`` (mode 0600), each behind its length in 4 bytes, big endian."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], _Handler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        """Wrap the handler so that its messages pass through ``_append``."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(
                self._unary(handler.unary_unary), handler.request_deserializer, handler.response_serializer
            )
        if handler.stream_unary:
            return grpc.stream_unary_rpc_method_handler(
                self._stream(handler.stream_unary), handler.request_deserializer, handler.response_serializer
            )
        return handler

    def _unary(self, handle: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(request: Any, context: grpc.ServicerContext) -> Any:
            self._append(request)
            response = handle(request, context)
            self._append(response)
            return response

        return recorded

    def _stream(self, handle: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
            def passing() -> Iterator[Any]:
                for request in requests:
                    self._append(request)
                    yield request

            response = handle(passing(), context)
            self._append(response)
            return response

        return recorded

    def _append(self, message: Any) -> None:
        content: bytes = message.SerializeToString()
        with self._lock:
            os.write(self._file, len(content).to_bytes(4, "big") + content)
