"""Subject tags: what lets custodian B, and nobody else, tell a keeper later which releases were of their vehicle.

    tag = HMAC-SHA256(k, encode("subject-tag", request id, F_D))          k: the key of the decision's month

Guarantees that two tags of one vehicle have nothing in common for anyone without the month's key: a tag is bound to
its request. So a search tries every release of a domain, one after another, and grows with their number. Whether the
searcher may ask is for ``subjects`` to say. Protocol section 6.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, delete, insert, select

from blindplate.core.domains import Domain
from blindplate.core.encoding import encode
from blindplate.edge.logs import log
from blindplate.server.custodian.storage import writing
from blindplate.server.custodian.subject_keys import SubjectKeys
from blindplate.server.custodian.tables import DECISIONS, OUTBOX, SUBJECT_TAGS

_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Tagged:
    """A release: the request's id (32 bytes) and where its decision stands in the ledger."""

    request_id: bytes
    ledger_index: int


@dataclass(frozen=True, slots=True)
class SubjectTags:
    """The tags made under ``keys``."""

    keys: SubjectKeys

    def tag(
        self, connection: Connection, request_id: bytes, domain: Domain, f: bytes, moment: float
    ) -> bytes:
        """Store and give the tag (32 bytes) of a release decided at ``moment``; ``f`` is F_D (64 bytes).

        Needs a writing transaction. Raises StorageError or UnavailableError when there is no key to be had.
        """
        month, key = self.keys.at(moment)
        tag = subject_tag(key, request_id, f)
        connection.execute(
            insert(SUBJECT_TAGS).values(request_id=request_id, domain=_name(domain), month=month, tag=tag)
        )
        return tag

    def search(self, connection: Connection, outputs: Mapping[Domain, bytes]) -> Iterator[Tagged]:
        """The releases of the vehicle whose outputs (F_D, 64 bytes) by domain these are.

        A release is found once its decision has its place in the ledger, and until the key of its month is destroyed.
        Raises UnavailableError when a key cannot be read.
        """
        keys = self.keys.all()
        for domain, f in outputs.items():
            for row in _tags(connection, domain):
                key = keys.get(row.month)
                if key is not None and hmac.compare_digest(subject_tag(key, row.request_id, f), row.tag):
                    yield from _entered(connection, row.request_id)

    def forget(self, engine: Engine, moment: float) -> None:
        """Destroy the keys whose retention is over at ``moment``, and their tags. Raises StorageError."""
        months = self.keys.destroy_due(moment)
        if months:
            log().info("subject-keys-destroyed", months=months)
            with writing(engine) as connection:
                connection.execute(delete(SUBJECT_TAGS).where(SUBJECT_TAGS.c.month.in_(months)))


def subject_tag(key: bytes, request_id: bytes, f: bytes) -> bytes:
    """The tag (32 bytes) of a release under the key of its month (32 bytes); ``f`` is F_D of the plate (64 bytes)."""
    return hmac.digest(key, encode("subject-tag", request_id, f), "sha256")


@dataclass(frozen=True, slots=True)
class _Tag:
    request_id: bytes
    month: str
    tag: bytes


def _tags(connection: Connection, domain: Domain) -> Iterator[_Tag]:
    chosen = select(SUBJECT_TAGS.c.request_id, SUBJECT_TAGS.c.month, SUBJECT_TAGS.c.tag).where(
        SUBJECT_TAGS.c.domain == _name(domain)
    )
    # Not all at once: there may be millions.
    for row in connection.execution_options(yield_per=_ROWS).execute(chosen):
        yield _Tag(row.request_id, row.month, row.tag)


def _entered(connection: Connection, request_id: bytes) -> Iterator[Tagged]:
    index = connection.execute(
        select(OUTBOX.c.ledger_index)
        .join(DECISIONS, DECISIONS.c.entry_id == OUTBOX.c.statement_id)
        .where(DECISIONS.c.request_id == request_id, OUTBOX.c.ledger_index.is_not(None))
    ).scalar_one_or_none()
    if index is not None:
        yield Tagged(request_id, index)


def _name(domain: Domain) -> str:
    # No part of a domain holds a slash.
    return f"{domain.list_id}/{domain.zone}/{domain.generation}"
