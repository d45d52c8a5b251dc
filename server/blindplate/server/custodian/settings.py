"""A custodian's settings: which one it is, where its keys and folders lie, who its officers are.

Guarantees that no two officers share a name or a key, and that the signing key is the one every other party has
pinned for this custodian: a process started with another's key would sign decisions and release keys that nobody
accepts. Protocol sections 1, 3 and 6.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from blindplate.core.errors import SettingsError
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import SEED_BYTES as PSEUDONYM_SEED_BYTES
from blindplate.core.signing import SEED_BYTES as SIGNING_SEED_BYTES
from blindplate.core.signing import SigningKey
from blindplate.core.statements.model import Hex32, Name, Part
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.settings import ProcessSettings, TlsFiles, TrustedKeys


class OfficerKey(Part):
    """One officer of this custodian: the name in its certificate and its Ed25519 public key."""

    name: Name
    public: Hex32


class CustodianSettings(ProcessSettings):
    """Settings of one custodian's process.

    ``data`` is its own folder: database, release keys, suspended grants. ``signing_key`` (Ed25519) and
    ``pseudonym_seed`` are files of 32 bytes, mode 0600. ``grants``, ``registers`` and ``policies`` are folders of
    signed statements. A release key is in use for ``release_key_seconds``. ``evaluation_workers`` processes
    evaluate large batches. ``record_messages`` names a file for every decrypted message: for demonstrations only.
    ``metrics`` is the ``host:port`` where counters of calls and refusals are shown.
    """

    custodian: Custodian
    listen: str
    data: Path
    tls: TlsFiles
    trust: TrustedKeys
    signing_key: Path
    pseudonym_seed: Path
    grants: Path
    registers: Path
    policies: Path
    officers: tuple[OfficerKey, ...] = ()
    release_key_seconds: Annotated[int, Field(ge=60, le=31 * 86_400)] = 86_400
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


def read_pseudonym_seed(settings: CustodianSettings) -> bytes:
    """The 32-byte seed of every evaluation key. Raises SettingsError."""
    return read_secret(settings.pseudonym_seed, PSEUDONYM_SEED_BYTES)
