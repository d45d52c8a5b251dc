"""Settings files: one TOML file a process, strict about keys, every value but secrets overridable by environment.

``BLINDPLATE_LISTEN=...`` overrides ``listen``; ``BLINDPLATE_TLS__CERTIFICATE=...`` a nested value. Secrets are
never values but paths. Relative paths count from the folder of the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from blindplate.core.errors import SettingsError
from blindplate.core.statements.model import Hex32, Part

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


class ProcessSettings(BaseSettings):
    """The base of every process's settings."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="BLINDPLATE_",
        env_nested_delimiter="__",
        hide_input_in_errors=True,
    )
    file: ClassVar[Path | None] = None

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
        del dotenv_settings, file_secret_settings
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=cls.file))


def load(model: type[_Model], path: Path) -> _Model:
    """The settings of ``path`` under the environment. Raises SettingsError naming every wrong key, but no value."""
    if not path.is_file():
        raise SettingsError(
            f"There is no settings file {path}.", "Make one with `blindplate init`, or name another."
        )
    # A class of its own for each file: pydantic-settings finds its sources by class, and a class is all it hands them.
    bound: type[_Model] = type(model.__name__, (model,), {"file": path, "__module__": model.__module__})
    try:
        settings = bound()
    except ValidationError as error:
        places = ", ".join(sorted({".".join(map(str, item["loc"])) for item in error.errors()}))
        raise SettingsError(
            f"The settings file {path} has missing, unknown or wrong keys: {places}."
        ) from None
    except ValueError as error:
        raise SettingsError(f"The settings file {path} is not TOML: {error}.") from None
    return _anchored(settings, path.parent)


def _anchored(settings: _Model, folder: Path) -> _Model:
    return settings.model_copy(
        update={name: _anchor(getattr(settings, name), folder) for name in type(settings).model_fields}
    )


def _anchor(value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, Part):
        return value.model_copy(
            update={name: _anchor(getattr(value, name), folder) for name in type(value).model_fields}
        )
    if isinstance(value, tuple):
        return tuple(_anchor(item, folder) for item in value)
    return value
