"""Upload manifests: what an owner says of one encrypted segment, signed, before the first ciphertext.

Protocol section 5. The matcher checks the manifest against the grant and every ciphertext against the manifest.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from blindplate.core.statements.model import Count, EpochPart, Hex16, Hex32, Moment, Name, StatementModel


class Stage(StrEnum):
    """What a hit in a segment gives its owner (protocol sections 5 and 8).

    MATCH: the match secret, at once. KEEP: a retention token, with which the read is kept until payment has closed.
    OPEN: the match secret of a kept read, after that. A grant with charging terms takes the last two alone, any other
    the first.
    """

    MATCH = "match"
    KEEP = "keep"
    OPEN = "open"


class Manifest(StatementModel):
    """One segment of a list for one epoch and ``stage``. ``number`` 0 is the stage's base, others are deltas.

    ``ciphertexts`` is degree + 1 in number and ``blobs_sha256`` the SHA-256 over their bytes in order. ``salt``
    chooses the bins. ``matches_from`` is the earliest capture (seconds since 1970, UTC) the segment matches.
    """

    kind: ClassVar[str] = "manifest"

    version: Literal[1] = 1
    grant_id: Name
    list_id: Name
    list_version: Count
    epoch: EpochPart
    number: Annotated[int, Field(ge=0, lt=10_000)]
    parameter_set: Name
    parameter_digest: Hex32
    bins: Annotated[int, Field(ge=1, le=1 << 20)]
    degree: Annotated[int, Field(ge=1, le=1 << 16)]
    salt: Hex16
    ciphertexts: Annotated[int, Field(ge=2, le=(1 << 16) + 1)]
    blobs_sha256: Hex32
    matches_from: Moment
    made_at: Moment
    stage: Stage = Stage.MATCH
