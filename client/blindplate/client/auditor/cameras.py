"""What cameras say they handed in, held against what the matcher says it received.

Guarantees that a matcher which hides records that it took is found at its next counts, as far as cameras report them:
for each list and zone, what all cameras say was accepted never exceeds what the matcher received. Cameras that report
late, or not at all, only make the check weaker. Protocol section 7.

A report counts against the matcher's counts once those were certainly made after it: made five minutes later by their
own dates, or the second to be entered after it, since the matcher makes none before the one before has its receipt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from blindplate.client.auditor.count_rules import Place
from blindplate.client.auditor.dating import SKEW_SECONDS
from blindplate.client.auditor.findings import Finding, Kind, Rule, Severity, judged
from blindplate.client.auditor.grants import NOTHING_READ, GrantDates
from blindplate.core.errors import CountError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.statements.cameras import CameraCounts, RegisterEntry

# A camera by its zone and name.
_Camera = tuple[str, str]
# The longest that a camera's settings let it wait from one report to the next.
_PACE_SECONDS: Final = 7 * 86_400


@dataclass(slots=True)
class Cameras:
    """What cameras have reported up to the last entry heard.

    ``last`` is each camera's last report, ``accepted`` all that were ever accepted by their word, ``due`` the part of it
    that the matcher's counts must hold by now.
    """

    last: dict[_Camera, CameraCounts] = field(default_factory=dict[_Camera, CameraCounts])
    accepted: Counter[Place] = field(default_factory=Counter[Place])
    due: Counter[Place] = field(default_factory=Counter[Place])
    # When each register was entered, by digest: the entry and the time at it. And the cameras said to be silent.
    _registered: dict[bytes, tuple[int, int]] = field(default_factory=dict[bytes, tuple[int, int]])
    _silent: set[_Camera] = field(default_factory=set[_Camera])
    # What came since the matcher's last counts, with the dates, and what came before them and is not yet due.
    _fresh: list[tuple[int, Counter[Place]]] = field(default_factory=list[tuple[int, Counter[Place]]])
    _waiting: list[Counter[Place]] = field(default_factory=list[Counter[Place]])

    def report(self, index: int, entry: CameraCounts) -> Iterator[Finding]:
        """Hear of a camera's counts."""
        camera = (entry.zone, entry.camera_id)
        before = self.last.get(camera)
        yield from judged(REPORT_RULES, ReportView(entry, before), index)
        same = before is not None and before.since == entry.since
        had = _records(before) if before is not None and same else Counter[Place]()
        more = _records(entry) - had
        self.accepted.update(more)
        self._fresh.append((entry.made_at, more))
        self.last[camera] = entry

    def compared(self, index: int, received: Mapping[Place, int], made_at: int) -> Iterator[Finding]:
        """Hear of the matcher's counts, made at ``made_at``: records ``received`` in all, by list and zone."""
        self._settle(made_at)
        for place in sorted(self.due):
            view = ComparedView(place, self.due[place], received.get(place, 0))
            yield from judged(COMPARED_RULES, view, index)

    def registered(self, index: int, entry: RegisterEntry, moment: int) -> None:
        """Hear of a zone's register, entered at ``moment``."""
        self._registered.setdefault(entry.register_digest, (index, moment))

    def closing(self, witnessed_at: int, state: LedgerState, dates: GrantDates) -> Iterator[Finding]:
        """What is to be said at a checkpoint witnessed at ``witnessed_at``: cameras that must have reported by now."""
        cameras: set[_Camera] = set()
        silent: set[_Camera] = set()
        last = 0
        for digest in _in_force(witnessed_at, state, dates):
            index, moment = self._registered[digest]
            if moment + _PACE_SECONDS > witnessed_at:
                continue
            for one in state.registers[digest].cameras:
                if one.identity in state.revoked or one.signing_key in state.revoked_keys:
                    continue
                camera = (state.registers[digest].zone, one.camera_id)
                cameras.add(camera)
                if camera not in self.last:
                    silent.add(camera)
                    last = max(last, index)
        if silent - self._silent:
            self._silent |= silent
            sentence = (
                f"{len(silent):,} of the {len(cameras):,} cameras that were registered more than a week ago have never "
                "reported how many records they handed in: for them there is only the matcher's word."
            )
            yield Finding(last, Kind.CAMERA_SILENT, Severity.NOTE, sentence)

    def _settle(self, made_at: int) -> None:
        for more in self._waiting:
            self.due.update(more)
        self._waiting.clear()
        for reported_at, more in self._fresh:
            if reported_at + SKEW_SECONDS <= made_at:
                self.due.update(more)
            else:
                self._waiting.append(more)
        self._fresh.clear()


@dataclass(frozen=True, slots=True)
class ReportView:
    """A camera's report and the one before."""

    entry: CameraCounts
    before: CameraCounts | None


def require_rising(view: ReportView) -> None:
    """Totals never decrease since one beginning, and beginnings never go back. Raises CountError."""
    entry, before = view.entry, view.before
    camera = f"Camera {entry.camera_id} in zone {entry.zone}"
    if len({one.list_id for one in entry.accepted}) != len(entry.accepted):
        raise CountError(f"{camera} counts a list twice in one report.")
    if before is None:
        return
    if entry.since < before.since:
        raise CountError(f"{camera} goes back to counts that it had replaced by later ones.")
    if entry.since == before.since and _records(before) - _records(entry):
        raise CountError(f"{camera} reports fewer records handed in than it did before.")


@dataclass(frozen=True, slots=True)
class ComparedView:
    """For one list and zone: records that cameras say were ``accepted``, and that the matcher says it ``received``."""

    place: Place
    accepted: int
    received: int


def require_all_received(view: ComparedView) -> None:
    """The matcher counts every record that a camera says it took. Raises CountError."""
    if view.accepted > view.received:
        list_id, zone = view.place
        raise CountError(
            f"Cameras in zone {zone} handed in {view.accepted:,} records for list {list_id}, but the matcher counts only "
            f"{view.received:,} received: it hides records."
        )


REPORT_RULES: Final = (Rule(Kind.CAMERA_DECREASE, require_rising),)
COMPARED_RULES: Final = (Rule(Kind.CAMERA_EXCESS, require_all_received),)


def _in_force(moment: int, state: LedgerState, dates: GrantDates) -> frozenset[bytes]:
    """The registers that grants in force at ``moment`` name, by digest."""
    return frozenset(
        zone.register_digest
        for history in state.grants.values()
        if not dates.ended(history.grant_id, NOTHING_READ, moment)
        for grant in dates.possible(history, moment)
        for zone in grant.zones
    )


def _records(entry: CameraCounts) -> Counter[Place]:
    return Counter({(one.list_id, entry.zone): one.records for one in entry.accepted})
