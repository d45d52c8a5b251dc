"""Counters of refusals are shown where the settings say."""

from __future__ import annotations

import socket
import urllib.request

import pytest

from blindplate.core.errors import SettingsError
from blindplate.server.authorization import REFUSALS
from blindplate.server.monitoring import serve_metrics


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
        return port


def test_refusals_are_shown_by_method_and_code() -> None:
    port = free_port()
    REFUSALS.labels("/blindplate.v1.Pseudonyms/Evaluate", "quota").inc()
    serve_metrics(f"127.0.0.1:{port}")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as shown:
        text = shown.read().decode()
    assert 'blindplate_refusals_total{code="quota",method="/blindplate.v1.Pseudonyms/Evaluate"}' in text


def test_an_address_in_use_is_a_settings_error() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as bound,
        pytest.raises(SettingsError, match="cannot be bound"),
    ):
        serve_metrics(f"127.0.0.1:{bound.getsockname()[1]}")
