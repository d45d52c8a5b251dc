"""Whoever signs grants: the operator or a custodian, on a machine with that party's own settings file.

Reads of that file only what signing takes, whatever else the party's process needs of it.
"""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import SettingsConfigDict

from blindplate.core.signing import SEED_BYTES, SigningKey
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.settings import LedgerAccess, ProcessSettings, TlsFiles, TrustedKeys, load


class GrantPartySettings(ProcessSettings):
    """The part of a party's settings that concerns grants; every other key of the file is left alone.

    ``matcher`` (``host:port``) is where the operator asks what was heard of cameras.
    """

    model_config = SettingsConfigDict(extra="ignore")

    tls: TlsFiles
    trust: TrustedKeys
    signing_key: Path
    ledger: LedgerAccess
    matcher: str | None = None

    @classmethod
    def read(cls, path: Path) -> GrantPartySettings:
        """The settings in ``path``. Raises SettingsError."""
        return load(cls, path)

    def key(self) -> SigningKey:
        """The party's signing key. Raises SettingsError."""
        return SigningKey.from_seed(read_secret(self.signing_key, SEED_BYTES))
