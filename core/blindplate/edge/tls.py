"""Mutual TLS: channels to a party by its name, credentials for a server.

A server's certificate carries the DNS name ``PARTY.blindplate.internal`` beside its one SPIFFE URI; a channel pins
that name, so a party cannot stand in for another under the same authority. Client identity is read from the URI.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import grpc

from blindplate.edge.keyfiles import read_public, read_secret
from blindplate.edge.settings import TlsFiles

DOMAIN: Final = "blindplate.internal"
TRUST_DOMAIN: Final = "blindplate"
MAX_MESSAGE_BYTES: Final = 8 << 20

_OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
)


def server_name(party: str) -> str:
    """The DNS name in the certificate of ``party`` (as in ``custodian-a``)."""
    return f"{party}.{DOMAIN}"


def spiffe_id(role: str, name: str) -> str:
    """The SPIFFE id of a party: ``spiffe://blindplate/ROLE/NAME``."""
    return f"spiffe://{TRUST_DOMAIN}/{role}/{name}"


def open_channel(address: str, party: str, files: TlsFiles) -> grpc.Channel:
    """A channel over mutual TLS to ``party`` at ``address`` (``host:port``). Raises SettingsError on unreadable files."""
    credentials = grpc.ssl_channel_credentials(
        read_public(files.authority), read_secret(files.key), read_public(files.certificate)
    )
    options: Sequence[tuple[str, int | str]] = (
        *_OPTIONS,
        ("grpc.ssl_target_name_override", server_name(party)),
    )
    return grpc.secure_channel(address, credentials, options)


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Credentials of a server that demands a client certificate of the same authority."""
    pair = (read_secret(files.key), read_public(files.certificate))
    return grpc.ssl_server_credentials([pair], read_public(files.authority), require_client_auth=True)
