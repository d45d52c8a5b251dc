"""The ledger's settings file, and the key it names.

Guarantees that the signing key is the one that everybody who reads this ledger has pinned for its origin: a ledger
that signed with another would be believed by nobody. Protocol section 7.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from blindplate.core.errors import SettingsError
from blindplate.core.ledger.checkpoints import SEED_BYTES, LogSigner
from blindplate.core.statements.model import Text
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.settings import LedgerKeysPart, ProcessSettings, TlsFiles, TrustedKeys

_Address = Annotated[str, Field(pattern=r"^[^\s]+:\d{1,5}$")]


class LedgerSettings(ProcessSettings):
    """Everything the ledger is told.

    ``listen`` (appends, gRPC), ``http`` (the public files) and ``metrics`` are ``host:port``. ``public`` is the folder of
    the public files, ``head`` the private SQLite file, in another folder: no backup of the one may bring back the other.
    ``origin`` is the ledger's name in its checkpoints, ``signing_key`` a file of 32 bytes, ``ledger_keys`` the public
    keys by which everybody knows ledger and witnesses. ``witness_a`` and ``witness_b`` are the custodians' ``host:port``.
    A checkpoint is cosigned anew after ``rewitness_seconds`` without entries. ``max_unpublished`` entries may wait to be
    written to the public files before appends are refused.
    """

    listen: _Address
    http: _Address
    public: Path
    head: Path
    origin: Text
    tls: TlsFiles
    trust: TrustedKeys
    signing_key: Path
    ledger_keys: LedgerKeysPart
    witness_a: _Address
    witness_b: _Address
    rewitness_seconds: Annotated[float, Field(gt=0, le=3600)] = 15.0
    max_unpublished: Annotated[int, Field(ge=1)] = 1 << 18
    metrics: _Address | None = None

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.head.is_relative_to(self.public):
            raise ValueError("the head lies among the public files")
        return self


def read_signer(settings: LedgerSettings) -> LogSigner:
    """The ledger's keys. Raises SettingsError when they are not the pinned ones, or of another origin."""
    signer = LogSigner.from_seed(settings.origin, read_secret(settings.signing_key, SEED_BYTES))
    pinned = settings.ledger_keys.keys()
    if pinned.origin != settings.origin or signer.keys != pinned.log:
        raise SettingsError(
            f"The key in {settings.signing_key} is not the one pinned for the ledger {pinned.origin}.",
            "Restore the ledger's own key and origin.",
        )
    return signer
