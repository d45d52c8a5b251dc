"""The page of a grant: everything that limits or permits is on it, in words, and who has not signed is said."""

from __future__ import annotations

from pathlib import Path

from blindplate.cli.grants.page import page, signatures
from blindplate.client.grants.description import draft, read_description
from blindplate.core.statements.grants import (
    ChargingTerms,
    Grant,
    ListKind,
    ReleaseMode,
    ReleasePolicy,
    StandingAuthorisation,
)
from blindplate.core.statements.priorities import Priority
from blindplate.core.statements.purposes import Purpose
from tests.unit.client.grants.papers import Papers, described, owner_settings


def shown(grant: Grant) -> dict[str, str]:
    return {line.question: line.answer for line in page(grant)}


def made(folder: Path) -> tuple[Papers, Grant]:
    papers = Papers()
    description = read_description(described(folder))
    statement = draft(description, folder, owner_settings(), papers.owner.public, papers.state)
    return papers, Grant.parsed(statement.payload)


def test_a_standing_authorisation_is_put_into_words(tmp_path: Path) -> None:
    _, grant = made(tmp_path)
    lines = shown(grant)
    assert lines["Who approves a release"] == (
        "nobody for murder, missing-person, up to 20 a day; beyond that 2 officers of each custodian, at most 200 a day"
        " at each custodian; in an emergency nobody, which is then public"
    )
    assert lines["Which list"] == "police: vehicles that are sought, at most 20,000 vehicles"
    assert "28 days after it is public" in lines["From when"]
    assert "01 March 2027 00:00 London time" in lines["From when"]
    assert "01 March 2028 00:00 London time" in lines["Until when"]
    assert lines["How long an unmatched record is kept"] == "1 day"
    assert "which camera saw it" in lines["What a released record says"]
    assert "direction" not in lines["What a released record says"]
    assert "dpia.pdf" in lines["Privacy assessment"]


def test_a_standing_authorisation_for_some_priorities_says_so(tmp_path: Path) -> None:
    _, grant = made(tmp_path)
    standing = StandingAuthorisation(
        purposes=(Purpose.MURDER,), daily_quota=20, priorities=(Priority.HIGH, Priority.MEDIUM)
    )
    policy = ReleasePolicy(mode=ReleaseMode.STANDING, daily_quota=50, standing=standing)
    told = shown(grant.model_copy(update={"release": policy}))["Who approves a release"]
    assert told.startswith("nobody for murder of entries of priority high or medium, up to 20 a day")


def test_charging_terms_are_put_into_words(tmp_path: Path) -> None:
    _, grant = made(tmp_path)
    question = "When what was matched may be opened"
    assert shown(grant)[question] == "as soon as it was matched"
    for days, told in (
        (3, "at the end of the 3. day after the charging day"),
        (0, "at the end of the charging day"),
    ):
        charged = grant.model_copy(update={"charging": ChargingTerms(payment_days=days)})
        assert told in shown(charged)[question]


def test_manual_and_automatic_release_are_told_apart(tmp_path: Path) -> None:
    _, grant = made(tmp_path)
    manual = grant.model_copy(update={"release": ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=5)})
    assert shown(manual)["Who approves a release"] == (
        "1 officer of each custodian, at most 5 a day at each custodian"
    )
    automatic = grant.model_copy(
        update={
            "list_kind": ListKind.EMISSIONS,
            "release": ReleasePolicy(mode=ReleaseMode.AUTOMATIC, daily_quota=5),
        }
    )
    assert "release by themselves" in shown(automatic)["Who approves a release"]


def test_whoever_has_not_signed_is_named(tmp_path: Path) -> None:
    papers, grant = made(tmp_path)
    statement = grant.statement(papers.operator, papers.custodian_b)
    told = {line.question: line.answer for line in signatures(statement, papers.parties)}
    assert told == {
        "Signed by Operator": "yes",
        "Signed by Custodian A": "no",
        "Signed by Custodian B": "yes",
    }
