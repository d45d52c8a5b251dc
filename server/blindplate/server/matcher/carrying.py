"""What an answer carries for each of its reads: the match secret, or while payment is open a token in its place.

Guarantees that the secret of a read under charging terms is handed to no evaluator before the read is kept, payment for
its day has closed, and the segment is one to open it, whatever the segment and the clock said when it was uploaded.
A read whose stage is not the segment's is left out, and waits. Protocol sections 5 and 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from blindplate.core.charging import retention_token
from blindplate.core.statements.uploads import Stage
from blindplate.server.matcher.chunks import chunks
from blindplate.server.matcher.openings import header_digest_of, retention_opening
from blindplate.server.matcher.tables import records

Pair = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Carried:
    """(pseudonym, what a hit gives) by the read's number, for a batch.

    ``retained`` are the openings of tokens, by number; None where it is match secrets that are carried.
    """

    pairs: Mapping[int, Pair] = field(repr=False)
    retained: Mapping[int, bytes] | None = None


def carried(connection: Connection, stage: Stage, pairs: Mapping[int, Pair], now_ms: int) -> Carried:
    """What reads' (pseudonym, match secret) become in an answer of ``stage`` at ``now_ms`` (milliseconds, UTC)."""
    charging = _charging(connection, pairs)
    if stage is Stage.MATCH:
        return Carried({number: pair for number, pair in pairs.items() if number not in charging})
    if stage is Stage.KEEP:
        return _tokens(
            connection, {number: pairs[number] for number, one in charging.items() if not one.kept}
        )
    return Carried(
        {number: pairs[number] for number, one in charging.items() if one.kept and one.opens_ms <= now_ms}
    )


@dataclass(frozen=True, slots=True)
class _Charging:
    opens_ms: int
    kept: bool


def _charging(connection: Connection, pairs: Mapping[int, Pair]) -> dict[int, _Charging]:
    """Those of the reads that are under charging terms, oldest first."""
    query = select(records.c.number, records.c.opens_ms, records.c.kept_ms).order_by(records.c.number)
    return {
        row.number: _Charging(row.opens_ms, row.kept_ms is not None)
        for some in chunks(pairs)
        for row in connection.execute(
            query.where(records.c.opens_ms.is_not(None), records.c.number.in_(some))
        )
    }


def _tokens(connection: Connection, pairs: Mapping[int, Pair]) -> Carried:
    tokens: dict[int, Pair] = {}
    retained: dict[int, bytes] = {}
    for some in chunks(pairs):
        rows = connection.execute(
            select(records.c.number, records.c.opening).where(records.c.number.in_(some))
        )
        for row in rows:
            header_digest = header_digest_of(row.opening)
            y, s = pairs[row.number]
            tokens[row.number] = (y, retention_token(s, header_digest))
            retained[row.number] = retention_opening(header_digest, tokens[row.number][1])
    return Carried(tokens, retained)
