"""The owner's tables: its list and commitments to it, uploads and their keys, answers, hits, requests, what they revealed.

The file holds plates and secrets: it lies in a folder of mode 0700 with mode 0600 itself (``store``). Times are
seconds since 1970, UTC. Specified in docs/spec/owner.md section 3.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    text,
)

from blindplate.client.owner.entries import Details

SCHEMA_VERSION: Final = 5
metadata: Final = MetaData()


def _details() -> tuple[Column[Any], ...]:
    """A column for each field of ``entries.Details``, under its name."""
    dates = ("weed_date", "effective_date")
    return tuple(
        Column(one.name, Date) if one.name in dates else Column(one.name, String, nullable=False)
        for one in fields(Details)
    )


# One row each time the list changed, or was to be committed to anew.
versions: Final = Table(
    "versions",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("made_at", Float, nullable=False),
    Column("added", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
)

# A vehicle listed again gets a row of its own: when it was listed is part of what an entry says.
entries: Final = Table(
    "entries",
    metadata,
    Column("entry_id", Integer, primary_key=True),
    Column("plate", LargeBinary, nullable=False),
    *_details(),
    Column("listed_version", Integer, ForeignKey("versions.version"), nullable=False),
    Column("listed_at", Float, nullable=False),
    Column("removed_version", Integer, ForeignKey("versions.version")),
    Column("removed_at", Float),
    Index("one_entry_a_plate", "plate", unique=True, sqlite_where=text("removed_version IS NULL")),
    Index("entries_by_version", "listed_version", "removed_version"),
    sqlite_autoincrement=True,
)

# What the leaf of an entry said in versions up to ``last_version``, where it says something else since.
former_details: Final = Table(
    "former_details",
    metadata,
    Column("entry_id", Integer, ForeignKey("entries.entry_id"), primary_key=True),
    Column("last_version", Integer, primary_key=True),
    Column("reason", String, nullable=False),
    Column("officer", String, nullable=False),
    Column("weed_date", Date),
    Column("priority", String, nullable=False),
    sqlite_with_rowid=False,
)

# Vehicles submitted that do not count yet: each becomes an entry on its effective date.
waiting: Final = Table(
    "waiting",
    metadata,
    Column("plate", LargeBinary, primary_key=True),
    *_details(),
    Column("listed_at", Float, nullable=False),
    sqlite_with_rowid=False,
)

# Each list file that was taken, in order. ``revision`` is what it calls itself, ``digest`` SHA-256 of its bytes.
list_files: Final = Table(
    "list_files",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("revision", Integer),
    Column("digest", LargeBinary, nullable=False),
    Column("taken_at", Float, nullable=False),
    sqlite_autoincrement=True,
)

# F_D of a plate: evaluated once a plate, zone and generation, for every epoch to come. ``salt`` hides its leaf.
evaluations: Final = Table(
    "evaluations",
    metadata,
    Column("plate", LargeBinary, primary_key=True),
    Column("zone", String, primary_key=True),
    Column("generation", Integer, primary_key=True),
    Column("f", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# A version of the list that the ledger has, or is to get: ``statement`` as signed, ``ledger_index`` once it has its
# receipt, ``effective_at`` and ``checkpoint`` once both custodians have witnessed it. ``scope`` is that of ``segments``.
commitments: Final = Table(
    "commitments",
    metadata,
    Column("version", Integer, ForeignKey("versions.version"), primary_key=True),
    Column("scope", String, nullable=False),
    Column("leaves", Integer, nullable=False),
    Column("statement", String, nullable=False),
    Column("made_at", Integer, nullable=False),
    Column("ledger_index", Integer),
    Column("effective_at", Integer),
    Column("checkpoint", LargeBinary),
)

# Covers the entries listed by versions first..last that still stood in version ``as_of``. ``scope`` is what it was
# made for: grant, domains and cut of the epochs; ``stage`` what a hit in it gives. ``secret`` is destroyed, and only it,
# when no answer can come any more.
segments: Final = Table(
    "segments",
    metadata,
    Column("segment_id", LargeBinary, primary_key=True),
    Column("scope", String, nullable=False),
    Column("epoch_index", Integer, nullable=False),
    Column("epoch_ends", Float, nullable=False),
    Column("stage", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("first_version", Integer, nullable=False),
    Column("last_version", Integer, nullable=False),
    Column("as_of", Integer, nullable=False),
    Column("matches_from", Integer, nullable=False),
    Column("bins", Integer, nullable=False),
    Column("degree", Integer, nullable=False),
    Column("parameter_set", String, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("state", String, nullable=False),
    Column("secret", LargeBinary),
    Column("made_at", Float, nullable=False),
    Index("segments_by_epoch", "epoch_index", "state"),
)

# ``kept`` counts the reads that the answer's retention tokens kept: nothing else is stored of them.
answers: Final = Table(
    "answers",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("segment_id", LargeBinary, nullable=False),
    Column("outcome", String, nullable=False),
    Column("hits", Integer, nullable=False),
    Column("kept", Integer, nullable=False),
    Column("received_at", Float, nullable=False),
    Column("acknowledged", Boolean, nullable=False),
)

# ``captured_at`` is the capture as the record's header has it, rounded down: from it on the days of evidence are counted.
hits: Final = Table(
    "hits",
    metadata,
    Column("hit_id", Integer, primary_key=True),
    Column("record_id", LargeBinary, nullable=False, unique=True),
    Column("sequence", Integer, nullable=False),
    Column("segment_id", LargeBinary, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("record", LargeBinary, nullable=False),
    Column("match_secret", LargeBinary, nullable=False),
    Column("state", String, nullable=False),
    Column("received_at", Float, nullable=False),
    Column("captured_at", Float, nullable=False),
    Index("hits_by_capture", "captured_at"),
    sqlite_autoincrement=True,
)

# ``candidates`` goes with the request, ``entry`` into the ledger before it.
requests: Final = Table(
    "requests",
    metadata,
    Column("request_id", LargeBinary, primary_key=True),
    Column("hit_id", Integer, ForeignKey("hits.hit_id"), nullable=False),
    Column("statement", String, nullable=False),
    Column("candidates", LargeBinary, nullable=False),
    Column("entry", String, nullable=False),
    Column("ledger_index", Integer),
    Column("reply_seed", LargeBinary),
    Column("purpose", String, nullable=False),
    Column("case_reference", String, nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("emergency", Boolean, nullable=False),
    Column("made_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Index("requests_of_hit", "hit_id"),
)

# What each custodian said last; ``sealed_share`` once it approved.
replies: Final = Table(
    "replies",
    metadata,
    Column("request_id", LargeBinary, ForeignKey("requests.request_id"), primary_key=True),
    Column("custodian", String, primary_key=True),
    Column("standing", String, nullable=False),
    Column("code", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("sealed_share", LargeBinary),
    Column("decision", String),
)

reveals: Final = Table(
    "reveals",
    metadata,
    Column("hit_id", Integer, ForeignKey("hits.hit_id"), primary_key=True),
    Column("entry_id", Integer, ForeignKey("entries.entry_id"), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("revealed_at", Float, nullable=False),
)

# What is still to be entered in the ledger of what came of releases, and what was.
outcomes: Final = Table(
    "outcomes",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("request_id", LargeBinary, ForeignKey("requests.request_id"), nullable=False),
    Column("outcome", String, nullable=False),
    Column("statement", String, nullable=False),
    Column("ledger_index", Integer),
    sqlite_autoincrement=True,
)
