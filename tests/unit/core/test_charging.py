"""Charging days end when payment closes, and a retention token gives nothing away of the secret it is made of."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.charging import (
    RETENTION_TOKEN_BYTES,
    charging_day,
    check_retention,
    commit_retention,
    is_free,
    payment_closes,
    retention_token,
)
from blindplate.core.domains import CHARGING_DAY, HOURLY, LONDON, Epoch
from blindplate.core.errors import CountError, MatchProofError, MessageError
from blindplate.core.records.commitments import commit_match, match_proof
from blindplate.core.statements.grants import ChargingTerms, Grant
from blindplate.core.statements.matching import RecordCount
from blindplate.core.statements.uploads import Manifest, Stage
from tests.unit.core.test_statement_model import MANIFEST

SECRETS = st.binary(min_size=16, max_size=16)
DIGESTS = st.binary(min_size=32, max_size=32)
DAY = 86_400
GRANT: dict[str, Any] = {
    "grant_id": "emissions",
    "owner": "spiffe://blindplate/owner/emissions",
    "owner_key": bytes(32),
    "list_id": "emissions",
    "list_kind": "emissions",
    "zones": [{"zone": "inner", "generation": 1, "register_digest": bytes(32)}],
    "not_before": 0,
    "not_after": 1 << 33,
    "notice_seconds": 1,
    "purpose": "charge",
    "lawful_basis": "statute",
    "privacy_assessment": {"address": "here", "sha256": b"p" * 32},
    "equality_assessment": {"address": "there", "sha256": b"e" * 32},
    "consultation": "held",
    "decision": "taken",
    "list_size": 1,
    "capacity": 1,
    "evaluations_per_day": 1,
    "evaluations_per_generation": 1,
    "release": {"mode": "automatic", "daily_quota": 1},
    "disclosure": {"fields": ["capture-time"], "time_granularity_seconds": 3600},
    "epoch": {"kind": "charging-day"},
    "window_seconds": 7 * DAY,
    "parameter_set": "prompt",
}


def grant(**changes: Any) -> Grant:
    return Grant.model_validate(GRANT | changes)


def london(*moment: int) -> float:
    return datetime(*moment, tzinfo=LONDON).timestamp()  # type: ignore[arg-type, misc]  # year to minute, spread


@pytest.mark.parametrize(
    ("captured", "days", "closes"),
    [
        ((2027, 1, 12, 0, 0), 3, (2027, 1, 16)),
        ((2027, 1, 12, 23, 59), 3, (2027, 1, 16)),
        ((2027, 1, 12, 12, 0), 0, (2027, 1, 13)),
        # The clocks go forward on 28 March 2027 and back on 31 October.
        ((2027, 3, 27, 12, 0), 3, (2027, 3, 31)),
        ((2027, 10, 30, 12, 0), 1, (2027, 11, 1)),
    ],
)
def test_payment_closes_at_a_midnight_of_london(
    captured: tuple[int, ...], days: int, closes: tuple[int, ...]
) -> None:
    assert payment_closes(charging_day(london(*captured)), days) == london(*closes)


def test_days_of_23_and_25_hours_end_when_london_says_so() -> None:
    for day, hours in (((2027, 3, 28), 23), ((2027, 10, 31), 25)):
        epoch = charging_day(london(*day))
        assert payment_closes(epoch, 0) - epoch.start() == hours * 3600


@given(st.integers(0, 40_000), st.integers(0, 30))
def test_nothing_closes_before_its_day_is_over(index: int, days: int) -> None:
    day = Epoch(CHARGING_DAY, index)
    closes = payment_closes(day, days)
    assert closes >= day.end() + days * DAY - 3600
    assert payment_closes(day, days + 1) > closes
    assert charging_day(closes).index == index + days + 1


def test_an_hour_is_no_charging_day() -> None:
    with pytest.raises(MessageError):
        payment_closes(HOURLY.at(0), 3)


def test_christmas_day_alone_is_free() -> None:
    free = [day for day in (date.fromordinal(n) for n in range(739_000, 739_000 + 366)) if is_free(day)]
    assert [(day.month, day.day) for day in free] == [(12, 25)]


@given(SECRETS, DIGESTS, DIGESTS)
def test_a_token_retains_its_own_record_and_is_neither_secret_nor_proof(
    secret: bytes, header: bytes, other: bytes
) -> None:
    token = retention_token(secret, header)
    assert len(token) == RETENTION_TOKEN_BYTES
    check_retention(header, token, commit_retention(header, token))
    for wrong in (secret, match_proof(secret, header), match_proof(secret, header)[:16]):
        with pytest.raises(MatchProofError):
            check_retention(header, wrong, commit_retention(header, token))
    # As a match secret it opens nothing.
    assert commit_match(header, match_proof(token, header)) != commit_match(
        header, match_proof(secret, header)
    )
    if other != header:
        with pytest.raises(MatchProofError):
            check_retention(other, retention_token(secret, other), commit_retention(header, token))


def test_a_grant_with_charging_terms_is_of_emissions_by_charging_days_and_leaves_a_day_to_open() -> None:
    terms = {"payment_days": 3}
    assert grant(charging=terms).charging == ChargingTerms(payment_days=3)
    assert grant(charging=terms, window_seconds=5 * DAY).charging is not None
    for changes in (
        {"window_seconds": 5 * DAY - 1},
        {"evidence_days": 4},
        {"list_kind": "hotlist", "release": {"mode": "manual", "daily_quota": 1}},
        {"epoch": {"kind": "span", "seconds": 3600}},
        {"charging": {"payment_days": 31}},
        {"charging": {"payment_days": -1}},
    ):
        with pytest.raises(ValueError, match=r"charging|window|evidence|payment_days"):
            grant(**{"charging": terms, **changes})


def test_statements_of_before_have_neither_terms_nor_stage() -> None:
    manifest = json.loads(MANIFEST.model_dump_json())
    del manifest["stage"]
    assert Manifest.parsed(json.dumps(manifest).encode()).stage is Stage.MATCH
    granted = json.loads(grant().model_dump_json())
    del granted["charging"]
    assert Grant.parsed(json.dumps(granted).encode()).charging is None


@pytest.mark.parametrize("changes", [{"kept": 5}, {"erased_unopened": 3}])
def test_a_part_of_a_count_is_no_more_than_the_whole(changes: dict[str, int]) -> None:
    sound = {
        "received": 10,
        "answered": 12,
        "claimed": 4,
        "erased_acknowledged": 2,
        "erased_unclaimed": 0,
        "erased_claimed": 0,
        "open": 4,
        "kept": 4,
        "erased_unopened": 2,
    }
    RecordCount(list_id="emissions", zone="inner", **sound).require_balanced()
    with pytest.raises(CountError):
        RecordCount(list_id="emissions", zone="inner", **{**sound, **changes}).require_balanced()
