"""A custodian's settings: which one it is, where its keys and folders lie, who its officers are.

Guarantees that no two officers share a name or a key, and that signing key and witness key are the ones every other
party has pinned for this custodian: a process started with another's would sign decisions, release keys and
checkpoints that nobody accepts. Protocol sections 1, 3, 6 and 7.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from blindplate.core.errors import SettingsError
from blindplate.core.ledger.checkpoints import SEED_BYTES as WITNESS_SEED_BYTES
from blindplate.core.ledger.checkpoints import Cosigner
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import SEED_BYTES as PSEUDONYM_SEED_BYTES
from blindplate.core.signing import SEED_BYTES as SIGNING_SEED_BYTES
from blindplate.core.signing import SigningKey
from blindplate.core.statements.model import Hex32, Name, Part
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.settings import LedgerAccess, ProcessSettings, TlsFiles, TrustedKeys


class OfficerKey(Part):
    """One officer of this custodian: the name in its certificate and its Ed25519 public key."""

    name: Name
    public: Hex32


class CustodianSettings(ProcessSettings):
    """Settings of one custodian's process.

    ``data`` is its own folder: database, copy of the ledger, release keys, evidence. ``signing_key`` (Ed25519),
    ``witness_key`` and ``pseudonym_seed`` are files of 32 bytes, mode 0600. ``other_custodian`` is the other one's
    ``host:port``. ``policies`` is a folder of signed statements. ``subject_officers`` names the officers, of either
    custodian, who may ask on behalf of a keeper, for ``subject_retention_days`` after a release. A release key is in
    use for ``release_key_seconds``; every
    ``counts_seconds`` the day's counts are entered. ``evaluation_workers`` processes evaluate large batches.
    ``record_messages`` names a file for every decrypted message: for demonstrations only. ``metrics`` is the
    ``host:port`` where counters of calls and refusals are shown.
    """

    custodian: Custodian
    listen: str
    data: Path
    tls: TlsFiles
    trust: TrustedKeys
    signing_key: Path
    witness_key: Path
    pseudonym_seed: Path
    ledger: LedgerAccess
    other_custodian: Annotated[str, Field(pattern=r"^[^\s]+:\d{1,5}$")]
    policies: Path
    officers: tuple[OfficerKey, ...] = ()
    subject_officers: tuple[Name, ...] = ()
    subject_retention_days: Annotated[int, Field(ge=1, le=3_650)] = 365
    release_key_seconds: Annotated[int, Field(ge=60, le=31 * 86_400)] = 86_400
    counts_seconds: Annotated[int, Field(ge=1, le=86_400)] = 3_600
    evaluation_workers: Annotated[int, Field(ge=1, le=64)] = 1
    record_messages: Path | None = None
    metrics: Annotated[str, Field(pattern=r"^[^\s]+:\d{1,5}$")] | None = None

    @field_validator("officers")
    @classmethod
    def _distinct(cls, officers: tuple[OfficerKey, ...]) -> tuple[OfficerKey, ...]:
        # One key under two names would let one pair of eyes pass for two.
        names, keys = {one.name for one in officers}, {one.public for one in officers}
        if not len(names) == len(keys) == len(officers):
            raise ValueError("two officers share a name or a key")
        return officers


def read_signing_key(settings: CustodianSettings) -> SigningKey:
    """This custodian's signing key. Raises SettingsError when it is not the one pinned for it."""
    key = SigningKey.from_seed(read_secret(settings.signing_key, SIGNING_SEED_BYTES))
    pinned = settings.trust.custodian_a if settings.custodian is Custodian.A else settings.trust.custodian_b
    if key.public != pinned:
        raise SettingsError(
            f"The signing key in {settings.signing_key} is not the one pinned for custodian {settings.custodian}.",
            "Restore the custodian's own key, or enrol the new key with every party.",
        )
    return key


def read_cosigner(settings: CustodianSettings) -> Cosigner:
    """This custodian's keys as a witness. Raises SettingsError when they are not the ones pinned for it."""
    pinned = settings.ledger.keys.keys().witnesses[settings.custodian]
    cosigner = Cosigner.from_seed(pinned[0].name, read_secret(settings.witness_key, WITNESS_SEED_BYTES))
    if cosigner.keys != pinned:
        raise SettingsError(
            f"The witness key in {settings.witness_key} is not the one pinned for custodian {settings.custodian}.",
            "Restore the custodian's own key, or enrol the new key with every party.",
        )
    return cosigner


def read_pseudonym_seed(settings: CustodianSettings) -> bytes:
    """The 32-byte seed of every evaluation key. Raises SettingsError."""
    return read_secret(settings.pseudonym_seed, PSEUDONYM_SEED_BYTES)
