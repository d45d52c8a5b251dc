"""One custodian as a witness, asked by the rules of C2SP tlog-witness over gRPC.

Guarantees that signatures returned are this custodian's own over the checkpoint asked for. What a custodian says
without its ledger's signature under it is believed only as far as asking again goes. Protocol section 7.
Source: https://c2sp.org/tlog-witness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blindplate.core.errors import MessageError, UnavailableError, UnwitnessedError
from blindplate.core.ledger.checkpoints import LedgerKeys, verify_checkpoint
from blindplate.core.ledger.notes import Note, NoteSignature, parse_signature_lines
from blindplate.core.ledger.witness_messages import encode_add_checkpoint
from blindplate.core.parties import Custodian
from blindplate.edge.settings import TlsFiles
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.server.ledger.storage import SignedHead, Storage
from blindplate.v1 import witness_pb2 as v1
from blindplate.v1 import witness_pb2_grpc as rpc

# A witness reads every new entry before it cosigns; one that was away has much to read.
_COSIGN_SECONDS: Final = 60.0
_HEAD_SECONDS: Final = 5.0
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A custodian's cosignatures of one checkpoint, and when it made them (seconds since 1970, UTC)."""

    signatures: tuple[NoteSignature, ...]
    moment: int


class WitnessClient:
    """The channel to one custodian. For one thread at a time."""

    def __init__(
        self, custodian: Custodian, address: str, files: TlsFiles, storage: Storage, keys: LedgerKeys
    ) -> None:
        self._custodian = custodian
        self._peer = f"custodian {custodian.name}"
        self._storage = storage
        self._keys = keys
        self._channel = open_channel(address, f"custodian-{custodian}", files)
        self._stub = rpc.WitnessStub(self._channel)
        self._size = 0

    def close(self) -> None:
        """Close the channel; a call under way ends with UnavailableError."""
        self._channel.close()

    def confirm(self) -> None:
        """Check that the custodian has cosigned nothing but what this ledger has.

        Raises RollbackError or ForkError when this ledger's own signature says otherwise, SignatureError or MessageError
        for an answer that proves nothing, UnavailableError.
        """
        with remote_errors(self._peer):
            head = self._stub.Head(v1.HeadRequest(), timeout=_HEAD_SECONDS).checkpoint
        if head:
            checkpoint = verify_checkpoint(head, self._keys).checkpoint
            self._storage.require_own(checkpoint)
            self._size = checkpoint.size

    def cosign(self, head: SignedHead) -> Cosigned:
        """Have a checkpoint cosigned. Raises what the custodian refuses with, and as ``confirm`` does."""
        for _ in range(_ATTEMPTS):
            answer = self._ask(head)
            if answer.WhichOneof("outcome") == "cosignatures":
                cosigned = self._verified(head, answer.cosignatures)
                self._size = head.checkpoint.size
                return cosigned
            if answer.WhichOneof("outcome") != "conflict":
                raise MessageError(f"The {self._peer} answered without an outcome.")
            if not self._size < answer.conflict <= head.checkpoint.size and answer.conflict != 0:
                # It names what it cannot mean, or more than this ledger has: its head shows which.
                self.confirm()
            self._size = min(answer.conflict, head.checkpoint.size)
        raise UnavailableError(f"The {self._peer} does not settle on a size.")

    def _ask(self, head: SignedHead) -> v1.AddCheckpointResponse:
        proof = self._storage.consistency(self._size, head.checkpoint.size)
        body = encode_add_checkpoint(self._size, proof, Note.from_bytes(head.note))
        with remote_errors(self._peer):
            return self._stub.AddCheckpoint(v1.AddCheckpointRequest(body=body), timeout=_COSIGN_SECONDS)

    def _verified(self, head: SignedHead, lines: bytes) -> Cosigned:
        keys = self._keys.witnesses[self._custodian]
        signatures = tuple(one for one in parse_signature_lines(lines) if any(one.is_by(key) for key in keys))
        note = Note.from_bytes(head.note).with_signatures(signatures)
        witnessed = verify_checkpoint(note.to_bytes(), self._keys).witnessed
        if self._custodian not in witnessed:
            raise UnwitnessedError(f"The {self._peer} did not cosign with both its keys at one moment.")
        return Cosigned(signatures, witnessed[self._custodian])
