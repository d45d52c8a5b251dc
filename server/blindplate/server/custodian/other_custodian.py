"""The other custodian, as far as this one asks it anything: its head as a witness (protocol section 7)."""

from __future__ import annotations

from typing import Final

from blindplate.core.parties import Custodian
from blindplate.edge.settings import TlsFiles
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.v1 import witness_pb2 as v1
from blindplate.v1 import witness_pb2_grpc as rpc

_SECONDS: Final = 3.0


class OtherCustodian:
    """A channel to ``custodian`` at ``address`` (``host:port``). Raises SettingsError on unreadable TLS files."""

    def __init__(self, custodian: Custodian, address: str, files: TlsFiles) -> None:
        self._name = f"custodian-{custodian}"
        self._channel = open_channel(address, self._name, files)
        self._stub = rpc.WitnessStub(self._channel)

    def head(self) -> bytes:
        """The last checkpoint it cosigned, as a signed note; empty before its first. Raises what it sends, UnavailableError."""
        with remote_errors(self._name):
            return self._stub.Head(v1.HeadRequest(), timeout=_SECONDS).checkpoint

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()
