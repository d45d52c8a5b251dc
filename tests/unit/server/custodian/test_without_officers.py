"""Releases without an officer: automatic, under a standing authorisation, in an emergency; and what never is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from blindplate.core.membership import ranked_digest
from blindplate.core.statements.cameras import CameraStanding
from blindplate.core.statements.grants import ListKind, ReleaseMode, ReleasePolicy, StandingAuthorisation
from blindplate.core.statements.priorities import Priority
from blindplate.core.statements.purposes import Purpose
from blindplate.server.custodian.docket import Standing

from .books import Committed
from .desk import DOMAIN, LISTED, NOW, Desk

DAY = 86_400
EMISSIONS = {
    "list_kind": ListKind.EMISSIONS,
    "release": ReleasePolicy(mode=ReleaseMode.AUTOMATIC, daily_quota=3),
}
STANDING = {
    "release": ReleasePolicy(
        mode=ReleaseMode.STANDING,
        daily_quota=4,
        standing=StandingAuthorisation(purposes=(Purpose.MURDER, Purpose.TERRORISM), daily_quota=2),
    )
}
EMERGENCY = {"release": ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=2, emergency=True)}
Opens = Callable[..., Desk]


@pytest.fixture
def opens(engine: Engine, tmp_path: Path) -> Opens:
    """A desk over a grant of other terms."""

    def open_desk(terms: dict[str, Any]) -> Desk:
        return Desk(tmp_path, engine, terms=terms)

    return open_desk


def how(desk: Desk, standing: Standing) -> tuple[str, bool, bool, int]:
    """Code, automatic, emergency, officers, as entered."""
    (entry,) = [one for one in desk.entries() if one.request_id == standing.request_id]
    return (entry.code, entry.automatic, entry.emergency, entry.officers)


def test_an_emissions_release_is_automatic(opens: Opens) -> None:
    desk = opens(EMISSIONS)
    standing = desk.ask(desk.sealed(), purpose=Purpose.UNPAID_CHARGE)
    assert how(desk, standing) == ("ok", True, False, 0)


def test_an_emissions_list_chases_unpaid_charges_alone(opens: Opens) -> None:
    desk = opens(EMISSIONS)
    assert desk.outcome(desk.ask(desk.sealed(), purpose=Purpose.MURDER)) == "policy"


def test_automatic_releases_a_day(opens: Opens) -> None:
    desk = opens(EMISSIONS)
    sealed = desk.sealed()
    for _ in range(3):
        assert how(desk, desk.ask(sealed, purpose=Purpose.UNPAID_CHARGE))[0] == "ok"
    assert desk.outcome(desk.ask(sealed, purpose=Purpose.UNPAID_CHARGE)) == "quota"
    desk.clock.moment += DAY
    assert how(desk, desk.ask(sealed, purpose=Purpose.UNPAID_CHARGE))[0] == "ok"


def test_a_standing_authorisation_spares_officers_within_its_quota(opens: Opens) -> None:
    desk = opens(STANDING)
    sealed = desk.sealed()
    for purpose in (Purpose.MURDER, Purpose.TERRORISM):
        assert how(desk, desk.ask(sealed, purpose=purpose)) == ("ok", True, False, 0)
    # Beyond it officers decide; their approvals count against the daily quota, not against the authorisation.
    beyond = desk.ask(sealed, purpose=Purpose.MURDER)
    assert beyond.state == "pending"
    assert desk.say("anna", beyond.request_id).state == "approved"
    assert how(desk, beyond) == ("ok", False, False, 1)
    desk.clock.moment += DAY
    assert how(desk, desk.ask(sealed, purpose=Purpose.MURDER)) == ("ok", True, False, 0)


def test_a_standing_authorisation_is_for_its_purposes_alone(opens: Opens) -> None:
    desk = opens(STANDING)
    assert desk.ask(desk.sealed(), purpose=Purpose.ROAD_SAFETY).state == "pending"


def test_a_standing_authorisation_is_for_entries_of_its_priorities_alone(opens: Opens) -> None:
    standing = StandingAuthorisation(
        purposes=(Purpose.MURDER,), daily_quota=5, priorities=(Priority.HIGH, Priority.MEDIUM)
    )
    policy = ReleasePolicy(mode=ReleaseMode.STANDING, daily_quota=5, standing=standing)
    desk = opens({"release": policy})
    stated = desk.version.details
    high = Committed(2, DOMAIN, (LISTED,), ranked_digest(stated, Priority.HIGH))
    desk.book.commit(desk.grant, high, NOW - 600, before=3)

    def asked(**opened: Any) -> Standing:
        sealed = desk.sealed(captured=NOW - 60)
        return desk.ask(sealed, desk.candidates(high.candidates(**opened)), purpose=Purpose.MURDER)

    assert how(desk, asked(stated=stated, priority="high")) == ("ok", True, False, 0)
    # The owner need not show it: then it counts for nothing, and officers decide.
    assert asked().state == "pending"
    assert desk.outcome(asked(stated=stated, priority="medium")) == "membership"


def test_the_daily_quota_holds_whatever_a_standing_authorisation_has_left(opens: Opens) -> None:
    desk = opens(STANDING)
    sealed = desk.sealed()
    waiting = [desk.ask(sealed, purpose=Purpose.ROAD_SAFETY) for _ in range(4)]
    for one in waiting:
        assert desk.say("anna", one.request_id).state == "approved"
    assert desk.outcome(desk.ask(sealed, purpose=Purpose.MURDER)) == "quota"


def test_an_emergency_skips_approval_and_is_flagged(opens: Opens) -> None:
    desk = opens(EMERGENCY)
    standing = desk.ask(desk.sealed(), emergency=True)
    assert how(desk, standing) == ("ok", True, True, 0)
    assert desk.ask(desk.sealed()).state == "pending"


def test_an_emergency_skips_nothing_but_approval(opens: Opens) -> None:
    desk = opens(EMERGENCY)
    assert desk.outcome(desk.ask(desk.sealed(b"plate two"), emergency=True)) == "membership"
    for _ in range(2):
        assert how(desk, desk.ask(desk.sealed(), emergency=True))[0] == "ok"
    assert desk.outcome(desk.ask(desk.sealed(), emergency=True)) == "quota"


every_way = pytest.mark.parametrize(
    ("terms", "changed"),
    [
        pytest.param(EMISSIONS, {"purpose": Purpose.UNPAID_CHARGE}, id="automatic"),
        pytest.param(STANDING, {"purpose": Purpose.MURDER}, id="standing"),
        pytest.param(EMERGENCY, {"emergency": True}, id="emergency"),
    ],
)


@every_way
def test_an_alternate_reading_always_waits_for_an_officer(
    opens: Opens, terms: dict[str, Any], changed: dict[str, Any]
) -> None:
    desk = opens(terms)
    standing = desk.ask(desk.sealed(alternate=True), **changed)
    assert standing.state == "pending"
    desk.say("anna", standing.request_id)
    assert how(desk, standing) == ("ok", False, False, 1)


@every_way
def test_a_record_of_a_suspected_camera_waits_for_an_officer_until_it_is_cleared(
    opens: Opens, terms: dict[str, Any], changed: dict[str, Any]
) -> None:
    desk = opens(terms)
    desk.book.tell("camera-1", "inner", desk.camera.public, NOW - 1, CameraStanding.SUSPECT)
    standing = desk.ask(desk.sealed(), **changed)
    assert standing.state == "pending"
    desk.say("anna", standing.request_id)
    assert how(desk, standing) == ("ok", False, False, 1)
    desk.book.tell("camera-1", "inner", desk.camera.public, NOW, CameraStanding.ENROLLED)
    assert how(desk, desk.ask(desk.sealed(), **changed))[3] == 0


def test_the_policy_in_force_now_decides_not_the_one_of_the_capture(opens: Opens) -> None:
    desk = opens(EMERGENCY)
    manual = ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=2)
    desk.book.enter_grant(desk.amended(amendment=1, release=manual), NOW - 120)
    assert desk.outcome(desk.ask(desk.sealed(captured=NOW - 600), emergency=True)) == "policy"
