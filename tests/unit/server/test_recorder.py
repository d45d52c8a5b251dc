"""The recorder keeps every message of a call, both ways, in a file for its owner alone."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from blindplate.server.recorder import Recorder
from blindplate.v1 import lists_pb2, lists_pb2_grpc, types_pb2


class Lists(lists_pb2_grpc.ListsServicer):
    def Segments(self, request: lists_pb2.SegmentsRequest, context: Any) -> lists_pb2.SegmentsResponse:  # noqa: N802  as generated
        return lists_pb2.SegmentsResponse(segments=[lists_pb2.Segment(segment_id=b"answered")])

    def Upload(  # noqa: N802  as generated
        self, request_iterator: Iterator[lists_pb2.UploadPart], context: Any
    ) -> lists_pb2.UploadResponse:
        return lists_pb2.UploadResponse(stored=len(list(request_iterator)) == 2)


def test_messages_of_unary_calls_and_streams_are_kept_both_ways(tmp_path: Path) -> None:
    path = tmp_path / "messages.bin"
    server = grpc.server(ThreadPoolExecutor(2), interceptors=[Recorder(path)])
    lists_pb2_grpc.add_ListsServicer_to_server(Lists(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = lists_pb2_grpc.ListsStub(channel)
        stub.Segments(lists_pb2.SegmentsRequest(list_id="asked"), timeout=10)
        parts = [
            lists_pb2.UploadPart(manifest=types_pb2.SignedStatement(payload=b"manifest")),
            lists_pb2.UploadPart(ciphertext=b"ciphertext"),
        ]
        assert stub.Upload(iter(parts), timeout=10).stored
    server.stop(None).wait()
    content = path.read_bytes()
    for word in (b"asked", b"answered", b"manifest", b"ciphertext"):
        assert word in content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
