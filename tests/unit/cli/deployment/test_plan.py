"""Addresses of a short-lived deployment: one a party, free, and not among those that connections are given."""

from __future__ import annotations

import socket

from blindplate.cli.deployment.plan import ADDRESSES, free_addresses


def test_every_party_gets_a_free_port_of_its_own_below_those_of_outgoing_connections() -> None:
    addresses = free_addresses()
    assert set(addresses) == set(ADDRESSES)
    ports = [int(address.removeprefix("127.0.0.1:")) for address in addresses.values()]
    assert len(set(ports)) == len(ADDRESSES)
    assert max(ports) < 32_768
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()
