"""What the emissions list's own columns exempt, and what they do not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from blindplate.client.owner.charging.exemptions import Exemption, exemption
from blindplate.client.owner.entries import Details

DAY = date(2026, 11, 24)
GRACE = date(2027, 10, 24)


def found(grace_until: date | None = GRACE, day: date = DAY, **says: Any) -> Exemption | None:
    return exemption(Details(**says), day, grace_until)


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ({}, None),
        ({"built": "1972"}, Exemption.BUILT_BEFORE_1973),
        ({"built": "1972-12-31"}, Exemption.BUILT_BEFORE_1973),
        ({"built": "1973"}, None),
        ({"built": "1973-01-01"}, None),
        ({"built": "1980"}, None),
        ({"tax_class": "Historic"}, None),
        ({"built": "1985", "tax_class": "Historic"}, Exemption.HISTORIC),
        ({"built": "1986-11-24", "tax_class": "historic"}, Exemption.HISTORIC),
        ({"built": "1986-11-25", "tax_class": "historic"}, None),
        ({"built": "1986", "tax_class": "historic"}, None),
        ({"vehicle_kind": "London-licensed taxi"}, Exemption.LONDON_TAXI),
        ({"vehicle_kind": "taxi"}, None),
        ({"vehicle_kind": "military"}, Exemption.MILITARY),
        ({"tax_class": "AGRICULTURAL MACHINE"}, Exemption.AGRICULTURAL),
        ({"tax_class": "mobile crane"}, Exemption.CRANE),
        ({"vehicle_kind": "non-road"}, Exemption.NON_ROAD),
        ({"tax_class": "Showman's HGV"}, Exemption.SHOWMANS),
        ({"tax_class": "disabled"}, Exemption.DISABLED),
        ({"vehicle_kind": "wheelchair accessible"}, Exemption.WHEELCHAIR_ACCESSIBLE),
        ({"built": "long ago", "tax_class": "private", "vehicle_kind": "car"}, None),
        ({"built": "０１９０"}, None),
        ({"built": "0000"}, None),
    ],
)
def test_what_a_list_says_exempts(says: dict[str, Any], expected: Exemption | None) -> None:
    assert found(**says) is expected


@pytest.mark.parametrize("says", [{"tax_class": "disabled"}, {"vehicle_kind": "wheelchair-accessible"}])
def test_grace_ends(says: dict[str, Any]) -> None:
    assert found(GRACE, GRACE, **says) is not None
    assert found(GRACE, date(2027, 10, 25), **says) is None
    assert found(None, **says) is None
    # Another reason is under no grace.
    assert found(None, built="1960", **says) is Exemption.BUILT_BEFORE_1973
