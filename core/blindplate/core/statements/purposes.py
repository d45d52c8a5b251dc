"""The closed list of purposes for which a record may be released (protocol section 6)."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """What a release is for: an unpaid charge, or a class of offence or need as police forces report them."""

    UNPAID_CHARGE = "unpaid-charge"
    MURDER = "murder"
    ROBBERY_OR_THEFT = "robbery-or-theft"
    SEXUAL_OFFENCES = "sexual-offences"
    VIOLENCE = "violence"
    VEHICLE_CRIME = "vehicle-crime"
    TERRORISM = "terrorism"
    MISSING_PERSON = "missing-person"
    ROAD_SAFETY = "road-safety"
