"""Settings: files apart, and the key that everybody has pinned."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from blindplate.core.errors import SettingsError
from blindplate.server.ledger.settings import LedgerSettings, read_signer
from tests.unit.server.ledger.site import SIGNER, Site


def test_the_pinned_key_is_read(site: Site) -> None:
    assert read_signer(site.settings()).keys == SIGNER.keys


def test_another_key_is_refused(site: Site) -> None:
    settings = site.settings()
    settings.signing_key.write_bytes(bytes([1]) * 32)
    with pytest.raises(SettingsError, match="pinned"):
        read_signer(settings)


def test_another_origin_is_refused(site: Site) -> None:
    with pytest.raises(SettingsError, match="pinned"):
        read_signer(site.settings().model_copy(update={"origin": "other.example/ledger"}))


@pytest.mark.parametrize("head", ["head.sqlite", "tile/head.sqlite"])
def test_a_head_among_the_public_files_is_refused(site: Site, head: str) -> None:
    fields = {name: getattr(site.settings(), name) for name in LedgerSettings.model_fields}
    with pytest.raises(ValidationError):
        LedgerSettings(**{**fields, "head": Path(site.public / head)})
