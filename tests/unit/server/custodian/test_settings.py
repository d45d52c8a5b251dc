"""A custodian starts only with the keys that every other party has pinned for it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from blindplate.core.errors import SettingsError
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.edge.keyfiles import write_secret
from blindplate.server.custodian.settings import (
    CustodianSettings,
    OfficerKey,
    read_cosigner,
    read_signing_key,
)

from .published import KEYS, WITNESS_SEEDS
from .witnessing import Site


@pytest.fixture
def settings(site: Site) -> CustodianSettings:
    return site.settings()


def test_its_own_keys_are_taken(site: Site, settings: CustodianSettings) -> None:
    assert read_signing_key(settings).public == site.who.custodian_a.public
    assert read_cosigner(settings).keys == KEYS.witnesses[Custodian.A]


@pytest.mark.parametrize("seed", [WITNESS_SEEDS[Custodian.B], b"x" * 32], ids=["the-others", "a-strangers"])
def test_another_witness_key_is_refused(settings: CustodianSettings, seed: bytes) -> None:
    write_secret(settings.witness_key, seed)
    with pytest.raises(SettingsError, match="witness key"):
        read_cosigner(settings)


def test_another_signing_key_is_refused(site: Site, settings: CustodianSettings) -> None:
    write_secret(settings.signing_key, site.who.custodian_b.seed)
    with pytest.raises(SettingsError, match="signing key"):
        read_signing_key(settings)


def test_a_witness_key_that_others_can_read_is_refused(settings: CustodianSettings) -> None:
    settings.witness_key.chmod(0o644)
    with pytest.raises(SettingsError):
        read_cosigner(settings)


@pytest.mark.parametrize("other", ["custodian-b", "custodian-b:port", ""])
def test_the_other_custodian_is_a_host_and_port(settings: CustodianSettings, other: str) -> None:
    with pytest.raises(ValidationError):
        CustodianSettings(**{**dict(settings), "other_custodian": other})


def test_two_officers_do_not_share_a_key(settings: CustodianSettings) -> None:
    key = SigningKey.generate().public
    officers = (OfficerKey(name="anna", public=key), OfficerKey(name="ben", public=key))
    with pytest.raises(ValidationError):
        CustodianSettings(**{**dict(settings), "officers": officers})
