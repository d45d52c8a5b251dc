"""The tables of camera care: numbers of whole hours and the last sign of life, nothing of a vehicle.

``camera_hours`` has passes read in ``seconds`` of an hour numbered from 1970 (UTC); ``learnt`` is false of one under an
alarm. ``cameras`` has the last sign of life and what is wrong, by SPIFFE id; times are seconds since 1970 (UTC).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Float, PrimaryKeyConstraint, String, Table

from blindplate.server.matcher.tables import METADATA

_IDENTITY: Final = String(255)

cameras = Table(
    "cameras",
    METADATA,
    Column("identity", _IDENTITY, primary_key=True),
    Column("seen_at", Float, nullable=False),
    Column("alarm", String(15), nullable=False),
    Column("since", Float, nullable=False),
)

camera_hours = Table(
    "camera_hours",
    METADATA,
    Column("identity", _IDENTITY),
    Column("hour", BigInteger),
    Column("seconds", Float, nullable=False),
    Column("passes", BigInteger, nullable=False),
    Column("learnt", Boolean, nullable=False),
    PrimaryKeyConstraint("identity", "hour"),
)
