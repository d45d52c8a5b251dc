"""What an officer looks at before acting on a revealed hit: the image, and whether vehicle and list entry agree.

Guarantees that a colour or make that differs is told as such, that what is missing on either side is never told as
agreement, and that an image is a file of its owner alone in the owner's folder. It does not recognise anything: what the
vehicle looks like is the engine's word, and the comparison is of words. Specified in docs/spec/owner.md section 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from blindplate.client.owner.reveal import Revealed
from blindplate.core.errors import StorageError
from blindplate.edge.keyfiles import write_secret

_FOLDER: Final = "images"
_SUFFIXES: Final = {"image/jpeg": ".jpg", "image/png": ".png"}
# What lists and engines write for the same: the first word stands for all of its row.
_SAME: Final = (
    ("grey", "gray"),
    ("beige", "cream"),
    ("volkswagen", "vw"),
    ("mercedes", "mercedesbenz", "benz"),
    ("landrover", "rangerover"),
    ("vauxhall", "opel"),
    ("citroen", "citroën"),
)
_STANDS_FOR: Final = {name: row[0] for row in _SAME for name in row}
_SHORTEST: Final = 3


class Agreement(StrEnum):
    """How what the engine saw and what the list says compare; unknown where one of them says nothing."""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Compared:
    """One feature of the vehicle as seen and as listed, each in its own words."""

    feature: str
    seen: str
    listed: str

    @property
    def agreement(self) -> Agreement:
        """Compared without case and punctuation; a name that begins with the other is the same."""
        seen, listed = _plain(self.seen), _plain(self.listed)
        if not seen or not listed:
            return Agreement.UNKNOWN
        shorter, longer = sorted((seen, listed), key=len)
        same = shorter == longer or (len(shorter) >= _SHORTEST and longer.startswith(shorter))
        return Agreement.SAME if same else Agreement.DIFFERENT


def compare(revealed: Revealed) -> tuple[Compared, ...]:
    """Make, model and colour of a revealed hit."""
    listed = revealed.entry.details
    return (
        Compared("make", revealed.vehicle_make, listed.make),
        Compared("model", revealed.vehicle_model, listed.model),
        Compared("colour", revealed.vehicle_colour, listed.colour),
    )


def warnings(revealed: Revealed) -> tuple[str, ...]:
    """What calls for a second look before anyone acts, in sentences; no plate in them."""
    told = [
        f"The {one.feature} differs: seen {one.seen}, listed {one.listed}."
        for one in compare(revealed)
        if one.agreement is Agreement.DIFFERENT
    ]
    if revealed.alternate:
        told.append("The read is an alternate spelling: the engine held another one likelier.")
    if not revealed.plate_patch:
        told.append("There is no image of the plate to compare.")
    return tuple(told)


def save_image(folder: Path, revealed: Revealed) -> Path | None:
    """Save the plate's image in the owner's ``folder``, mode 0600; None when the record holds none.

    Raises StorageError.
    """
    if not revealed.plate_patch:
        return None
    images = folder / _FOLDER
    try:
        images.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The folder {images} cannot be made: {error.strerror}.", "Make room or mend the disk."
        ) from None
    path = images / f"hit-{revealed.hit_id}{_SUFFIXES.get(revealed.plate_patch_type, '.bin')}"
    write_secret(path, revealed.plate_patch)
    return path


def _plain(text: str) -> str:
    name = "".join(filter(str.isalnum, text.casefold()))
    return _STANDS_FOR.get(name, name)
