"""The Lists service: takes encrypted lists as streams, and says which are in force.

Guarantees that a list is matched only with what was captured after both custodians had witnessed its version, that
every ciphertext is checked to be of the exact form before anything else is done with it, that a segment comes into
force wholly or not at all, the list before it staying in force until then, and that a stream which stalls is cut off.
No public key is taken. Protocol section 5, guarantees G3 and G4.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import grpc

from blindplate.core.domains import EpochKind
from blindplate.core.errors import MessageError, UnavailableError, UnwitnessedError, UploadError
from blindplate.core.ledger.checkpoints import LedgerKeys
from blindplate.core.ledger.versions import CommittedVersion
from blindplate.core.signing import Statement
from blindplate.core.statements.uploads import Manifest, Stage
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.psi.mapping import salt_of
from blindplate.psi.matcher import check_blob
from blindplate.server.authorization import Access, Role, caller
from blindplate.server.matcher import segments_store
from blindplate.server.matcher.following import FollowedLedger
from blindplate.server.matcher.manifests import Expected, judge
from blindplate.server.matcher.metrics import LATE_UPLOADS
from blindplate.server.matcher.segment_files import PartialFile, SegmentFiles
from blindplate.server.matcher.segments_store import Bounds
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.turns import Turns
from blindplate.server.matcher.witnessing import require_witnessed
from blindplate.v1 import lists_pb2 as v1
from blindplate.v1 import lists_pb2_grpc, types_pb2

ACCESS: Final[Access] = {
    "/blindplate.v1.Lists/Upload": frozenset({Role.OWNER}),
    "/blindplate.v1.Lists/Segments": frozenset({Role.OWNER}),
}
# An upload holds a thread.
_AT_ONCE: Final = 4
_KINDS: Final = {
    EpochKind.SPAN: types_pb2.EPOCH_KIND_SPAN,
    EpochKind.CHARGING_DAY: types_pb2.EPOCH_KIND_CHARGING_DAY,
}
_STAGES: Final = {Stage.MATCH: v1.STAGE_MATCH, Stage.KEEP: v1.STAGE_KEEP, Stage.OPEN: v1.STAGE_OPEN}
_LONGEST_SECONDS: Final = 900.0
_Context = grpc.ServicerContext


@dataclass(frozen=True, slots=True)
class ListsServicer(lists_pb2_grpc.ListsServicer):
    """Takes lists from the owners that grants name."""

    database: Database
    ledger: FollowedLedger
    ledger_keys: LedgerKeys
    files: SegmentFiles
    max_bytes: int
    max_list_bytes: int
    max_segments: int
    clock: Clock
    turns: Turns = field(default_factory=lambda: Turns(_AT_ONCE, 1))

    def Upload(self, request_iterator: Iterator[v1.UploadPart], context: _Context) -> v1.UploadResponse:  # noqa: N802  gRPC's name
        """Take one segment."""
        owner = caller()
        with self.turns.one_of(owner.spiffe_id), _cut_off(context):
            parts = _unbroken(request_iterator)
            statement = _manifest(next(parts, None))
            expected = judge(
                statement, owner.spiffe_id, self.ledger.current, self.max_bytes, self.clock.now()
            )
            segment = expected.segment
            if self._present(segment):
                return v1.UploadResponse(segment_id=segment.segment_id, stored=False)
            version = self._version(expected.manifest)
            checkpoint = _checkpoint(next(parts, None))
            require_witnessed(checkpoint, self.ledger_keys, version, segment.matches_from)
            self.database.require_room()
            with self.files.begin(segment.segment_id) as file:
                _receive(parts, expected, file)
                file.finish()
            stored = self._put_in_force(expected)
        late_seconds = max(0, round(self.clock.now() - segment.matches_from))
        if late_seconds:
            LATE_UPLOADS.labels(segment.list_id).inc()
        log().info(
            "segment",
            list=segment.list_id,
            epoch=segment.epoch,
            stage=segment.stage.value,
            number=segment.number,
            version=segment.list_version,
            bins=expected.layout.bins,
            degree=expected.layout.degree,
            late_seconds=late_seconds,
        )
        return v1.UploadResponse(segment_id=segment.segment_id, stored=stored)

    def Segments(self, request: v1.SegmentsRequest, context: _Context) -> v1.SegmentsResponse:  # noqa: N802  gRPC's name
        """The segments of one of the caller's lists that are in force or to come."""
        del context
        owned = self.ledger.current.owned(request.list_id, caller().spiffe_id, self.clock.now())
        with self.database.read() as connection:
            found = segments_store.of_list(connection, request.list_id)
        return v1.SegmentsResponse(segments=[_segment(one) for one in found if one.grant_id in owned])

    def _version(self, manifest: Manifest) -> CommittedVersion:
        version = self.ledger.current.version(manifest.grant_id, manifest.list_version)
        if version is None:
            # It may have been witnessed in the second since the last look.
            self.ledger.refresh()
            version = self.ledger.current.version(manifest.grant_id, manifest.list_version)
        if version is None:
            raise UnwitnessedError(
                f"List version {manifest.list_version} of grant {manifest.grant_id} is not in the ledger, or not "
                "witnessed by both custodians.",
                "Enter the version's commitment, wait until both custodians have witnessed it, then upload again.",
            )
        return version

    def _present(self, segment: segments_store.Segment) -> bool:
        with self.database.read() as connection:
            present = segments_store.of_epoch(connection, segment.list_id, segment.epoch)
        return any(one.segment_id == segment.segment_id for one in present)

    def _put_in_force(self, expected: Expected) -> bool:
        segment = expected.segment
        bounds = Bounds(expected.grant.capacity, self.max_segments, self.max_list_bytes)
        now_ms = int(self.clock.now() * 1000)
        try:
            stored, retired = self.database.write(
                lambda connection: segments_store.add(connection, segment, bounds, now_ms)
            )
        except BaseException:
            if not self._present(segment):
                self.files.remove([segment.segment_id])
            raise
        self.files.remove(retired)
        return stored


def _manifest(part: v1.UploadPart | None) -> Statement:
    if part is None or part.WhichOneof("part") != "manifest":
        raise MessageError("An upload does not begin with its manifest.")
    return Statement.from_proto(part.manifest)


def _checkpoint(part: v1.UploadPart | None) -> bytes:
    if part is None or part.WhichOneof("part") != "checkpoint":
        raise MessageError(
            "An upload does not bring a checkpoint after its manifest.",
            "Send a checkpoint that both custodians cosigned and that covers the list version.",
        )
    return part.checkpoint


def _receive(parts: Iterator[v1.UploadPart], expected: Expected, file: PartialFile) -> None:
    manifest, hashed, count = expected.manifest, sha256(), 0
    for part in parts:
        if part.WhichOneof("part") != "ciphertext":
            raise MessageError("An upload holds something else than ciphertexts after its checkpoint.")
        if count == manifest.ciphertexts:
            raise UploadError("An upload holds more ciphertexts than its manifest says.")
        blob = check_blob(part.ciphertext, expected.parameters)
        if count == 0 and not hmac.compare_digest(salt_of(blob.seed), manifest.salt):
            raise UploadError("An upload's salt is not the one its manifest names.")
        hashed.update(part.ciphertext)
        file.write(part.ciphertext)
        count += 1
    if count != manifest.ciphertexts:
        raise UploadError(
            "An upload holds fewer ciphertexts than its manifest says.", "Upload it again, whole."
        )
    if not hmac.compare_digest(hashed.digest(), manifest.blobs_sha256):
        raise UploadError("An upload's ciphertexts are not those its manifest names.")


def _unbroken(parts: Iterator[v1.UploadPart]) -> Iterator[v1.UploadPart]:
    try:
        yield from parts
    except grpc.RpcError:
        raise UnavailableError("An upload broke off.", "Upload it again, whole.") from None


@contextmanager
def _cut_off(context: _Context) -> Generator[None]:
    # A handler that waits for a stream's next part sees no deadline: only the end of the call wakes it.
    timer = threading.Timer(_LONGEST_SECONDS, context.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _segment(segment: segments_store.Segment) -> v1.Segment:
    epoch = segment.manifest.epoch.epoch()
    return v1.Segment(
        segment_id=segment.segment_id,
        epoch=types_pb2.Epoch(kind=_KINDS[epoch.rule.kind], seconds=epoch.rule.seconds, index=epoch.index),
        number=segment.number,
        stage=_STAGES[segment.stage],
    )
