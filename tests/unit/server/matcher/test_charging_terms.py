"""Whose terms a read is under: the strictest that may have been in force at its capture, whatever came or ended since."""

from __future__ import annotations

import pytest

from blindplate.core.charging import charging_day, payment_closes
from blindplate.core.domains import Domain
from blindplate.core.errors import GrantError, TooEarlyError
from blindplate.core.statements.grants import ChargingTerms, Grant, ListKind
from blindplate.core.statements.model import EpochRulePart
from blindplate.core.statements.uploads import Stage
from blindplate.server.matcher.grants import Grants
from blindplate.server.matcher.manifests import _require_stage
from tests.unit.core.ledger.entering import DAY, GRANT, MADE, changed, entry_of, granted

INNER = Domain("emissions", "inner", 1)
PLAIN = changed(
    GRANT,
    grant_id="emissions-1",
    list_id="emissions",
    list_kind=ListKind.EMISSIONS,
    epoch=EpochRulePart(kind="charging-day"),
    window_seconds=10 * DAY,
)
# The sample grant's notice is a day.
BEGINS = MADE + DAY
# The second amendment begins at noon, some days on.
CHANGE = charging_day(MADE + 10 * DAY).start() + 43_200


def after(*grants: Grant) -> Grants:
    """The first of these in force from BEGINS on, the others from CHANGE on."""
    state = granted()
    for number, grant in enumerate(grants):
        witnessed_at = MADE if number == 0 else int(CHANGE) - DAY
        applied = state.apply(10 + number, entry_of(grant), witnessed_at)
        assert applied.error is None, applied.error
    return Grants.of(state)


def terms(grant: Grant, days: int | None, **changes: object) -> Grant:
    charging = None if days is None else ChargingTerms(payment_days=days)
    return changed(grant, charging=charging, **changes)


def closes(moment: float, days: int) -> float:
    return payment_closes(charging_day(moment), days)


def test_a_read_is_under_the_terms_of_its_capture() -> None:
    grants = after(terms(PLAIN, 3), terms(PLAIN, None, amendment=1))
    assert grants.opens(INNER, BEGINS, BEGINS + 1) == closes(BEGINS, 3)
    assert grants.opens(INNER, CHANGE - 1, CHANGE) == closes(CHANGE, 3)
    assert grants.opens(INNER, CHANGE, CHANGE + 1) is None
    assert grants.opens(Domain("police", "inner", 1), BEGINS, BEGINS + 1) is None


@pytest.mark.parametrize(("before", "then"), [(3, None), (None, 3), (3, 0), (0, 3)])
def test_of_terms_that_change_within_a_captures_span_the_strictest_count(
    before: int | None, then: int | None
) -> None:
    grants = after(terms(PLAIN, before), terms(PLAIN, then, amendment=1))
    assert grants.opens(INNER, CHANGE - 1800, CHANGE + 1800) == closes(CHANGE, 3)


def test_another_grant_over_the_domain_without_terms_is_no_way_around() -> None:
    grants = after(terms(PLAIN, 3), terms(PLAIN, None, grant_id="emissions-2"))
    moment = CHANGE + 10
    assert grants.at_capture(INNER, moment, moment + 1, moment).charging is None
    assert grants.opens(INNER, moment, moment + 1) == closes(moment, 3)


def test_a_span_up_to_midnight_is_of_the_day_that_ends() -> None:
    day = charging_day(BEGINS + 2 * DAY)
    grants = after(terms(PLAIN, 3))
    assert grants.opens(INNER, day.end() - 3600, day.end()) == payment_closes(day, 3)
    assert grants.opens(INNER, day.end(), day.end() + 3600) == payment_closes(day.next(), 3)


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        (3, 3, {Stage.KEEP, Stage.OPEN}),
        (None, None, {Stage.MATCH}),
        (3, None, set(Stage)),
        (None, 3, set(Stage)),
    ],
)
def test_a_day_takes_the_stages_of_all_its_terms(
    first: int | None, second: int | None, taken: set[Stage]
) -> None:
    grants = after(terms(PLAIN, first), terms(PLAIN, second, amendment=1))
    day = charging_day(CHANGE)
    found = set[Stage]()
    for stage in Stage:
        try:
            _require_stage(stage, day, grants.during("emissions-1", day), CHANGE + 20 * DAY)
            found.add(stage)
        except GrantError:
            continue
    assert found == taken


def test_a_day_opens_when_the_last_payment_for_it_closes() -> None:
    grants = after(terms(PLAIN, 5), terms(PLAIN, 0, amendment=1))
    day = charging_day(CHANGE)
    for moment, early in ((payment_closes(day, 5) - 1, True), (payment_closes(day, 5), False)):
        during = grants.during("emissions-1", day)
        if early:
            with pytest.raises(TooEarlyError):
                _require_stage(Stage.OPEN, day, during, moment)
        else:
            _require_stage(Stage.OPEN, day, during, moment)
    # The next day is under the new terms alone.
    _require_stage(Stage.OPEN, day.next(), grants.during("emissions-1", day.next()), day.next().end())
