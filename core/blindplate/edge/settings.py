"""Settings files: one TOML file a process, strict about keys, every value but secrets overridable by environment.

``BLINDPLATE_LISTEN=...`` overrides ``listen``; ``BLINDPLATE_TLS__CERTIFICATE=...`` a nested value. Secrets are
never values but paths. Relative paths count from the folder of the file.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from blindplate.core.errors import SettingsError
from blindplate.core.ledger.checkpoints import LedgerKeys
from blindplate.core.ledger.notes import VerifierKey
from blindplate.core.parties import Custodian, PartyKeys
from blindplate.core.statements.model import Hex32, Part, Text

_Model = TypeVar("_Model", bound="ProcessSettings")


class TlsFiles(Part):
    """Paths of this party's certificate, its key (mode 0600) and the trusted authority, all PEM."""

    certificate: Path
    key: Path
    authority: Path


class TrustedKeys(Part):
    """The Ed25519 public keys pinned at enrolment: whose signature counts as whose. 64 hexadecimal digits each."""

    operator: Hex32
    custodian_a: Hex32
    custodian_b: Hex32
    matcher: Hex32

    def parties(self) -> PartyKeys:
        """The same keys, for the ledger's state."""
        return PartyKeys(self.operator, self.custodian_a, self.custodian_b, self.matcher)


class LedgerKeysPart(Part):
    """The ledger's origin and the keys that sign its checkpoints, as verifier keys of C2SP signed-note.

    Two each, an Ed25519 and an ML-DSA-44 one: of the ledger itself, of custodian A and of custodian B as witnesses.
    """

    origin: Text
    log: tuple[str, str]
    witness_a: tuple[str, str]
    witness_b: tuple[str, str]

    def keys(self) -> LedgerKeys:
        """The keys meant. Raises MessageError for a text that is no verifier key."""
        witnesses = {Custodian.A: self.witness_a, Custodian.B: self.witness_b}
        return LedgerKeys(
            self.origin,
            _pair(self.log),
            {custodian: _pair(texts) for custodian, texts in witnesses.items()},
        )


class LedgerAccess(Part):
    """Where the ledger takes appends (``address``, ``host:port``) and is read (``url``: an HTTP address or a folder)."""

    address: Annotated[str, Field(pattern=r"^[^\s]+:\d{1,5}$")]
    url: Text
    keys: LedgerKeysPart


class ProcessSettings(BaseSettings):
    """The base of every process's settings."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="BLINDPLATE_",
        env_nested_delimiter="__",
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file; nothing else."""
        del settings_cls, dotenv_settings, file_secret_settings
        return (env_settings, init_settings)


def load(model: type[_Model], path: Path) -> _Model:
    """The settings of ``path`` under the environment. Raises SettingsError naming every wrong key, but no value."""
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text())
        settings = model(**content)
    except OSError as error:
        raise SettingsError(
            f"The settings file {path} cannot be read: {error.strerror}.",
            "Make one with `blindplate init`, or name another.",
        ) from None
    except ValidationError as error:
        places = ", ".join(sorted({".".join(map(str, item["loc"])) for item in error.errors()}))
        raise SettingsError(
            f"The settings file {path} has missing, unknown or wrong keys: {places}."
        ) from None
    except ValueError as error:
        raise SettingsError(f"The settings file {path} is not TOML: {error}.") from None
    return settings.model_copy(
        update={name: _anchored(getattr(settings, name), path.parent) for name in model.model_fields}
    )


def _anchored(value: object, folder: Path) -> object:
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, Part):
        fields = type(value).model_fields
        return value.model_copy(update={name: _anchored(getattr(value, name), folder) for name in fields})
    return value


def _pair(texts: tuple[str, str]) -> tuple[VerifierKey, VerifierKey]:
    return VerifierKey.from_text(texts[0]), VerifierKey.from_text(texts[1])
