"""The terms of a charging authority that are its own to set: amounts, periods of grace, how late payments may be entered.

Amounts are in pence, so that they are exact. How many days there are to pay is the grant's. Docs/charging.md.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from blindplate.core.statements.model import Part

_DAY_SECONDS = 86_400


class ChargingSettings(Part):
    """What is charged and demanded, in ``currency`` (ISO 4217), and from when.

    A notice demands ``penalty_pence``, or ``reduced_pence`` within ``reduced_days`` of its issue. ``prepay_days`` is how
    long before a day it may be paid for. ``opening_delay_seconds`` after payment has closed the daemon publishes the
    list to be opened: until then the last payments can be entered. Until ``grace_until``, that day included, vehicles in
    grace are exempt.
    """

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "GBP"
    charge_pence: Annotated[int, Field(ge=0)] = 1_250
    penalty_pence: Annotated[int, Field(ge=0)] = 18_000
    reduced_pence: Annotated[int, Field(ge=0)] = 9_000
    reduced_days: Annotated[int, Field(ge=0, le=365)] = 14
    prepay_days: Annotated[int, Field(ge=0, le=3_650)] = 90
    opening_delay_seconds: Annotated[int, Field(ge=0, le=_DAY_SECONDS // 2)] = 10_800
    grace_until: date | None = None
