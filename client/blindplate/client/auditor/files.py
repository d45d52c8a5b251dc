"""The ledger's public files one by one: fetched, and held against what they must be.

Believes nothing of the source. What everything rests on raises when it is not there; what follows from the entries gives
a finding when it does not. Protocol section 7; docs/spec/ledger.md section 3.
"""

from __future__ import annotations

import hmac

from blindplate.client.auditor.findings import Finding, Kind, Severity
from blindplate.client.auditor.witnessed import require_signed_by_all
from blindplate.core.errors import MessageError, NotFoundError, SignatureError
from blindplate.core.ledger.bundles import decode_bundle
from blindplate.core.ledger.checkpoints import LedgerKeys, SignedCheckpoint
from blindplate.core.ledger.entries import parse_document
from blindplate.core.ledger.layout import CHECKPOINT, TILE_WIDTH, Tile, entries_path
from blindplate.core.ledger.state import LedgerState
from blindplate.core.merkle import HASH_BYTES
from blindplate.edge.ledger.source import LedgerSource

ALTERED = "does not hold what follows from the entries"
MISSING = "has to be there and is not"


def fetch_checkpoint(source: LedgerSource, keys: LedgerKeys) -> SignedCheckpoint:
    """The ledger's checkpoint of now, signed by it and both custodians and by nobody else.

    Raises MessageError, SignatureError, UnwitnessedError; NotFoundError and UnavailableError when it cannot be had.
    """
    try:
        return require_signed_by_all(source.get(CHECKPOINT), keys)
    except NotFoundError:
        raise NotFoundError(
            f"There is no ledger: no file {CHECKPOINT} is there.",
            f"Name the address or folder in which {CHECKPOINT}, tile and documents lie.",
        ) from None
    except SignatureError as error:
        raise SignatureError(
            error.what,
            "Make sure that the keys file is this ledger's own. If it is, keep the checkpoint and tell both custodians.",
        ) from None


def fetch_bundle(source: LedgerSource, bundle: Tile) -> list[bytes]:
    """The entries of a bundle, as many as it is wide. Raises MessageError, NotFoundError, UnavailableError."""
    try:
        entries = decode_bundle(source.get(entries_path(bundle.index, bundle.width)))
    except NotFoundError:
        if bundle.width == TILE_WIDTH:
            raise
        # The ledger has grown since its checkpoint was read, and keeps the full bundle alone.
        entries = decode_bundle(source.get(entries_path(bundle.index)))[: bundle.width]
    if len(entries) != bundle.width:
        raise MessageError("A bundle of the ledger does not hold as many entries as its path says.")
    return entries


def require_document(state: LedgerState, digest: bytes, document: bytes) -> None:
    """Check that ``document`` is the register of this digest with the operator's signature alone.

    Raises MessageError, EntryError or SignatureError.
    """
    state.open_document(digest, document)
    if len(parse_document(document).signatures) != 1:
        raise SignatureError("It bears signatures that nobody asked for.")


def compared(source: LedgerSource, tile: Tile, content: bytes) -> Finding | None:
    """What is wrong with a tile's file, which must hold ``content``. Raises UnavailableError."""
    found = _read(source, tile)
    if found is None and tile.width < TILE_WIDTH:
        # As for bundles, a full one stands in for a partial one.
        full = _read(source, Tile(tile.level, tile.index))
        found = None if full is None else full[: tile.width * HASH_BYTES]
    if found is None:
        return wrong(Kind.FILE_MISSING, tile.path, MISSING)
    if not hmac.compare_digest(found, content):
        return wrong(Kind.FILE_ALTERED, tile.path, ALTERED)
    return None


def wrong(kind: Kind, path: str, what: str) -> Finding:
    """A violation about one public file."""
    return Finding(None, kind, Severity.VIOLATION, f"The public file {path} {what}.")


def _read(source: LedgerSource, tile: Tile) -> bytes | None:
    """The tile's bytes, none for a file longer than a tile can be; None without a file."""
    try:
        return source.get(tile.path)
    except NotFoundError:
        return None
    except MessageError:
        return b""
