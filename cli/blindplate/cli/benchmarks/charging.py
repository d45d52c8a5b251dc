"""What a charging day costs once payment for it has closed: the owner's run, step by step, and all others meanwhile.

Every party is a process of its own; this one is the owner. ``charging_day`` says what of the day before is made up, and
``charging_parties`` how days pass. No figures are given unless exactly those who did not pay are charged, each has a notice,
and the books come out against the ledger. Protocol section 8.
"""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from blindplate.cli.benchmarks.charging_day import Listed, fill_list, hand_in
from blindplate.cli.benchmarks.charging_figures import ChargingFigures, Counted, Steps, figures_of
from blindplate.cli.benchmarks.charging_parties import Parties, wait_until
from blindplate.cli.benchmarks.timing import Say, silent
from blindplate.cli.deployment import Deployment, create_deployment, default_plan
from blindplate.cli.deployment.plan import emissions_list, free_addresses
from blindplate.client.owner import outcomes
from blindplate.client.owner.answers import acknowledge_stored, take_next
from blindplate.client.owner.charging.charges import record_charges
from blindplate.client.owner.charging.days import ChargingDay, calendar_day, charging_day
from blindplate.client.owner.charging.notices import write_notices
from blindplate.client.owner.charging.reconciling import reconcile
from blindplate.client.owner.charging.run import (
    ask_and_reveal,
    publish_openings,
    take_answers,
    waiting_hits,
)
from blindplate.client.owner.charging.settlement_file import Assumed, read_settlement_file
from blindplate.client.owner.charging.settlements import Settled, enter_settlements
from blindplate.client.owner.progress import silent as no_progress
from blindplate.client.owner.publish import kept_back, publish
from blindplate.client.owner.session import Session, open_session
from blindplate.client.owner.settings import OwnerSettings
from blindplate.core.domains import CHARGING_DAY
from blindplate.core.errors import BlindplateError, CountError, GrantError, UnavailableError
from blindplate.edge.ledger.snapshot import read_ledger
from blindplate.edge.settings import load

DEFAULT_READS: Final = 2_000_000
DEFAULT_LISTED: Final = 1_000_000
# London's zone in September 2023: 93,000 of 1,974,000 vehicles a day were not compliant.
LISTED_SHARE: Final = 0.047
DEFAULT_UNPAID: Final = 0.1
_PAYMENT_DAYS: Final = 3
_MORNING_SECONDS: Final = 36_000
_CLOSED_SECONDS: Final = 75.0
_LONGEST_SECONDS: Final = 3 * 3600.0
_PAUSE_SECONDS: Final = 0.5


def measure_charging(
    reads: int = DEFAULT_READS,
    listed: int = DEFAULT_LISTED,
    unpaid: float = DEFAULT_UNPAID,
    folder: Path | None = None,
    *,
    say: Say = silent,
) -> ChargingFigures:
    """Have a day pass, and run it. ``unpaid`` is the share of the listed vehicles read that did not pay.

    The deployment is thrown away; it lies in a new folder inside ``folder``. Raises UnavailableError when a party does not
    come up, CountError when what came out is not what went in.
    """
    kept = max(1, min(listed, round(LISTED_SHARE * reads)))
    opened = max(1, round(unpaid * kept))
    with ExitStack() as stack:
        made = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="blindplate-bench-", dir=folder)))
        morning = CHARGING_DAY.at(time.time()).start() + _MORNING_SECONDS
        deployment = _deploy(made / "deployment", listed, int(morning) - 86_400)
        parties = stack.enter_context(Parties(deployment, morning))
        settings = load(OwnerSettings, deployment.settings("owner-emissions"))
        settings = settings.model_copy(update={"automatic_release": True, "wait_ms": 0, "epochs_ahead": 1})
        say("Starting ledger, custodians and matcher.")
        wait_until(lambda: _in_force(settings, parties), "the grants are in force", parties)
        with open_session(settings, parties.clock) as session:
            day = charging_day(session.grant, calendar_day(CHARGING_DAY.at(session.now()).index))
            vehicles = _until_payment_closes(deployment, parties, session, listed, kept, say)
            return _run(parties, session, day, made, _Day(reads, listed, vehicles, opened), say)


@dataclass(frozen=True, slots=True)
class _Day:
    reads: int
    listed: int
    vehicles: Sequence[Listed]
    opened: int


def _until_payment_closes(
    deployment: Deployment, parties: Parties, session: Session, listed: int, kept: int, say: Say
) -> list[Listed]:
    """The day itself: the list in force, one read of each of ``kept`` vehicles handed in, and every token claimed."""
    say(f"Listing {listed:,} vehicles.")
    vehicles = fill_list(session, listed, kept)
    say("Committing to the list, and uploading it.")

    def published() -> bool:
        # The matcher may not have read the grant yet.
        with suppress(GrantError), session.store.publishing(wait=True):
            return not publish(session).waiting
        return False

    wait_until(published, "the list is witnessed", parties, _LONGEST_SECONDS)
    # A version matches what is captured from the second after it was witnessed on; headers tell the hour alone.
    parties.clock.move_to(session.now() + 7200)
    say(f"Sealing and handing in {kept:,} reads.")
    hand_in(deployment, deployment.plan.cameras[0], session, vehicles)
    say("Taking answers, and claiming tokens.")
    shown = 0

    def claimed() -> bool:
        nonlocal shown
        acknowledge_stored(session, kept_back(session))
        while (taken := take_next(session, 0, kept_back)) is not None:
            shown += taken.kept
        return shown >= kept

    wait_until(claimed, "every read is kept", parties, _LONGEST_SECONDS)
    return vehicles


def _run(
    parties: Parties, session: Session, day: ChargingDay, folder: Path, made: _Day, say: Say
) -> ChargingFigures:
    steps, paid = Steps(), made.vehicles[made.opened :]
    file = folder / "paid.csv"
    _write_payments(file, paid)
    with steps.step("enter_settlements"):
        last = day.day + timedelta(days=90)
        read = read_settlement_file(file, Assumed(Settled.PAID, "GB", day.day, last))
        with session.store.writing() as connection:
            enter_settlements(connection, read.settlements, session.now())
    parties.clock.move_to(day.closes_at + _CLOSED_SECONDS)
    say(f"Payment has closed: {len(paid):,} paid, {made.opened:,} did not.")
    wait_until(lambda: _is_fresh(session), "a checkpoint of today", parties)
    # The lists of the days in between, which an owner that runs has uploaded long before.
    with session.store.publishing(wait=True):
        publish(session)
    before, began = parties.cpu_seconds(), time.perf_counter()
    with steps.step("open_list"):
        publish_openings(session, day, no_progress)
    charged = 0
    while charged < made.opened:
        with steps.step("take_answers"):
            take_answers(session)
        with steps.step("ask_and_reveal"):
            asked, revealed = ask_and_reveal(session, day)
        with steps.step("decide_outcomes"):
            charged += record_charges(session, day.day)
        say(f"{charged:,} of {made.opened:,} charged after {time.perf_counter() - began:.0f} s.")
        parties.require_running()
        if time.perf_counter() - began > _LONGEST_SECONDS:
            raise UnavailableError(
                "The day's run of the benchmark does not come to its end.", "See the parties' logs."
            )
        if not asked and not revealed:
            time.sleep(_PAUSE_SECONDS)
    with steps.step("enter_outcomes"):
        outcomes.enter_all(session)
    wall = time.perf_counter() - began
    others = {party: seconds - before[party] for party, seconds in parties.cpu_seconds().items()}
    with steps.step("notices"):
        issued = write_notices(session, day.day, folder / "notices")
    with steps.step("reconcile"):
        books = reconcile(session, day.day)
    unpaid = {one.plate.text for one in made.vehicles[: made.opened]}
    if waiting_hits(session, day) or issued.written != made.opened or not books.holds:
        raise CountError("The day's run of the benchmark did not charge whom it should.")
    if _noticed(folder / "notices") != unpaid:
        raise CountError("The notices of the benchmark are not those of who did not pay.")
    counted = Counted(made.reads, made.listed, len(made.vehicles), len(paid), made.opened)
    return figures_of(counted, steps, others, wall)


def _deploy(folder: Path, listed: int, begins: int) -> Deployment:
    """One camera, so that there is one zone: what a list costs grows with its entries times its zones."""
    plan = default_plan(begins, cameras=1)
    emissions = emissions_list(max(200, listed), max_delay_seconds=0, payment_days=_PAYMENT_DAYS)
    lists = (replace(emissions, tick_seconds=0.5), *plan.lists[1:])
    return create_deployment(folder, replace(plan, addresses=free_addresses(), lists=lists))


def _in_force(settings: OwnerSettings, parties: Parties) -> bool:
    try:
        with read_ledger(settings.ledger, settings.trust) as state:
            history = state.grants.get(settings.grant)
            return history is not None and history.in_force(parties.clock.now())
    except BlindplateError:
        # Not cosigned yet, or not there.
        return False


def _is_fresh(session: Session) -> bool:
    return session.now() - session.ledger.refresh().require_both() < 50


def _write_payments(path: Path, paid: Sequence[Listed]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["vrm"])
        writer.writerows([one.plate.text] for one in paid)


def _noticed(folder: Path) -> set[str]:
    with (folder / "notices.csv").open(newline="") as file:
        return {row["vrm"] for row in csv.DictReader(file)}
