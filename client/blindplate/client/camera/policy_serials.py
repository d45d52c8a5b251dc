"""The highest serial a camera has used of each zone's policy, remembered across restarts.

Guarantees that a serial is on the disk when ``remember`` returns, and that the file is whole. Whoever can write to the
camera's data can make it forget; what this keeps out is an old policy file put in the place of a newer one. Protocol
section 3.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from blindplate.core.errors import SettingsError, StorageError
from blindplate.core.statements.model import Count, Name
from blindplate.edge.keyfiles import read_public, write_secret

_SERIALS: Final = TypeAdapter(dict[Name, Count])


class PolicySerials:
    """A JSON file of serials by zone. Not safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one. Raises SettingsError when it cannot be used."""
        self._path = path
        self._highest = self._read()

    def require_newest(self, zone: str, serial: int) -> None:
        """Raise SettingsError when a policy of ``zone`` with a higher serial was used before."""
        if serial < self._highest.get(zone, serial):
            raise SettingsError(
                f"The policy of zone {zone} is older than one this camera has used.",
                f"Install the newest; only if the custodians count anew, delete {self._path} and start again.",
            )

    def remember(self, zone: str, serial: int) -> None:
        """Remember that a policy is used. Raises StorageError; then it is remembered until the process ends."""
        if serial <= self._highest.get(zone, -1):
            return
        self._highest[zone] = serial
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder of the camera's data cannot be made: {error.strerror}.",
                "Check its path and disk.",
            ) from None
        write_secret(self._path, _SERIALS.dump_json(self._highest))

    def _read(self) -> dict[str, int]:
        if not self._path.exists():
            return {}
        try:
            return _SERIALS.validate_json(read_public(self._path))
        except ValidationError:
            raise SettingsError(
                f"The file {self._path} does not hold the serials of policies.",
                "See who changed it; delete it once the newest policy is installed.",
            ) from None
