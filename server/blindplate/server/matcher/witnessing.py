"""That a list version was witnessed before the first capture that an upload is to be matched with.

Guarantees, with what the ledger's replica says of the version, that both custodians had cosigned a ledger which holds it
in an earlier second than the segment's first: nothing listed only afterwards is ever sought in what was read before.
Within one second the order of cosignature and capture cannot be known. Protocol sections 5 and 6, guarantee G4.
"""

from __future__ import annotations

from blindplate.core.errors import UploadError
from blindplate.core.ledger.checkpoints import LedgerKeys, verify_checkpoint
from blindplate.core.ledger.versions import CommittedVersion


def require_witnessed(data: bytes, keys: LedgerKeys, version: CommittedVersion, matches_from: int) -> None:
    """Check the checkpoint ``data`` brought for a segment that matches captures from ``matches_from`` on (seconds).

    Raises MessageError or SignatureError for a checkpoint that is none of this ledger's, UnwitnessedError when not
    both custodians cosigned it, UploadError when it does not cover the version or was cosigned too late.
    """
    signed = verify_checkpoint(data, keys)
    witnessed_at = signed.require_both()
    if signed.checkpoint.size <= version.index:
        raise UploadError(
            f"The upload's checkpoint is of {signed.checkpoint.size} entries; its list version is entry {version.index}.",
            "Bring a checkpoint that both custodians cosigned after the version was entered.",
        )
    if matches_from <= witnessed_at:
        raise UploadError(
            f"The upload's list version was witnessed at {witnessed_at}, and is to match captures from "
            f"{matches_from} on.",
            "Let the segment match from a later second than both cosignatures, or bring an earlier checkpoint that "
            "covers the version.",
        )
