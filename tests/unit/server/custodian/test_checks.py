"""The one check that no camera of this project can be made to fail: a record's exact time in another epoch."""

from __future__ import annotations

import pytest

from blindplate.core.domains import HOURLY, Domain
from blindplate.core.errors import CommitmentError, GrantError
from blindplate.core.records.header import Header
from blindplate.server.custodian.checks import SKEW_SECONDS, _check_capture

from .statements import grant

# Two epochs meet inside the span the header's coarse time stands for.
HEADER = Header(
    record_id=bytes(16),
    camera_ref=bytes(32),
    domain=Domain("police", "inner", 1),
    epoch=HOURLY.at(5400),
    capture_time_ms=0,
    time_granularity_ms=7_200_000,
    alternate=False,
    key_id_a=bytes(16),
    key_id_b=bytes(16),
    c_y=bytes(32),
)
GRANT = grant(not_before=1_000, not_after=7_000)


def test_inside_the_headers_epoch_and_the_grant() -> None:
    _check_capture(HEADER, 3_600.0, GRANT, 5_000)
    _check_capture(HEADER, 5_000.0 + SKEW_SECONDS, GRANT, 5_000)


def test_exact_time_in_the_epoch_before() -> None:
    with pytest.raises(CommitmentError):
        _check_capture(HEADER, 3_599.999, GRANT, 5_000)


def test_exact_time_in_the_future() -> None:
    with pytest.raises(CommitmentError):
        _check_capture(HEADER, 5_001.0 + SKEW_SECONDS, GRANT, 5_000)


def test_exact_time_after_the_grant_although_the_coarse_time_is_inside() -> None:
    _check_capture(HEADER, 6_999.999, GRANT, 8_000)
    with pytest.raises(GrantError):
        _check_capture(HEADER, 7_000.0, GRANT, 8_000)
