"""The page of a grant: everything that limits or permits is on it, in words, and who has not signed is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from blindplate.cli.grants.page import changes, page, signatures
from blindplate.client.grants.description import draft, read_description
from blindplate.core.signing import Statement
from blindplate.core.statements.disclosure import DisclosedField
from blindplate.core.statements.grants import (
    ChargingTerms,
    Grant,
    GrantedZone,
    ListKind,
    ReleaseMode,
    ReleasePolicy,
    StandingAuthorisation,
)
from blindplate.core.statements.model import EpochRulePart, Part
from blindplate.core.statements.policies import ZoneRegister
from blindplate.core.statements.priorities import Priority
from blindplate.core.statements.purposes import Purpose
from tests.unit.client.grants.papers import SETS, Papers, described, owner_settings


def shown(grant: Grant, registers: Mapping[bytes, ZoneRegister] | None = None) -> dict[str, str]:
    return {line.question: line.answer for line in page(grant, registers)}


def made(folder: Path) -> tuple[Papers, Grant]:
    papers = Papers()
    description = read_description(described(folder))
    return papers, draft(description, folder, owner_settings(), papers.owner.public, papers.state, SETS)


def test_a_standing_authorisation_is_put_into_words(tmp_path: Path) -> None:
    _, grant = made(tmp_path)
    lines = shown(grant)
    assert lines["Who approves a release"] == (
        "nobody for murder, missing person, up to 20 a day; beyond that 2 officers of each custodian, at most 200 a day"
        " at each custodian; in an emergency nobody, which is then public"
    )
    assert lines["Which list"] == "police: vehicles that are sought, at most 20,000 vehicles"
    assert "28 days after it is public" in lines["From when"]
    assert "01 March 2027 00:00:00 London time" in lines["From when"]
    assert "01 March 2028 00:00:00 London time" in lines["Until when"]
    assert lines["How long an unmatched record is kept"] == "1 day"
    assert lines["How long its owner may keep what was matched"].startswith("31 days from its capture")
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


def test_whoever_has_not_signed_is_named_and_who_has_no_business_to(tmp_path: Path) -> None:
    papers, grant = made(tmp_path)
    statement = grant.statement(papers.operator, papers.custodian_b)
    expected = {
        "Signed by the operator": "yes",
        "Signed by custodian A": "not yet",
        "Signed by custodian B": "yes",
    }
    assert told(statement, papers) == expected
    stranger = told(statement.signed_by(papers.owner), papers)
    assert papers.owner.key_id.hex() in stranger.pop("Signed by anyone else")
    assert stranger == expected


def test_a_false_signature_is_told_from_one_that_is_missing(tmp_path: Path) -> None:
    papers, grant = made(tmp_path)
    other = grant.model_copy(update={"list_size": grant.list_size + 1})
    moved = replace(grant.statement(), signatures=other.statement(papers.custodian_a).signatures)
    assert told(moved, papers) == {
        "Signed by the operator": "not yet",
        "Signed by custodian A": "NO: a signature in its name is FALSE",
        "Signed by custodian B": "not yet",
    }


def told(statement: Statement, papers: Papers) -> dict[str, str]:
    return {line.question: line.answer for line in signatures(statement, papers.parties)}


def test_the_number_of_cameras_is_told_where_the_ledger_knows_the_register(tmp_path: Path) -> None:
    papers, grant = made(tmp_path)
    assert shown(grant, papers.state.registers)["Where: zone inner"].startswith(
        "1 camera in its public register"
    )
    assert "NOT IN THE LEDGER" in shown(grant, {})["Where: zone inner"]
    assert "whose number the ledger tells" in shown(grant)["Where: zone inner"]


def test_how_far_a_vehicle_can_be_followed_is_told(tmp_path: Path) -> None:
    _, grant = made(tmp_path)
    question = "How far one vehicle can be followed without any release"
    assert "within a span of 1 hour (UTC) and one zone" in shown(grant)[question]
    daily = grant.model_copy(update={"epoch": EpochRulePart(kind="charging-day")})
    assert "within a charging day" in shown(daily)[question]


def test_an_amendment_is_shown_by_what_it_changes_alone(tmp_path: Path) -> None:
    _, grant = made(tmp_path)
    after = grant.model_copy(update={"amendment": 1, "list_size": 30_000})
    (line,) = changes(grant, after, None)
    assert line.question == "Which list"
    assert line.answer.splitlines()[1] == "becomes"
    assert "20,000" in line.answer
    assert "30,000" in line.answer
    outer = grant.zones[0].model_copy(update={"zone": "outer"})
    (line,) = changes(grant, grant.model_copy(update={"zones": (*grant.zones, outer)}), None)
    assert line.answer.startswith("not granted\nbecomes")


# Fields that say which edition of the format this is, and can be nothing else.
CONSTANT = {("version",)}
# What is no word that could just be added to.
OTHERS: Mapping[str, object] = {
    "list_kind": ListKind.EMISSIONS,
    "mode": ReleaseMode.AUTOMATIC,
    "kind": "charging-day",
    "charging": ChargingTerms(payment_days=3),
}


def others(model: Part, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Part]]:
    """The model with each of its fields, however deep, changed alone."""
    for name in type(model).model_fields:
        for deep, value in other_values(getattr(model, name), (*path, name)):
            yield deep, model.model_copy(update={name: value})


def other_values(value: Any, here: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if here in CONSTANT:
        return
    if isinstance(value, Part):
        yield from others(value, here)
    elif here == ("zones",):
        first, *rest = cast("tuple[GrantedZone, ...]", value)
        yield here, ()
        for deep, zone in others(first, here):
            yield deep, (zone, *rest)
    else:
        yield here, another(here[-1], value)


def another(name: str, value: object) -> object:
    match value:
        case bytes():
            return bytes(byte ^ 1 for byte in value)
        case bool():
            return not value
        case int() | float():
            return value + 7
        case frozenset():
            return frozenset({DisclosedField.VEHICLE})
        case tuple() if name == "priorities":
            return (Priority.LOW,)
        case tuple():
            return (Purpose.TERRORISM,)
        case _:
            return OTHERS.get(name, f"{value}-7")


def test_every_field_of_a_grant_is_on_the_page(tmp_path: Path) -> None:
    _, grant = made(tmp_path)
    before = page(grant, None)
    changed = dict(others(grant))
    assert len(changed) > len(Grant.model_fields)
    missing = [
        ".".join(path) for path, other in changed.items() if page(cast("Grant", other), None) == before
    ]
    assert not missing
