"""Announcements of public keys: release keys of custodians, window keys of the matcher, evaluation keys of domains.

A key without an announcement signed by its pinned party is never used: a matcher that offers a custodian's key of
its own making is refused. Protocol sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal, TypeVar

from blindplate.core.errors import ExpiredError
from blindplate.core.parties import Custodian
from blindplate.core.statements.model import DomainPart, Hex32, HpkePublic, Moment, StatementModel


class ReleaseKey(StatementModel):
    """A custodian's HPKE key for envelopes sealed from ``not_before`` to ``not_after``; destroyed at ``destroyed_at``."""

    kind: ClassVar[str] = "release-key"

    version: Literal[1] = 1
    custodian: Custodian
    public: HpkePublic
    not_before: Moment
    not_after: Moment
    destroyed_at: Moment


class WindowKey(StatementModel):
    """The matcher's HPKE key for match secrets sealed from ``not_before`` to ``not_after``; destroyed at ``destroyed_at``."""

    kind: ClassVar[str] = "window-key"

    version: Literal[1] = 1
    public: HpkePublic
    not_before: Moment
    not_after: Moment
    destroyed_at: Moment


class EvaluationKey(StatementModel):
    """A custodian's public key (ristretto255) for one domain."""

    kind: ClassVar[str] = "evaluation-key"

    version: Literal[1] = 1
    custodian: Custodian
    domain: DomainPart
    public: Hex32


_Rotating = TypeVar("_Rotating", ReleaseKey, WindowKey)


def current(keys: Iterable[_Rotating], moment: float) -> _Rotating:
    """The key in force at ``moment`` (seconds since 1970, UTC) that began last. Raises ExpiredError when none is."""
    live = [key for key in keys if key.not_before <= moment < key.not_after]
    if not live:
        raise ExpiredError(
            "No announced key is in force.", "Check both clocks, then fetch the announcements again."
        )
    return max(live, key=lambda key: key.not_before)
