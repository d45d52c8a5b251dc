"""Charging days, when payment for one closes, and what retains a read until then without opening it.

Guarantees that a retention token gives away nothing of the match secret it is derived from (HKDF, RFC 5869), nor of the
proof made of that for a release, and that it retains one record alone. Who may have a token or a secret when, is the
matcher's to decide. Days are those of Europe/London; nothing here reads a clock. Protocol section 8.
"""

from __future__ import annotations

import hmac
from datetime import date
from typing import Final

from blindplate.core.domains import CHARGING_DAY, Epoch
from blindplate.core.encoding import derive, digest
from blindplate.core.errors import MatchProofError, MessageError

RETENTION_TOKEN_BYTES: Final = 16
_FREE_DAYS: Final = frozenset({(12, 25)})


def charging_day(moment: float) -> Epoch:
    """The charging day that holds ``moment`` (seconds since 1970, UTC). Raises MessageError when no day does."""
    return CHARGING_DAY.at(moment)


def payment_closes(day: Epoch, payment_days: int) -> float:
    """The first moment (seconds since 1970, UTC) at which what was kept of ``day`` may be opened.

    It is London's midnight at the end of the ``payment_days``-th day after it. Raises MessageError for an epoch that
    is no charging day.
    """
    if day.rule != CHARGING_DAY:
        raise MessageError("Payment closes for charging days alone.")
    return Epoch(day.rule, day.index + payment_days + 1).start()


def is_free(day: date) -> bool:
    """Whether nothing is charged on ``day``: Christmas Day."""
    return (day.month, day.day) in _FREE_DAYS


def retention_token(match_secret: bytes, header_digest: bytes) -> bytes:
    """What travels in place of the match secret while payment is open (16 bytes): shows that the read was matched."""
    return derive(match_secret, "retention-token", header_digest, length=RETENTION_TOKEN_BYTES)


def commit_retention(header_digest: bytes, token: bytes) -> bytes:
    """c_r: what a token shown is checked against (32 bytes)."""
    return digest("commit-retention", header_digest, token)


def check_retention(header_digest: bytes, token: bytes, commitment: bytes) -> None:
    """Check that ``token`` opens ``commitment``, in constant time. Raises MatchProofError."""
    if not hmac.compare_digest(commit_retention(header_digest, token), commitment):
        raise MatchProofError("A retention token is not the one of that read.")
