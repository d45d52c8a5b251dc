"""What ``bench charging`` says, and how it adds up: the owner's processor time by step, that of each other party in all."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from blindplate.cli.benchmarks.timing import Seconds


@dataclass(frozen=True, slots=True)
class Counted:
    """How many there were of what; as in ``ChargingFigures``."""

    reads: int
    listed: int
    kept: int
    settled: int
    opened: int


@dataclass(frozen=True, slots=True)
class ChargingFigures:
    """A day of ``reads`` under a list of ``listed``: ``kept`` records until payment closed, of which ``opened`` were not paid.

    By step, the owner's processor time; ``owner_cpu_seconds`` is all of them together. Of the others, what each took
    from the list to open to the last outcome. ``wall_seconds`` is that time by the clock.
    """

    reads: int
    listed: int
    kept: int
    settled: int
    opened: int
    enter_settlements_cpu_seconds: float
    open_list_cpu_seconds: float
    take_answers_cpu_seconds: float
    ask_and_reveal_cpu_seconds: float
    decide_outcomes_cpu_seconds: float
    enter_outcomes_cpu_seconds: float
    notices_cpu_seconds: float
    reconcile_cpu_seconds: float
    owner_cpu_seconds: float
    owner_ms_per_opened: float
    matcher_cpu_seconds: float
    custodian_a_cpu_seconds: float
    custodian_b_cpu_seconds: float
    ledger_cpu_seconds: float
    all_cpu_seconds: float
    wall_seconds: float


class Steps:
    """Time taken by step, over however many times each was done."""

    def __init__(self) -> None:
        self.taken: dict[str, list[Seconds]] = defaultdict(list)

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        """A block that belongs to the step of that name."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.taken[name].append(Seconds(time.perf_counter() - wall, time.process_time() - cpu))

    def cpu(self, *names: str) -> float:
        """Processor time of these steps, of all without any."""
        return sum(one.cpu for name in names or self.taken for one in self.taken[name])


def figures_of(counted: Counted, steps: Steps, others: Mapping[str, float], wall: float) -> ChargingFigures:
    """The figures of a day's run; ``others`` is what each other party took by its name."""
    owner, each = steps.cpu(), steps.cpu("ask_and_reveal", "decide_outcomes", "enter_outcomes")
    return ChargingFigures(
        reads=counted.reads,
        listed=counted.listed,
        kept=counted.kept,
        settled=counted.settled,
        opened=counted.opened,
        enter_settlements_cpu_seconds=steps.cpu("enter_settlements"),
        open_list_cpu_seconds=steps.cpu("open_list"),
        take_answers_cpu_seconds=steps.cpu("take_answers"),
        ask_and_reveal_cpu_seconds=steps.cpu("ask_and_reveal"),
        decide_outcomes_cpu_seconds=steps.cpu("decide_outcomes"),
        enter_outcomes_cpu_seconds=steps.cpu("enter_outcomes"),
        notices_cpu_seconds=steps.cpu("notices"),
        reconcile_cpu_seconds=steps.cpu("reconcile"),
        owner_cpu_seconds=owner,
        owner_ms_per_opened=1000 * each / counted.opened,
        matcher_cpu_seconds=others["matcher"],
        custodian_a_cpu_seconds=others["custodian-a"],
        custodian_b_cpu_seconds=others["custodian-b"],
        ledger_cpu_seconds=others["ledger"],
        all_cpu_seconds=owner + sum(others.values()),
        wall_seconds=wall,
    )
